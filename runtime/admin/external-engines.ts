/** Engines that somebody else runs, looked at and prepared before anything of the stack uses them. */
import { Redis } from 'ioredis';
import { z } from 'zod';
import { cacheOptions } from '../cache/client.js';
import { RuntimeError } from '../errors.js';
import { openBrokerOnce } from '../queue/connection.js';
import { declareTopology } from '../queue/topology.js';
import { trust } from '../tls.js';

const address = z.strictObject({ host: z.string(), port: z.number().int().min(1).max(65_535) });
/** TLS verifies host name and certificate, with the authorities of the PEM text or the well-known ones. */
const tls = { tls: z.boolean(), authorities: z.string().optional() };

export const brokerInput = z.strictObject({
  ...address.shape,
  ...tls,
  vhost: z.string(),
  user: z.string(),
  password: z.string(),
  groups: z.array(z.string()),
});

export const cacheInput = z.strictObject({
  ...tls,
  sentinels: z.array(address).min(1),
  masterName: z.string(),
  user: z.string(),
  password: z.string(),
  sentinelPassword: z.string(),
});

/** Declares exchanges, queues and bindings; what is there already stays, and has to be alike. Returns the groups. */
export async function prepareBroker(input: unknown): Promise<readonly string[]> {
  const { groups, user, password, authorities, ...at } = brokerInput.parse(input);
  const login = () => ({ user, password });
  try {
    const model = await openBrokerOnce({ ...at, authorities: () => authorities, login, name: 'telegram-prepare' });
    try {
      for (const group of groups) await declareTopology(model, group);
    } finally {
      await model.close().catch(() => undefined);
    }
  } catch (cause) {
    const vhost = `vhost "${at.vhost}" of ${at.host}:${String(at.port)}`;
    throw new RuntimeError('SERVICE_UNREACHABLE', `RabbitMQ: ${vhost} cannot be prepared`, { cause });
  }
  return groups;
}

/** Life of the key that is written, in seconds. */
const PROBE_LIFE_S = 1;
const CACHE_TIMEOUT_MS = 5_000;

/** Finds the master through the Sentinels, and writes there. Returns the master's address. */
export async function checkCache(input: unknown): Promise<string> {
  const { sentinels, masterName, authorities, tls: overTls, ...login } = cacheInput.parse(input);
  const environment = {
    TELEGRAM_REDIS_SENTINELS: sentinels,
    TELEGRAM_REDIS_MASTER_NAME: masterName,
    TELEGRAM_REDIS_NAT_MAP: {},
    TELEGRAM_REDIS_TLS: overTls,
  };
  const redis = new Redis({
    ...cacheOptions(environment, login, authorities),
    lazyConnect: true,
    failoverDetector: false,
    connectTimeout: CACHE_TIMEOUT_MS,
    commandTimeout: CACHE_TIMEOUT_MS,
    sentinelCommandTimeout: CACHE_TIMEOUT_MS,
    retryStrategy: () => null,
    sentinelRetryStrategy: () => null,
    sentinelReconnectStrategy: () => null,
  });
  // What `connect` rejects with may be only that the connection is closed; why, comes before.
  let reason: unknown;
  redis.on('error', (error) => (reason ??= error));
  try {
    await redis.connect();
    await redis.set('telegram:probe', '1', 'EX', PROBE_LIFE_S);
    return `${redis.stream.remoteAddress ?? '?'}:${String(redis.stream.remotePort ?? '?')}`;
  } catch (error) {
    const names = sentinels.map(({ host, port }) => `${host}:${String(port)}`).join(', ');
    const cause = (await sentinelTrouble(sentinels, overTls ? trust(authorities) : undefined)) ?? reason ?? error;
    throw new RuntimeError('SERVICE_UNREACHABLE', `Redis: no master "${masterName}" by the Sentinels ${names}`, {
      cause,
    });
  } finally {
    redis.disconnect();
  }
}

/** Why the first Sentinel cannot be connected to; undefined where it can. Who asks it for the master is told only that it could not. */
async function sentinelTrouble(
  [first]: readonly z.output<typeof address>[],
  tls: ReturnType<typeof trust> | undefined,
): Promise<unknown> {
  const sentinel = new Redis({
    ...first,
    ...(tls && { tls }),
    lazyConnect: true,
    enableReadyCheck: false,
    connectTimeout: CACHE_TIMEOUT_MS,
    retryStrategy: () => null,
  });
  let reason: unknown;
  sentinel.on('error', (error) => (reason ??= error));
  await sentinel.connect().catch(() => undefined);
  sentinel.disconnect();
  return reason;
}
