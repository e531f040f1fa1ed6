import type { ClientConfig } from 'pg';
import { z } from 'zod';

/** The admin's way to PostgreSQL itself: the direct port, not PgBouncer. */
export const databaseLogin = z.strictObject({
  host: z.string(),
  port: z.number().int().min(1).max(65_535),
  name: z.string(),
  user: z.string(),
  password: z.string(),
  /** TLS with a verified certificate. */
  tls: z.boolean().default(false),
});
export type DatabaseLogin = z.output<typeof databaseLogin>;

const CONNECT_TIMEOUT_MS = 10_000;

export function clientConfig({ host, port, name, user, password, tls }: DatabaseLogin): ClientConfig {
  return { host, port, database: name, user, password, ssl: tls, connectionTimeoutMillis: CONNECT_TIMEOUT_MS };
}
