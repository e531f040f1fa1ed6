/**
 * Applies sql/ to a database, on the direct port (an advisory lock belongs to a session).
 *
 * Promised: each file is applied at most once, whole or not at all, however many migrators run at once; a file that
 *   was edited or removed after it was applied is an error before anything changes; nothing is ever dropped.
 * Not promised: that a `--! no-transaction` step which was cut off is undone. Such a step is a single statement that
 *   can be repeated, and it is repeated.
 * On failure: the failing file left no trace, earlier ones stay; run again after mending it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseError, type Client, type ClientConfig } from 'pg';
import { OWNER_ROLE, SCHEMA } from '../contract.js';
import { RuntimeError } from '../errors.js';
import type { Logger } from '../logger.js';
import { lockMigrations, withMigrationClient } from './migration-session.js';
import {
  planMigrations,
  readMigrations,
  type AppliedMigration,
  type MigrationFile,
  type MigrationPlan,
} from './migration-plan.js';
import { updateTimescale } from './timescale-update.js';

const ROLES_FILE = 'roles.sql';
/** Roles belong to the cluster, the lock to one database: two databases prepared at once may collide on a role. */
const ROLES_TRIES = 10;
const ROLES_PAUSE_MS = 100;

export interface MigrateOptions {
  /** Admin login on PostgreSQL itself, not on PgBouncer. */
  readonly client: ClientConfig;
  /** Folder with `roles.sql` and the numbered files. */
  readonly directory: string;
  /** Lists what is pending and changes nothing. @default false */
  readonly dryRun?: boolean;
  readonly logger: Logger;
}

export interface MigrateResult {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
}

export async function migrate(options: MigrateOptions): Promise<MigrateResult> {
  const files = readMigrations(options.directory);
  if (options.dryRun !== true) await updateTimescale(options.client, options.logger);
  return withMigrationClient(options.client, async (client) => {
    if (options.dryRun !== true) return { applied: await applyAll(client, files, options), pending: [] };
    const { pending } = await readPlan(client, files, options.logger);
    return { applied: [], pending: pending.map((file) => file.name) };
  });
}

async function applyAll(client: Client, files: readonly MigrationFile[], options: MigrateOptions): Promise<string[]> {
  await lockMigrations(client);
  // Before anything changes: an edited file must not get as far as the roles.
  await readPlan(client, files, options.logger);
  await prepare(client, readFileSync(join(options.directory, ROLES_FILE), 'utf8'));
  const { pending } = await readPlan(client, files, options.logger);
  const applied: string[] = [];
  for (const file of pending) {
    const startedAt = Date.now();
    if (await apply(client, file)) applied.push(file.name);
    options.logger.info({ file: file.name, ms: Date.now() - startedAt }, 'migration applied');
  }
  return applied;
}

/** Roles, schema, rights and the bookkeeping table. */
async function prepare(client: Client, roles: string): Promise<void> {
  const bookkeeping = `
    set local role ${OWNER_ROLE};
    create table if not exists ${SCHEMA}.schema_migrations (
      version integer not null, name text not null, checksum text not null,
      applied_at timestamptz not null default clock_timestamp(),
      constraint schema_migrations_pk primary key (version));
    revoke insert, update, delete on ${SCHEMA}.schema_migrations from gateway, consumer, api;`;
  for (let tries = 1; ; tries += 1) {
    try {
      await client.query(`begin; set local client_min_messages = warning; ${roles} ${bookkeeping} commit`);
      return;
    } catch (error) {
      await client.query('rollback');
      if (tries >= ROLES_TRIES || !isCollision(error)) throw failed(ROLES_FILE, null, error);
      await delay(ROLES_PAUSE_MS * Math.random() * tries);
    }
  }
}

/** unique_violation, duplicate_object, deadlock, or "tuple concurrently updated" (an internal error). */
function isCollision(error: unknown): boolean {
  return error instanceof DatabaseError && ['23505', '42710', '40P01', 'XX000'].includes(error.code ?? '');
}

async function readPlan(client: Client, files: readonly MigrationFile[], logger: Logger): Promise<MigrationPlan> {
  const table = `${SCHEMA}.schema_migrations`;
  const exists = await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [table]);
  const applied =
    exists.rows[0]?.there === true
      ? await client.query<AppliedMigration>(`select version, name, checksum from ${table} order by version`)
      : { rows: [] };
  const plan = planMigrations(files, applied.rows);
  if (plan.newer.length > 0) logger.warn({ files: plan.newer }, 'the database is newer than this release');
  return plan;
}

/** False when another migrator had applied it in the meantime. */
async function apply(client: Client, file: MigrationFile): Promise<boolean> {
  try {
    return file.transactional ? await applyInTransaction(client, file) : await applyAlone(client, file);
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    await client.query('reset role').catch(() => undefined);
    throw failed(file.name, file.sql, error);
  }
}

async function applyInTransaction(client: Client, file: MigrationFile): Promise<boolean> {
  await client.query(`begin; set local role ${OWNER_ROLE}`);
  // First, so that a second migrator waits here and then sees that the work is done.
  if (!(await record(client, file))) {
    await client.query('rollback');
    return false;
  }
  await client.query(file.sql);
  await client.query('commit');
  return true;
}

async function applyAlone(client: Client, file: MigrationFile): Promise<boolean> {
  await client.query(`set role ${OWNER_ROLE}`);
  await client.query(file.sql);
  const recorded = await record(client, file);
  await client.query('reset role');
  return recorded;
}

async function record(client: Client, file: MigrationFile): Promise<boolean> {
  const { rowCount } = await client.query(
    `insert into ${SCHEMA}.schema_migrations (version, name, checksum) values ($1, $2, $3) on conflict do nothing`,
    [file.version, file.name, file.checksum],
  );
  return rowCount === 1;
}

function failed(name: string, sql: string | null, cause: unknown): RuntimeError {
  const position = cause instanceof DatabaseError ? Number(cause.position) : Number.NaN;
  const line = sql !== null && position > 0 ? `, line ${String(sql.slice(0, position).split('\n').length)}` : '';
  return new RuntimeError('MIGRATION_FAILED', `${name}${line} failed`, { cause });
}
