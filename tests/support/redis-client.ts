import type { Redis } from 'ioredis';
import { openRedis as openGathering } from '../../runtime/cache/client.js';

/** A client with the options that matter to the cache's promises. */
export function openRedis(url: URL, overrides: { port?: number; keyPrefix?: string } = {}): Redis {
  const redis = openGathering({
    host: url.hostname,
    port: overrides.port ?? Number(url.port),
    keyPrefix: overrides.keyPrefix ?? '',
    ...(url.username ? { username: decodeURIComponent(url.username) } : {}),
    ...(url.password ? { password: decodeURIComponent(url.password) } : {}),
    commandTimeout: 300,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    retryStrategy: () => 100,
  });
  redis.on('error', () => undefined);
  return redis;
}
