import type { RuntimeErrorCode } from '../../../runtime/errors.js';
import type { ErrorText } from './error-text.js';

/** One text a code of the runtime: gateway, consumer, API and the tools that `up` runs. */
export const RUNTIME_TEXTS: Readonly<Record<RuntimeErrorCode, ErrorText>> = {
  CONFIG_INVALID: {
    what: 'The environment of a process has mistakes; all of them are listed at once.',
    why: 'A variable is missing or has a value of the wrong kind. The stack writes them all, so somebody changed one by hand, or started the process outside of the stack.',
    todo: '`npm run up` writes them again. Exit code 64 is not restarted: nothing changes by itself.',
  },
  CREDENTIALS_UNREADABLE: {
    what: 'The file with the credentials of a process cannot be read.',
    why: 'It is missing, belongs to somebody else, or is not the JSON that it should be.',
    todo: '`npm run up` writes it again.',
  },
  SIMULATOR_IN_PRODUCTION: {
    what: 'A production process was told to use the simulator, and refused to start.',
    why: 'TELEGRAM_SIMULATOR_* is set together with TELEGRAM_ENVIRONMENT=production.',
    todo: 'Set `telegram:telegram.kind` to `real`, with API id and hash.',
  },
  SESSION_MISSING: {
    what: 'The gateway runs, is not ready, and waits: there is no session of Telegram.',
    why: 'Nobody has logged in yet, or the session file was removed.',
    todo: 'After `npm run login` it goes on by itself.',
  },
  SESSION_INSECURE: {
    what: 'The gateway refused a session file that others may read.',
    why: 'Its mode is not 0600: whoever reads it is logged in as the account.',
    todo: '`npm run doctor` prints the command that closes it. If somebody else could read it, end the session in the Telegram app and log in anew.',
  },
  SESSION_IN_USE: {
    what: 'Another gateway holds this session. This one ended with exit code 66 and is not restarted.',
    why: 'Two processes on one session make Telegram end it for both.',
    todo: 'Stop the other one, then `npm run up`.',
  },
  LEASE_LOST: {
    what: 'Another gateway has taken over this account. This one stored nothing more and ended with exit code 67; it is not restarted.',
    why: 'Two machines run the gateway of one account with the same database: this one was cut off from the database, or stood still, for longer than the lease of 20 seconds, and the other one took its place.',
    todo: 'Never run one session on two machines: Telegram ends it for both. After the other one has stopped, `npm run up` starts this one again; what came meanwhile is fetched.',
  },
  TELEGRAM_AUTH_FATAL: {
    what: 'Telegram refused the session for good. Exit code 65; the unit is not restarted in a loop.',
    why: 'The session was ended in the app, the account was deleted or banned, or the session was used in two places.',
    todo: 'Log in anew. What was received until then is in the database; what came since is fetched after the login.',
  },
  LOGIN_INPUT: {
    what: 'The login needed an answer and got none. No session was written.',
    why: 'There is no terminal, and stdin ended before number, code or password came; or the time for all of it ran out.',
    todo: 'Run it in a terminal, or pass one answer a line on stdin.',
  },
  LOGIN_REFUSED: {
    what: 'Telegram refused the login. No session was written; one that was there still is.',
    why: 'A wrong number, a code that was wrong too often or too old, a wrong password, or a flood wait: the message carries the words of Telegram.',
    todo: 'Wait where it says so, and run `npm run login` again.',
  },
  MIGRATION_EDITED: {
    what: 'A file in `sql/` is not what was applied to this database. Nothing was changed.',
    why: 'Somebody edited it after it was applied. The database keeps a checksum of each.',
    todo: 'Restore it (`git checkout -- sql/<file>`) and put the change into a new number; then `npm run up` goes on.',
    example: '✖ MIGRATION_EDITED 01_messages.sql was changed after it was applied',
  },
  MIGRATION_MISSING: {
    what: 'A migration was applied whose file is gone. Nothing was changed.',
    why: 'The file was deleted or renamed. (Files with a higher number than any here are of a newer release, and are let be.)',
    todo: 'Restore it from the history, then `npm run up`.',
  },
  MIGRATION_FAILED: {
    what: 'A migration failed. Nothing of the file was kept, earlier ones stay.',
    why: 'The words of the database stand in the message.',
    todo: 'Correct the file, which nobody has applied yet, and run `npm run up` again.',
  },
  SERVICE_UNREACHABLE: {
    what: 'A service did not answer in time.',
    why: 'It is down, starts, or the network between is cut.',
    todo: '`npm run doctor` names it with the command that mends it.',
  },
};
