import { createHash } from 'node:crypto';
import { SCHEMA } from '../contract.js';
import type { Queryable, Statement } from './database.js';

const ACTIVE: Statement = {
  name: 'api_keys_active',
  text: `select name, encode(key_sha256, 'hex') as hash from ${SCHEMA}.api_keys where revoked_at is null`,
};

const SECRET: Statement = {
  name: 'api_cursor_secret',
  text: `select secret from ${SCHEMA}.api_cursor_secret`,
};

/** What the database keeps of a key, in hex: a key is 40 random characters, so a plain hash tells nothing about it. */
export function hashApiKey(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('hex');
}

/** Hash → name of every key that is not revoked. */
export async function activeApiKeys(database: Queryable): Promise<ReadonlyMap<string, string>> {
  const { rows } = await database.run<{ name: string; hash: string }>(ACTIVE, []);
  return new Map(rows.map(({ hash, name }) => [hash, name]));
}

export async function cursorSecret(database: Queryable): Promise<Buffer> {
  const { rows } = await database.run<{ secret: Buffer }>(SECRET, []);
  const secret = rows[0]?.secret;
  if (!secret) throw new Error(`${SCHEMA}.api_cursor_secret is empty`);
  return secret;
}
