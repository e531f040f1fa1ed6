import { createWriteStream, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { constants, createGzip, gzipSync } from 'node:zlib';
import { writeFileSync } from 'node:fs';
import type { Client } from 'pg';
import { copyTo } from './copy.js';
import { onSnapshot } from './databases.js';
import { SOURCE_TABLES } from './source-schema.js';

/** Safety copies in the folder of the migration: 0600, whole or not there. Sizes in bytes. */
export interface Saved {
  readonly file: string;
  readonly bytes: number;
}

/** `sessions.tar.gz` of all that the old gateway kept there. */
export function saveSessions(folder: string, archive: Buffer): Saved {
  prepare(folder);
  const file = join(folder, 'sessions.tar.gz');
  writeFileSync(`${file}.new`, gzipSync(archive), { mode: 0o600 });
  return finish(file);
}

/**
 * The old schema alone: `schema.sql` as pg_dump writes it, and each table as `<table>.copy.gz`, of one snapshot. Not pg_dump's
 * own data: the rows of a hypertable are in chunks of another schema, which all hypertables of the server share.
 */
export async function saveSchema(
  folder: string,
  source: Client,
  schema: string,
  definition: () => Promise<string>,
): Promise<Saved[]> {
  prepare(folder);
  const sql = join(folder, 'schema.sql');
  writeFileSync(`${sql}.new`, await definition(), { mode: 0o600 });
  const saved = [finish(sql)];
  await onSnapshot(source, async () => {
    for (const table of Object.keys(SOURCE_TABLES))
      saved.push(await saveTable(join(folder, `${table}.copy.gz`), source, `${schema}.${table}`));
  });
  return saved;
}

async function saveTable(file: string, source: Client, table: string): Promise<Saved> {
  const rows = new PassThrough({ highWaterMark: 2 ** 20 });
  const written = pipeline(
    rows,
    createGzip({ level: constants.Z_BEST_SPEED }),
    createWriteStream(`${file}.new`, { mode: 0o600 }),
  );
  written.catch(() => undefined);
  try {
    await copyTo(source, `select * from ${table}`, rows);
    rows.end();
  } catch (error) {
    rows.destroy();
    await finished(rows).catch(() => undefined);
    throw error;
  }
  await written;
  return finish(file);
}

function prepare(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
}

function finish(file: string): Saved {
  renameSync(`${file}.new`, file);
  return { file, bytes: statSync(file).size };
}
