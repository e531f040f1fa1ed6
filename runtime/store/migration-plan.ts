import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { RuntimeError } from '../errors.js';

/** First line of a file whose one statement cannot run in a transaction. */
const NO_TRANSACTION = '--! no-transaction';

export interface MigrationFile {
  readonly version: number;
  /** File name, for example `01_messages.sql`. */
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
  readonly transactional: boolean;
}

export interface AppliedMigration {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
}

export interface MigrationPlan {
  readonly pending: readonly MigrationFile[];
  /** Applied by a newer release than this one: known to the database, not to the folder. */
  readonly newer: readonly string[];
}

export function checksumOf(sql: string): string {
  return createHash('sha256').update(sql).digest('hex');
}

/** The numbered files of a folder in order; whatever has no number (`roles.sql`, `schema.sql`) is not a migration. */
export function readMigrations(directory: string): readonly MigrationFile[] {
  const files = readdirSync(directory)
    .filter((name) => /^\d+_.+\.sql$/.test(name))
    .map((name) => parseMigration(name, readFileSync(join(directory, name), 'utf8')))
    .sort((a, b) => a.version - b.version);
  for (const [index, file] of files.entries()) {
    const previous = files[index - 1];
    if (previous?.version === file.version)
      throw new RuntimeError('MIGRATION_FAILED', `${previous.name} and ${file.name} have the same number`);
  }
  return files;
}

export function parseMigration(name: string, sql: string): MigrationFile {
  return {
    version: Number.parseInt(name, 10),
    name,
    sql,
    checksum: checksumOf(sql),
    transactional: sql.split('\n', 1)[0]?.trim() !== NO_TRANSACTION,
  };
}

/** What is left to do, or the error that says how folder and database disagree. */
export function planMigrations(files: readonly MigrationFile[], applied: readonly AppliedMigration[]): MigrationPlan {
  const byVersion = new Map(files.map((file) => [file.version, file]));
  const last = Math.max(0, ...files.map((file) => file.version));
  const newer: string[] = [];
  for (const row of applied) {
    const file = byVersion.get(row.version);
    if (!file && row.version > last) newer.push(row.name);
    else if (!file) throw new RuntimeError('MIGRATION_MISSING', `${row.name} was applied, but the file is gone`);
    else if (file.checksum !== row.checksum)
      throw new RuntimeError('MIGRATION_EDITED', `${file.name} was changed after it was applied`);
  }
  const done = new Set(applied.map((row) => row.version));
  return { pending: files.filter((file) => !done.has(file.version)), newer };
}
