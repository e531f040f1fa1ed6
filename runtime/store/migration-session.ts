import { setTimeout as delay } from 'node:timers/promises';
import { Client, type ClientConfig } from 'pg';
import { RuntimeError } from '../errors.js';

/** Two keys of one advisory lock: "tele", "migr" in ASCII. */
const LOCK = [0x74656c65, 0x6d696772] as const;
const LOCK_POLL_MS = 100;
const LOCK_DEADLINE_MS = 5 * 60_000;

/** One session on the direct port, closed when `work` has ended. */
export async function withMigrationClient<T>(config: ClientConfig, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ ...config, application_name: 'telegram-migrate' });
  // A connection that breaks between two queries must not end the process; the next query reports it.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (cause) {
    throw new RuntimeError('SERVICE_UNREACHABLE', 'the database cannot be reached for migrations', { cause });
  }
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * Held until the session ends. Polls instead of waiting inside the server: a waiting session holds a snapshot, and an
 * index built CONCURRENTLY by the holder would wait for that snapshot for ever.
 */
export async function lockMigrations(client: Client): Promise<void> {
  const deadline = Date.now() + LOCK_DEADLINE_MS;
  for (;;) {
    const { rows } = await client.query<{ ok: boolean }>('select pg_try_advisory_lock($1, $2) as ok', [...LOCK]);
    if (rows[0]?.ok === true) return;
    if (Date.now() > deadline)
      throw new RuntimeError('MIGRATION_FAILED', 'another migrator has held the lock for five minutes');
    await delay(LOCK_POLL_MS);
  }
}
