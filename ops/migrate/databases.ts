import { Client, type ClientConfig } from 'pg';
import { UserError } from '../../stack/errors.js';
import { SCHEMA } from '../../runtime/contract.js';

/** Where the old layout is. */
export interface Source {
  readonly client: ClientConfig;
  readonly schema: string;
}

/** One way to write every value, so that both sides give the same text for the same value. */
const SAME_TEXT = `set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set extra_float_digits = 1;
set bytea_output = 'hex'; set statement_timeout = 0; set work_mem = '64MB'; set idle_in_transaction_session_timeout = 0; set jit = off`;

/** The source is only read: the server itself refuses every write of such a session. */
const READ_ONLY = 'set session characteristics as transaction isolation level repeatable read, read only';

/** Runs `work` on a connection to the source that cannot write. */
export async function readingSource<T>(source: Source, work: (client: Client) => Promise<T>): Promise<T> {
  return connected(source.client, 'MIGRATE_SOURCE', async (client) => {
    await client.query(READ_ONLY);
    return work(client);
  });
}

/** Runs `work` on a connection to the source that may write, in one transaction: the way back alone. */
export async function writingSource<T>(source: Source, work: (client: Client) => Promise<T>): Promise<T> {
  return connected(source.client, 'MIGRATE_ROLLBACK', (client) => inTransaction(client, () => work(client)));
}

/** Several statements on one snapshot. */
export async function onSnapshot<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.query('begin isolation level repeatable read, read only');
  try {
    return await work();
  } finally {
    await client.query('rollback').catch(() => undefined);
  }
}

export async function inTransaction<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.query('begin');
  try {
    const result = await work();
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

/** Two keys of one advisory lock: "tele", "move" in ASCII. */
const LOCK = '1952803941, 1836021349';

/** Runs `work` on the target while nobody else migrates or rolls back there; the lock ends with the session. */
export async function holdingTarget<T>(target: ClientConfig, work: (client: Client) => Promise<T>): Promise<T> {
  return onTarget(target, async (client) => {
    const { rows } = await client.query<{ ok: boolean }>(`select pg_try_advisory_lock(${LOCK}) as ok`);
    if (rows[0]?.ok !== true) throw new UserError('MIGRATE_RUNNING', 'another migration or rollback is running');
    return work(client);
  });
}

/** Without the lock, for looking. */
export async function onTarget<T>(target: ClientConfig, work: (client: Client) => Promise<T>): Promise<T> {
  return connected(target, 'MIGRATE_TARGET', async (client) => {
    const { rows } = await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [
      `${SCHEMA}.message_work`,
    ]);
    if (rows[0]?.there !== true)
      throw new UserError('MIGRATE_TARGET', `the new database has no schema ${SCHEMA}`, { fix: 'Run `npm run up`.' });
    // A compressed chunk may have to be opened again; Apache knows no such setting.
    await client.query('set timescaledb.max_tuples_decompressed_per_dml_transaction = 0').catch(() => undefined);
    return work(client);
  });
}

const CONNECT_TIMEOUT_MS = 10_000;

async function connected<T>(
  config: ClientConfig,
  code: 'MIGRATE_SOURCE' | 'MIGRATE_TARGET' | 'MIGRATE_ROLLBACK',
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({
    ...config,
    application_name: 'telegram-move',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  });
  // Whoever queries next is told.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(SAME_TEXT);
  } catch (cause) {
    await client.end().catch(() => undefined);
    const where = `${config.host ?? ''}:${String(config.port ?? '')}/${config.database ?? ''}`;
    throw new UserError(code, `${where} cannot be reached as ${config.user ?? ''}`, {
      cause,
      why: cause instanceof Error ? cause.message : String(cause),
    });
  }
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
