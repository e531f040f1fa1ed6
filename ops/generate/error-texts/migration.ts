import type { StackErrorCode } from '../../../stack/errors.js';
import type { ErrorText } from './error-text.js';

/** The codes of `npm run migrate` and of the way back. */
export const MIGRATION_TEXTS = {
  MIGRATE_SOURCE: {
    what: 'The old layout cannot be read, or is of a version that is not known. Nothing was changed anywhere.',
    why: '`telegram:source` is missing or names the wrong server, that is older than PostgreSQL 14 or not encoded in UTF8, the login may not read the schema, or a column is missing, is of another type, or is one that would not be carried over. The column that was expected is named.',
    todo: 'The supported layout stands in `ops/migrate/source-schema.ts` and in docs/guides/migration.md.',
    example: `✖ MIGRATE_SOURCE the schema telegram_gateway is of a version that is not supported
    messages.status: expected text, there is none
    messages.state: unknown, expected one of id, channel_id, message_id, …`,
  },
  MIGRATE_PREFLIGHT: {
    what: 'Something would make the migration fail halfway. Everything that does is listed at once; the old gateway runs on.',
    why: 'The old container or its sessions are not there, the gateway host cannot be reached, too little disk, or a retention that would forget what is brought.',
    todo: '`npm run migrate -- --plan` looks at the same things.',
    example: `✖ MIGRATE_PREFLIGHT 1 thing(s) stand in the way
    telegram:retention.messagesDays: 90 days would forget 412000 rows; set 0, or 1200 at least`,
  },
  MIGRATE_ROWS: {
    what: 'The source holds rows that the data model refuses. They are counted by reason, with the first of each by id. Nothing was copied, or nothing more.',
    why: 'A channel, message id or date is null, a date is outside of what Telegram knows (1970 to 2106, infinity among them), a status is unknown, or two rows are the same message.',
    todo: 'With `--set-aside` every other row is migrated, and each of these is kept whole, as JSON with its reason, in `telegram_migration.refused` of the new database. Of two rows for one message the older is migrated.',
    example: `✖ MIGRATE_ROWS 3 row(s) of the source are refused
    date out of range: 1 (id 77)
    message again: 2 (id 1200, 1201)`,
  },
  MIGRATE_TARGET: {
    what: 'The new database is not one that this migration may fill. Nothing was changed.',
    why: 'It holds messages that no migration wrote, a migration from another source was begun in it, or one was rolled back.',
    todo: 'After `rollback --migration full` the source holds everything, so nothing is lost with the old target.',
    example: '✖ MIGRATE_TARGET the new database holds messages already, and no migration brought them',
  },
  MIGRATE_SESSION: {
    what: 'The session cannot be moved. If the old gateway had been stopped for it, it was started again.',
    why: 'There is no such session file, it is none of the supported form, the gateway host has a session already, or Telegram says that the session belongs to another account than the source records, or refuses it.',
    todo: 'Name the right one in `telegram:source.session`; `npm run session -- status` shows what the new host has, `npm run session -- logout` ends that.',
    example: '✖ MIGRATE_SESSION the session "default" belongs to account 4711, the source is that of account 4712',
  },
  MIGRATE_RUNNING: {
    what: 'Another migration or rollback works on the same new database. Nothing was changed.',
    why: 'Both hold the same advisory lock; it ends with the process that holds it, also when that is killed.',
    todo: 'If the other one was killed on another machine, its session ends when the server notices, within minutes.',
  },
  MIGRATE_DIFFERENT: {
    what: 'With the old gateway stopped, source and target differ. The switch was not made, and the old gateway was started again.',
    why: 'Something else still writes to the source; the channels and months that differ are listed, and who is connected.',
    todo: '`npm run migrate` goes on where it was, and copies only what differs.',
    example: `✖ MIGRATE_DIFFERENT 1 part(s) differ between source and target
    channel 1001, 2026-11: 41 rows in the source, 40 here`,
  },
  MIGRATE_ROLLBACK: {
    what: 'The way back to the old gateway was not finished. What was done stays, and nothing was removed.',
    why: 'The source cannot be written, the gateway host or Docker does not answer, or no migration was switched over.',
    todo: '`npm run migrate -- --plan` tells how far the migration is.',
  },
} as const satisfies Partial<Record<StackErrorCode, ErrorText>>;
