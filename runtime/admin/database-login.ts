import { Client, DatabaseError, type ClientConfig } from 'pg';
import { z } from 'zod';
import { trust } from '../tls.js';

/** The admin's way to PostgreSQL itself: the direct port, not PgBouncer. */
export const databaseLogin = z.strictObject({
  host: z.string(),
  port: z.number().int().min(1).max(65_535),
  name: z.string(),
  user: z.string(),
  password: z.string(),
  /** Tried in turn where the password is refused: what the server knew before a rotation. */
  formerPasswords: z.array(z.string()).default([]),
  /** TLS with a verified certificate. */
  tls: z.boolean().default(false),
  /** PEM certificates of the authorities to verify with, instead of the well-known ones. */
  authorities: z.string().optional(),
});
export type DatabaseLogin = z.output<typeof databaseLogin>;

const CONNECT_TIMEOUT_MS = 10_000;

export function clientConfig(login: DatabaseLogin): ClientConfig {
  const { host, port, name, user, password, tls, authorities } = login;
  const ssl = tls && trust(authorities);
  return { host, port, database: name, user, password, ssl, connectionTimeoutMillis: CONNECT_TIMEOUT_MS };
}

/** SQLSTATE of a refused password. */
const REFUSED = '28P01';

/** With the first password that the server takes; any other trouble is left to whoever connects next. */
export async function acceptedConfig(login: DatabaseLogin): Promise<ClientConfig> {
  const { password, formerPasswords } = login;
  if (formerPasswords.length === 0) return clientConfig(login);
  for (const candidate of [password, ...formerPasswords]) {
    const config = clientConfig({ ...login, password: candidate });
    if (!(await isRefused(config))) return config;
  }
  return clientConfig(login);
}

async function isRefused(config: ClientConfig): Promise<boolean> {
  const client = new Client(config);
  client.on('error', () => undefined);
  try {
    await client.connect();
    return false;
  } catch (error) {
    return error instanceof DatabaseError && error.code === REFUSED;
  } finally {
    await client.end().catch(() => undefined);
  }
}
