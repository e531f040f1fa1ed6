import type { FastifyInstance } from 'fastify';
import type { Redis } from 'ioredis';
import { createApi, type ApiOptions } from '../../runtime/api/server.js';
import { closeServer, listen } from '../../runtime/http/health-server.js';
import { commitBatch } from '../../runtime/store/commit-batch.js';
import type { Database, Queryable } from '../../runtime/store/database.js';
import { ingestMessage } from './messages.js';
import { connectRedis, silent, TestDatabase, uniqueName, waitFor, type Engine } from './services.js';
import { connection } from './test-stack.js';
import { TcpProxy } from './tcp-proxy.js';

/** The generated key of the bench; the other slot is `slot-b`. */
export const KEY = 'slot-a';

/** Every field that some route answers with; which ones are there is what the tests look at. */
export interface Body {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly fix: string;
    readonly details: readonly { readonly path: string; readonly message: string }[];
  };
  readonly next: string | null;
  readonly messages: readonly Readonly<Record<'channelId' | 'messageId' | 'postedAt', string>>[];
  readonly versions: readonly object[];
  readonly deletedAt: string | null;
  readonly channels: readonly { readonly channelId: string }[];
  readonly requests: readonly object[];
  readonly requestId: string;
  readonly status: string;
  readonly backfill: { readonly nextId: string; readonly untilId: string } | null;
  readonly verifiedUpToId: string | null;
  readonly lastHour: {
    readonly messages: number;
    readonly bySource: Readonly<Record<string, number>>;
    readonly byChannel: readonly object[];
  };
  readonly outbox: { readonly pending: number };
  readonly work: readonly object[];
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Empty when the answer is no JSON. */
  readonly body: Partial<Body>;
}

/** Asks with a key, and reads the whole answer. */
export async function ask(url: string, key: string, init: RequestInit = {}): Promise<Answer> {
  const headers = new Headers(init.headers);
  if (!headers.has('authorization')) headers.set('authorization', `Bearer ${key}`);
  const response = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(30_000) });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? (JSON.parse(text) as Partial<Body>) : {},
  };
}

/** The same of the running test stack, with its own key. */
export function askStack(path: string): Promise<Answer> {
  const { host, port, key = '' } = connection('api');
  return ask(`http://${host}:${String(port)}${path}`, key);
}

/** The API over a socket, on a database of its own and the real Redis, either of which can be cut off. */
export class ApiBench {
  /** Statements that were run for the API. */
  queries = 0;

  private constructor(
    readonly app: FastifyInstance,
    readonly url: string,
    private readonly parts: {
      readonly store: TestDatabase;
      readonly pool: Database;
      readonly toDatabase: TcpProxy;
      readonly toRedis: TcpProxy;
      readonly redis: Redis;
    },
  ) {}

  static async start(
    options: Partial<Pick<ApiOptions, 'rateLimit' | 'requestTimeoutMs' | 'stalledMs'>> = {},
    engine?: Engine,
  ): Promise<ApiBench> {
    const store = await TestDatabase.migrated(engine);
    const toDatabase = await TcpProxy.start(store.config.host ?? '', store.config.port ?? 0);
    const redisUrl = new URL(process.env['TEST_REDIS_URL'] ?? '');
    const toRedis = await TcpProxy.start(redisUrl.hostname, Number(redisUrl.port));
    const redis = connectRedis({ port: toRedis.port, keyPrefix: `${uniqueName('api')}:` });
    await waitFor('Redis', () => Promise.resolve(redis.status === 'ready'));
    const pool = store.open(undefined, { port: toDatabase.port });
    const counting: Queryable = {
      run: (statement, values) => {
        bench.queries += 1;
        return pool.run(statement, values);
      },
    };
    const app = await createApi({
      database: counting,
      cache: { redis },
      credentials: { current: { apiKeys: [KEY, 'slot-b'] } },
      logger: silent,
      rateLimit: 100_000,
      board: { view: () => ({ at: 0, parts: [], history: [] }) },
      page: '<script>1</script>',
      keyRefreshMs: 100,
      ...options,
    });
    const port = await listen(app, { host: '127.0.0.1', port: 0 });
    const parts = { store, pool, toDatabase, toRedis, redis };
    const bench = new ApiBench(app, `http://127.0.0.1:${String(port)}`, parts);
    return bench;
  }

  get store(): TestDatabase {
    return this.parts.store;
  }
  get redis(): Redis {
    return this.parts.redis;
  }
  get toDatabase(): TcpProxy {
    return this.parts.toDatabase;
  }
  get toRedis(): TcpProxy {
    return this.parts.toRedis;
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.request(path, { headers });
  }

  async post(path: string, body?: unknown): Promise<Answer> {
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    return this.request(path, { method: 'POST', headers, ...json });
  }

  async request(path: string, init: RequestInit = {}): Promise<Answer> {
    return ask(this.url + path, KEY, init);
  }

  /** Stores messages of one channel by their ids. */
  async addMessages(
    channel: string,
    ids: readonly number[],
    text = (id: number) => `message ${String(id)}`,
  ): Promise<void> {
    const messages = ids.map((id) => ingestMessage(channel, id, { text: text(id) }));
    const cursors = [{ accountId: 'test', channelId: channel, pts: 1, lastMessageId: String(Math.max(...ids)) }];
    await commitBatch(this.store.database, { messages, cursors });
  }

  async close(): Promise<void> {
    this.toDatabase.heal();
    await closeServer(this.app);
    await this.parts.pool.close();
    this.redis.disconnect();
    await Promise.all([this.toDatabase.close(), this.toRedis.close()]);
    await this.store.drop();
  }
}
