import { Redis } from 'ioredis';
import { cacheOptions } from '../runtime/cache/client.js';
import { SENTINEL_MASTER } from '../runtime/contract.js';
import { UserError } from '../stack/errors.js';
import { consumerLogins } from './consumer-logins.js';
import type { RunningStack } from './context.js';
import { container } from './doctor/fix.js';

/** Data nodes of a stack and their port inside the container network. */
const NODES = ['redis-master', 'redis-replica'] as const;
const PORT = 6379;

/** A client of the cache that follows the Sentinels, with the consumer's login and the settings of any client. The caller closes it. */
export async function cacheOf(stack: RunningStack): Promise<Redis> {
  const { services } = stack.outputs;
  const sentinels = Object.entries(services).flatMap(([name, { host, port }]) =>
    name.startsWith('redis-sentinel-') ? [{ host, port }] : [],
  );
  const inside = (part: string, ...command: string[]) =>
    stack.hosts.docker(['exec', container(stack, part), ...command], 30_000);
  const { redis: login } = await consumerLogins(stack);
  if (sentinels.length === 0 || !login) throw new UserError('USAGE', 'this needs the stack to have a Redis of its own');
  const natMap = await Promise.all(
    NODES.map(async (part) => {
      const [address = ''] = (await inside(part, 'hostname', '-i')).trim().split(' ');
      const { host = '', port = 0 } = services[part] ?? {};
      return [`${address}:${String(PORT)}`, { host, port }] as const;
    }),
  );
  const redis = new Redis(
    cacheOptions(
      {
        TELEGRAM_REDIS_SENTINELS: sentinels,
        TELEGRAM_REDIS_MASTER_NAME: SENTINEL_MASTER,
        TELEGRAM_REDIS_NAT_MAP: Object.fromEntries(natMap),
        TELEGRAM_REDIS_TLS: false,
      },
      login,
    ),
  );
  redis.on('error', () => undefined);
  return redis;
}
