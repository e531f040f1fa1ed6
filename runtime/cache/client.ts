import { Redis, type RedisOptions } from 'ioredis';
import type { Environment } from '../config.js';
import type { CredentialStore } from '../credentials.js';
import { gatherWrites } from '../gathered-writes.js';
import type { Logger } from '../logger.js';
import { trust } from '../tls.js';

export type CacheEnvironment = Pick<
  Environment,
  'TELEGRAM_REDIS_SENTINELS' | 'TELEGRAM_REDIS_MASTER_NAME' | 'TELEGRAM_REDIS_NAT_MAP' | 'TELEGRAM_REDIS_TLS'
>;

/** Keeps the socket's timeout (2 s) from ending an idle connection, and finds a half-open one. */
const PING_INTERVAL_MS = 1_000;
/** First and longest pause before a client that gave up is started again. */
const REVIVE_MS = { first: 100, longest: 5_000 };

/**
 * Options for a fast failover: a switch of the master is heard from the Sentinels, a dead socket is found within two
 * seconds, and a command fails at once while there is no connection, since the database has the answer anyway.
 */
export function cacheOptions(environment: CacheEnvironment, login: CacheLogin, authorities?: string) {
  const { user, password, sentinelPassword } = login;
  const verified = trust(authorities);
  const tls = environment.TELEGRAM_REDIS_TLS
    ? { tls: verified, sentinelTLS: verified, enableTLSForSentinelMode: true }
    : {};
  return {
    sentinels: environment.TELEGRAM_REDIS_SENTINELS,
    natMap: environment.TELEGRAM_REDIS_NAT_MAP,
    name: environment.TELEGRAM_REDIS_MASTER_NAME,
    role: 'master' as const,
    username: user,
    password,
    sentinelPassword,
    ...tls,
    failoverDetector: true,
    sentinelReconnectStrategy: () => 1_000,
    sentinelRetryStrategy: (attempt: number) => Math.min(50 * attempt, 500),
    sentinelCommandTimeout: 500,
    updateSentinels: true,
    connectTimeout: 1_000,
    retryStrategy: (attempt: number) => Math.min(50 * attempt, 500),
    keepAlive: 1_000,
    socketTimeout: 2_000,
    commandTimeout: 300,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    // A resent write could see its own first copy as a duplicate.
    autoResendUnfulfilledCommands: false,
    // A master that became a replica: connect anew, and send the command again.
    reconnectOnError: (error: Error) => (error.message.startsWith('READONLY') ? 2 : false),
  } satisfies RedisOptions;
}

export interface CacheLogin {
  readonly user: string;
  readonly password: string;
  readonly sentinelPassword: string;
}

/** The way to the cache; its client is another one after a change of credentials. */
export class CacheConnection {
  #redis: Redis;
  readonly #ping: NodeJS.Timeout;

  constructor(
    private readonly environment: CacheEnvironment,
    private readonly credentials: CredentialStore,
    private readonly logger: Logger,
  ) {
    this.#redis = this.#open();
    watch(this.#redis, logger);
    this.#ping = setInterval(() => {
      if (this.#redis.status === 'ready') this.#redis.ping().catch(() => undefined);
    }, PING_INTERVAL_MS);
  }

  /** The client of now: to be asked for anew with each use. */
  get redis(): Redis {
    return this.#redis;
  }

  /**
   * Connects with the login of now and, once that works, uses it for all that comes next; the former client ends when its
   * commands are answered. Resolves then, or when `newer` says that there is another login still.
   */
  async changeOver(newer: AbortSignal): Promise<void> {
    const next = this.#open();
    const isReady = await new Promise<boolean>((resolve) => {
      next.once('ready', () => {
        resolve(true);
      });
      newer.addEventListener(
        'abort',
        () => {
          resolve(false);
        },
        { once: true },
      );
    });
    const former = this.#redis;
    if (isReady && !newer.aborted && !closed.has(former)) {
      this.#redis = next;
      watch(next, this.logger);
      await closeRedis(former);
    } else await closeRedis(next);
  }

  async close(): Promise<void> {
    clearInterval(this.#ping);
    await closeRedis(this.#redis);
  }

  #open(): Redis {
    const { tlsAuthorities } = this.credentials.current;
    const redis = openRedis(cacheOptions(this.environment, this.credentials.need('redis'), tlsAuthorities));
    // Heard by `watch` where it matters; unheard it would be printed.
    redis.on('error', () => undefined);
    revive(redis, this.logger);
    return redis;
  }
}

/**
 * A client whose commands of one turn of the event loop leave as one packet: a pipeline, without a `Pipeline` of ioredis 6.0. Each of
 * those has an accessor of its own, thus a hidden class of its own, which V8 frees only with a full collection: until then every
 * pipeline, explicit or automatic, is kept with all its commands, and every quick collection in between carries them along.
 */
export function openRedis(options: Omit<RedisOptions, 'replyMapping'>): Redis {
  const redis = new Redis(options);
  redis.on('connect', () => {
    gatherWrites(redis.stream);
  });
  return redis;
}

/** Null when no Sentinel is configured: then the database answers. Returns at once, Redis may be away. */
export function connectCache(
  environment: CacheEnvironment,
  credentials: CredentialStore,
  logger: Logger,
): CacheConnection | null {
  if (environment.TELEGRAM_REDIS_SENTINELS.length === 0) return null;
  return new CacheConnection(environment, credentials, logger);
}

/** Clients that were closed on purpose. */
const closed = new WeakSet<Redis>();

/** Sends what is buffered where that is possible, and never waits for a reconnect. */
export async function closeRedis(redis: Redis): Promise<void> {
  closed.add(redis);
  if (redis.status === 'ready') await redis.quit().catch(() => undefined);
  redis.disconnect();
}

/**
 * The client has an end of its own: a failover that is announced while it looks for the master breaks off that search,
 * and then it never tries again. Only `closeRedis` may end it.
 */
function revive(redis: Redis, logger: Logger): void {
  let pauseMs = REVIVE_MS.first;
  redis.on('ready', () => {
    pauseMs = REVIVE_MS.first;
  });
  redis.on('end', () => {
    if (closed.has(redis)) return;
    logger.warn({ retryInMs: pauseMs }, 'cache client gave up, starting it again');
    setTimeout(() => {
      // A failure that ends it once more comes back here; any other it mends itself.
      if (!closed.has(redis)) redis.connect().catch(() => undefined);
    }, pauseMs);
    pauseMs = Math.min(2 * pauseMs, REVIVE_MS.longest);
  });
}

/** One line when it goes, one when it comes back. Each failing command is counted where it is made. */
function watch(redis: Redis, logger: Logger): void {
  let away = false;
  redis.on('error', (error: Error) => {
    if (!away) logger.warn({ err: error }, 'cache is away, the database answers');
    away = true;
  });
  redis.on('close', () => {
    if (!away && !closed.has(redis)) logger.warn('cache connection closed');
    away = true;
  });
  redis.on('ready', () => {
    logger.info('cache connected');
    away = false;
  });
}
