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
  API_INPUT: {
    what: 'The API refused a request (400). `details` names every field, with what was expected.',
    why: 'A parameter or the body has a wrong form, is out of range, or is not known; or the URL or the JSON cannot be read.',
    todo: 'Correct the named fields. Ids are strings of digits.',
    example: '{"error":{"code":"API_INPUT","message":"query.limit: expected a whole number from 1 to 200", …}}',
  },
  API_CURSOR: {
    what: 'The API refused a cursor (400).',
    why: 'It was changed or made up, or it belongs to a page with another filter, order or route.',
    todo: 'Pass `next` on as it came, with the same filter, or begin again without one.',
  },
  API_KEY: {
    what: 'The API does not know the key (401).',
    why: 'There is none in the header `Authorization: Bearer <key>`, it is mistyped, or it was revoked.',
    todo: '`npm run api-keys -- list` shows the keys there are, `create <name>` makes another.',
  },
  API_NOT_FOUND: {
    what: 'There is no such message, channel, account or route (404).',
    why: 'The id is of another channel, the message was never seen, or the channel belongs to no account of this stack.',
    todo: '`GET /v1/channels` lists the channels.',
  },
  API_CONFLICT: {
    what: 'The state of the channel does not allow the command (409).',
    why: 'Its account has left it, Telegram refuses it, or there are no ids in the range that was asked for.',
    todo: '`GET /v1/channels/{channel}` tells its state and its last id.',
  },
  API_TOO_LARGE: {
    what: 'The body of the request is too large (413).',
    why: 'No command of the API needs more than 16 KiB.',
    todo: 'Send what the document of the API asks for.',
  },
  API_MEDIA_TYPE: {
    what: 'The body is in a form that the API does not read (415).',
    why: 'It reads JSON, and the request said something else.',
    todo: 'Send `Content-Type: application/json`.',
  },
  API_RATE: {
    what: 'The key has asked too often (429).',
    why: 'Each key may ask `TELEGRAM_API_RATE_LIMIT` times a minute.',
    todo: 'Wait as long as `Retry-After` says; for many messages use `GET /v1/export` or `GET /v1/live`, which are one request each.',
  },
  API_INTERNAL: {
    what: 'The API failed in a way that nobody foresaw (500).',
    why: 'A bug. What happened is in its log under the id of the request, and in no answer.',
    todo: '`npm run logs -- gateway-api`, and report it.',
  },
  API_BUSY: {
    what: 'The API has as many answers, exports or live feeds in hand as it takes at once (503).',
    why: 'Each holds memory or a connection for as long as its reader likes: eight answers, eight exports, a hundred feeds.',
    todo: 'Or end one, or ask for shorter pages.',
  },
  API_QUERY_TIMEOUT: {
    what: 'The database gave a query up (503).',
    why: 'It would have read too much: a text that is rare, over all channels and all of the time.',
    todo: 'Give `channel`, or `from` and `to`.',
  },
};
