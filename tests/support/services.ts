/**
 * Real services for tests, from URLs in the environment (`npm test` sets them from the stack that it brings up):
 *
 *   TEST_DATABASE_URL         superuser on PostgreSQL + TimescaleDB, direct port
 *   TEST_TSL_DATABASE_URL     the same on an engine of the TSL edition; without it, the tests on that edition are skipped
 *   TEST_AMQP_URL             RabbitMQ administrator
 *   TEST_AMQP_MANAGEMENT_URL  the same, on the management port (http)
 *   TEST_REDIS_URL            Redis user that may do everything on `telegram:*`
 *
 * Each test makes its own database or vhost and removes it.
 */
import { describe } from '@jest/globals';
import { connect, type ChannelModel } from 'amqplib';
import type { Redis } from 'ioredis';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type ClientConfig, type QueryResultRow } from 'pg';
import { createLogger } from '../../runtime/logger.js';
import type { BrokerOptions } from '../../runtime/queue/connection.js';
import { Database } from '../../runtime/store/database.js';
import { migrate } from '../../runtime/store/migrate.js';
import { openRedis } from './redis-client.js';

export const SQL_DIRECTORY = join(__dirname, '..', '..', 'sql');
export const silent = createLogger('test', process.env['TEST_LOG_LEVEL'] ?? 'silent');

function required(name: string): URL {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run \`npm test\`, or point it at a service of your own`);
  return new URL(value);
}

/** A name nobody else uses. */
export function uniqueName(prefix: string): string {
  return `${prefix}_${randomBytes(5).toString('hex')}`;
}

/** A channel id nobody else uses. */
export function uniqueChannel(): string {
  return String(1_000_000_000 + randomBytes(6).readUIntBE(0, 6));
}

/** Waits, bounded, until `condition` gives something other than false or undefined. */
export async function waitFor<T>(what: string, condition: () => Promise<T | false | undefined>, timeoutMs = 15_000) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value !== false && value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${String(timeoutMs)} ms`);
    await delay(20);
  }
}

/** Which server a test database is on: the stack's own, or the one of the TSL edition. */
export type Engine = 'stack' | 'tsl';

/** The same tests on both, so that neither edition of TimescaleDB is left behind. */
export function onEachEngine(define: (engine: Engine) => void): void {
  describe("on the stack's engine", () => {
    define('stack');
  });
  const tsl = process.env['TEST_TSL_DATABASE_URL'] ? describe : describe.skip;
  tsl('on the TSL edition', () => {
    define('tsl');
  });
}

/** The same for all tests of a file, under the name of what they test. */
export function describeOnEachEngine(what: string, define: (engine: Engine) => void): void {
  describe(what, () => {
    onEachEngine(define);
  });
}

export class TestDatabase {
  /** As the application sees it. */
  readonly database: Database;

  private constructor(
    readonly config: ClientConfig & { database: string },
    private readonly engine: Engine,
  ) {
    this.database = this.open();
  }

  /** An empty database. */
  static async empty(engine: Engine = 'stack'): Promise<TestDatabase> {
    const name = uniqueName('test');
    await onServer(`create database ${name} template template0`, engine);
    return new TestDatabase({ ...serverConfig(engine), database: name }, engine);
  }

  /**
   * With all of sql/ applied. What TimescaleDB's jobs do, a test starts by hand: a job of its own accord would compress or
   * drop what the test looks at.
   */
  static async migrated(engine: Engine = 'stack'): Promise<TestDatabase> {
    const database = await TestDatabase.empty(engine);
    await migrate({ client: database.config, directory: SQL_DIRECTORY, logger: silent });
    await database.query('select _timescaledb_functions.stop_background_workers()');
    return database;
  }

  /** A further pool, closed by its maker. */
  open(login: () => { user: string; password: string } = () => this.login, through?: { port: number }): Database {
    return new Database({
      host: through ? '127.0.0.1' : (this.config.host ?? ''),
      port: through?.port ?? this.config.port ?? 0,
      name: this.config.database,
      poolSize: 4,
      tls: false,
      applicationName: 'test',
      login,
    });
  }

  get login(): { user: string; password: string } {
    return { user: this.config.user ?? '', password: String(this.config.password) };
  }

  /** Rows of one statement, on a connection of its own. */
  async query<R extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    const client = new Client(this.config);
    await client.connect();
    try {
      return (await client.query<R>(text, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  async count(table: string): Promise<number> {
    const [row] = await this.query<{ count: number }>(`select count(*)::integer from telegram_gateway.${table}`);
    return row?.count ?? -1;
  }

  async drop(): Promise<void> {
    await this.database.close();
    await onServer(`drop database ${this.config.database} with (force)`, this.engine);
  }
}

function serverConfig(engine: Engine): ClientConfig {
  const url = required(engine === 'tsl' ? 'TEST_TSL_DATABASE_URL' : 'TEST_DATABASE_URL');
  return {
    host: url.hostname,
    port: Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  };
}

export async function onServer(statement: string, engine: Engine = 'stack'): Promise<void> {
  const client = new Client({ ...serverConfig(engine), database: 'postgres' });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** A vhost of its own on the broker. */
export class TestBroker {
  private constructor(readonly vhost: string) {}

  static async create(): Promise<TestBroker> {
    const broker = new TestBroker(uniqueName('test'));
    await broker.#api('PUT', `/api/vhosts/${broker.vhost}`, { default_queue_type: 'quorum' });
    const user = required('TEST_AMQP_URL').username;
    await broker.#api('PUT', `/api/permissions/${broker.vhost}/${user}`, { configure: '.*', write: '.*', read: '.*' });
    return broker;
  }

  /** The connection's name is how `disconnect` finds it. */
  options(name = this.vhost): BrokerOptions {
    const url = required('TEST_AMQP_URL');
    const login = { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
    return { host: url.hostname, port: Number(url.port), vhost: this.vhost, tls: false, name, login: () => login };
  }

  /** A connection past the library. */
  connect(): Promise<ChannelModel> {
    const { host, port, vhost, login } = this.options();
    return connect({ hostname: host, port, vhost, username: login().user, password: login().password });
  }

  /** Ends every connection of the vhost from the broker's side. Returns how many. */
  async disconnect(): Promise<number> {
    // The list of one vhost is empty on a broker that collects no statistics; the list of all is not.
    const open = (await this.#api('GET', '/api/connections')) as { name: string; vhost: string }[];
    const names = open.filter(({ vhost }) => vhost === this.vhost).map(({ name }) => name);
    for (const name of names) await this.#api('DELETE', `/api/connections/${encodeURIComponent(name)}`);
    return names.length;
  }

  async remove(): Promise<void> {
    await this.#api('DELETE', `/api/vhosts/${this.vhost}`);
  }

  async #api(method: string, path: string, body?: object): Promise<unknown> {
    const url = required('TEST_AMQP_MANAGEMENT_URL');
    const login = Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`);
    const response = await fetch(`${url.protocol}//${url.host}${path}`, {
      method,
      headers: { authorization: `Basic ${login.toString('base64')}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(10_000),
    });
    if (!response.ok && response.status !== 404) throw new Error(`${method} ${path}: ${String(response.status)}`);
    const text = await response.text();
    return text === '' || !response.ok ? [] : JSON.parse(text);
  }
}

/** A port of our own choice for "Redis away". */
export function connectRedis(overrides: { port?: number; keyPrefix?: string } = {}): Redis {
  return openRedis(required('TEST_REDIS_URL'), overrides);
}
