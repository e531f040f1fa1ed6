import type { ClientConfig } from 'pg';
import { RuntimeError } from '../errors.js';
import type { Logger } from '../logger.js';
import { lockMigrations, withMigrationClient } from './migration-session.js';

/**
 * After a change of the image the library of TimescaleDB is newer than what the database has installed. Only
 * `ALTER EXTENSION` as the first statement of a session can mend that: any other would load the old library first, which
 * is no longer there.
 *
 * Promised: a database without TimescaleDB, or with the same or a newer version, is left as it is. On failure: the old
 * version stays installed.
 */
export async function updateTimescale(config: ClientConfig, logger: Logger): Promise<void> {
  await withMigrationClient(config, async (client) => {
    // This session asks and holds the lock; it must not load the old library either.
    await client.query('set timescaledb.disable_load = on');
    await lockMigrations(client);
    const { rows } = await client.query<{ installed: string; available: string }>(
      `select e.extversion as installed, a.default_version as available
         from pg_catalog.pg_extension e join pg_catalog.pg_available_extensions a on a.name = e.extname
        where e.extname = 'timescaledb'`,
    );
    const [found] = rows;
    if (!found || !isOlder(found.installed, found.available)) return;
    await update(config, found);
    logger.info(found, 'TimescaleDB updated');
  });
}

async function update(config: ClientConfig, found: { installed: string; available: string }): Promise<void> {
  try {
    await withMigrationClient(config, (client) => client.query('alter extension timescaledb update'));
  } catch (cause) {
    if (cause instanceof RuntimeError) throw cause;
    const versions = `from ${found.installed} to ${found.available}`;
    throw new RuntimeError('MIGRATION_FAILED', `TimescaleDB could not be updated ${versions}`, { cause });
  }
}

/** `2.9.1` is older than `2.19.3`; what follows a dash (`-dev`) does not count. */
export function isOlder(one: string, other: string): boolean {
  const [a, b] = [one, other].map((version) => version.replace(/-.*$/, '').split('.').map(Number));
  for (let index = 0; index < Math.max(a?.length ?? 0, b?.length ?? 0); index += 1) {
    const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
