/**
 * The way to PostgreSQL through PgBouncer in transaction mode.
 *
 * Promised: a transaction runs on one server connection and is committed or rolled back; `changeOver` fails no query:
 *   what runs ends on the former login, what comes after the new one was proven uses that.
 * Not promised: any state between two calls. No SET, no LISTEN, no advisory lock, no temporary table: the next call may
 *   be on another server. Timeouts are settings of the login role, because PgBouncer refuses them at connect.
 * On failure: `SERVICE_UNREACHABLE` when the database cannot be worked with, whatever the statement; any other error
 *   is the statement's own.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Pool, type PoolClient, type QueryConfig, type QueryResult, type QueryResultRow } from 'pg';
import type { Environment } from '../config.js';
import type { CredentialStore } from '../credentials.js';
import { RuntimeError } from '../errors.js';
import { metrics } from '../metrics.js';
import { isUnreachable } from './unreachable.js';

export interface Statement {
  /** Name of the prepared statement, and label in the metric of durations. */
  readonly name: string;
  readonly text: string;
  /** False for a statement whose plan depends on its values, such as a time range over a hypertable. @default true */
  readonly prepared?: boolean;
  /** Longest wait for the answer, in ms, where the server may take longer than usual. @default 20 s */
  readonly timeoutMs?: number;
}

export interface Rows<R> {
  readonly rows: readonly R[];
  readonly rowCount: number;
}

/** What a statement can be run on: the pool, or one transaction. */
export interface Queryable {
  run<R extends QueryResultRow>(statement: Statement, values: readonly unknown[]): Promise<Rows<R>>;
}

/** One transaction in a handler's hands: plain SQL, or a named statement of the store. */
export interface Transaction extends Queryable {
  query<R extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Rows<R>>;
}

export interface DatabaseOptions {
  readonly host: string;
  readonly port: number;
  readonly name: string;
  readonly poolSize: number;
  readonly tls: boolean;
  readonly applicationName: string;
  /** Longest wait for an answer, in milliseconds. @default 20000 */
  readonly queryTimeoutMs?: number;
  /** Read at each change over. */
  readonly login: () => { readonly user: string; readonly password: string };
}

/** The database of a process, as its environment and credentials name it. */
export function databaseOptions(environment: Environment, credentials: CredentialStore, name: string): DatabaseOptions {
  return {
    host: environment.TELEGRAM_DB_HOST,
    port: environment.TELEGRAM_PGBOUNCER_PORT,
    name: environment.TELEGRAM_DB_NAME,
    poolSize: environment.TELEGRAM_DB_POOL_SIZE,
    tls: environment.TELEGRAM_DB_TLS,
    applicationName: name,
    login: () => credentials.need('database'),
  };
}

/** Pause between two tries of a new login. */
const PROVE_AGAIN_MS = 500;
/** PgBouncer queues a query for up to 10 s while PostgreSQL restarts; longer than that nobody answers any more. */
const QUERY_TIMEOUT_MS = 20_000;
/** Also the longest wait for a free connection of the pool. */
const CONNECT_TIMEOUT_MS = 5_000;
const WAITING_POLL_MS = 20;

export class Database implements Queryable {
  #pool: Pool;
  /** Pools of former logins. */
  readonly #draining = new Set<Promise<void>>();
  readonly #closing = new AbortController();

  constructor(private readonly options: DatabaseOptions) {
    this.#pool = this.#open();
  }

  async run<R extends QueryResultRow>(statement: Statement, values: readonly unknown[]): Promise<Rows<R>> {
    return guarded(() => timed(statement, values, (config) => this.#pool.query<R>(config)));
  }

  /** Commits when `work` resolves, rolls back when it rejects. */
  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const client = await guarded(() => this.#pool.connect());
    // Between two statements nobody else listens, and an unheard error ends the process. The next statement meets it.
    client.on('error', unheard);
    try {
      // Leaves together with the first statement of `work`: a round trip less in each transaction.
      const begun = guarded(() => client.query('begin'));
      begun.catch(unheard);
      const result = await work(new PooledTransaction(client));
      await begun;
      const { command } = await guarded(() => client.query('commit'));
      // After an error that `work` swallowed, PostgreSQL answers COMMIT with ROLLBACK.
      if (command !== 'COMMIT') throw new Error('the transaction was rolled back: a statement in it had failed');
      client.release();
      return result;
    } catch (error) {
      const clean = await client.query('rollback').then(
        () => true,
        () => false,
      );
      client.release(!clean);
      throw error;
    } finally {
      client.off('error', unheard);
    }
  }

  /** One line for `/health/ready`; never rejects. */
  async check(): Promise<{ ok: boolean; detail: string }> {
    try {
      await this.#pool.query('select 1');
      return { ok: true, detail: 'answers' };
    } catch (error) {
      return { ok: false, detail: error instanceof Error ? error.message : String(error) };
    }
  }

  /**
   * Uses the login of now, once it works, for all that comes next; resolves when every connection of a former one has
   * ended, or when `newer` says that there is another login still.
   */
  async changeOver(newer: AbortSignal): Promise<void> {
    const next = this.#open();
    const stop = AbortSignal.any([newer, this.#closing.signal]);
    if (!(await proven(next, stop)) || stop.aborted) {
      await next.end();
      return;
    }
    const former = this.#pool;
    this.#pool = next;
    const drained = retire(former).finally(() => this.#draining.delete(drained));
    this.#draining.add(drained);
    await Promise.all(this.#draining);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([retire(this.#pool), ...this.#draining]);
  }

  #open(): Pool {
    const { user, password } = this.options.login();
    const pool = new Pool({
      host: this.options.host,
      port: this.options.port,
      database: this.options.name,
      user,
      password,
      ssl: this.options.tls,
      max: this.options.poolSize,
      application_name: this.options.applicationName,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: this.options.queryTimeoutMs ?? QUERY_TIMEOUT_MS,
      keepAlive: true,
      pipeline: true,
    });
    // An idle connection that breaks is replaced at the next query.
    pool.on('error', unheard);
    return pool;
  }
}

function unheard(): void {
  // Whoever uses the connection next is told.
}

/** Tries a login until it works; false when `givenUp` comes first. */
async function proven(pool: Pool, givenUp: AbortSignal): Promise<boolean> {
  while (!givenUp.aborted) {
    const works = await pool.query('select 1').then(
      () => true,
      () => false,
    );
    if (works) return true;
    await delay(PROVE_AGAIN_MS, undefined, { signal: givenUp }).catch(() => undefined);
  }
  return false;
}

/** Ends a pool once nobody waits for a connection of it: `end` alone would leave them without an answer. */
async function retire(pool: Pool): Promise<void> {
  while (pool.waitingCount > 0) await delay(WAITING_POLL_MS);
  await pool.end();
}

class PooledTransaction implements Transaction {
  constructor(private readonly client: PoolClient) {}

  run<R extends QueryResultRow>(statement: Statement, values: readonly unknown[]): Promise<Rows<R>> {
    return guarded(() => timed<R>(statement, values, (config) => this.client.query<R>(config)));
  }

  query<R extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Rows<R>> {
    return guarded(async () => {
      const { rows, rowCount } = await this.client.query<R>(text, [...values]);
      return { rows, rowCount: rowCount ?? 0 };
    });
  }
}

async function timed<R extends QueryResultRow>(
  { name, text, prepared = true, timeoutMs }: Statement,
  values: readonly unknown[],
  query: (config: QueryConfig) => Promise<QueryResult<R>>,
): Promise<Rows<R>> {
  const stop = metrics.queryDuration.startTimer({ query: name });
  try {
    const { rows, rowCount } = await query({
      ...(prepared ? { name } : {}),
      ...(timeoutMs === undefined ? {} : { query_timeout: timeoutMs }),
      text,
      values: [...values],
    });
    return { rows, rowCount: rowCount ?? 0 };
  } finally {
    stop();
  }
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (isUnreachable(cause)) throw new RuntimeError('SERVICE_UNREACHABLE', 'the database does not answer', { cause });
    throw cause;
  }
}
