import { text } from 'node:stream/consumers';
import { migrateCase, type MigrationCase } from './migration-run.js';

/** One run of the migration whose process a test may kill: its case as JSON on stdin. */
void text(process.stdin)
  .then((input) => migrateCase(JSON.parse(input) as MigrationCase))
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  });
