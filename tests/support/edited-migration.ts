import { sql } from './secrets/places.js';

/** Resource that applies the migrations. */
export const MIGRATIONS_STEP = 'telegram-migrations-schema';

/**
 * A file of `sql/` that is not what was applied, without an image that is built anew and replaces every container: the migrator
 * compares each with the checksum on record, so here the record is turned round. Once more, and it is as before.
 */
export async function editMigration(): Promise<void> {
  await sql('update telegram_gateway.schema_migrations set checksum = reverse(checksum) where version = 1');
}

/** All that `up` says of it in the end, whichever engine it is. */
export const EDITED_MIGRATION = `✖ MIGRATION_EDITED 01_messages.sql was changed after it was applied
  fix:  Restore the file as it was applied and put the change into a new numbered file.
  docs: docs/errors.md#migration_edited
`;
