import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeRedis, connectCache, type CacheConnection } from '../../../runtime/cache/client.js';
import { SENTINEL_MASTER } from '../../../runtime/contract.js';
import { CredentialStore } from '../../../runtime/credentials.js';
import { createLogger } from '../../../runtime/logger.js';

const logger = createLogger('test', 'silent');

/** A port that takes connections and says nothing, like a Sentinel that is just being replaced. */
async function silentSentinel() {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    close: () => server.close(),
  };
}

describe('a cache client whose library gave up', () => {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const clean of cleanups.splice(0).reverse()) await clean();
  });

  async function open(): Promise<{ cache: CacheConnection; connections: () => number }> {
    const sentinel = await silentSentinel();
    const folder = mkdtempSync(join(tmpdir(), 'cache-'));
    cleanups.push(sentinel.close, () => {
      rmSync(folder, { recursive: true });
    });
    const file = join(folder, 'credentials.json');
    writeFileSync(file, JSON.stringify({ redis: { user: 'u', password: 'p', sentinelPassword: 's' } }));
    const environment = {
      TELEGRAM_REDIS_SENTINELS: [{ host: '127.0.0.1', port: sentinel.port }],
      TELEGRAM_REDIS_NAT_MAP: {},
      TELEGRAM_REDIS_MASTER_NAME: SENTINEL_MASTER,
      TELEGRAM_REDIS_TLS: false,
    };
    const cache = connectCache(environment, new CredentialStore(file), logger);
    if (!cache) throw new Error('expected a connection');
    cleanups.push(() => cache.close());
    return { cache, connections: sentinel.connections };
  }

  // Not `once` of node:events: that rejects on the error which comes first.
  const event = (cache: CacheConnection, name: string) =>
    new Promise<void>((resolve) => {
      cache.redis.once(name, () => {
        resolve();
      });
    });

  /** What the failover detector does when a switch of the master is announced while the client looks for it. */
  async function breakOff(cache: CacheConnection): Promise<void> {
    const ended = event(cache, 'end');
    (cache.redis as unknown as { connector: { disconnect(): void } }).connector.disconnect();
    await ended;
  }

  it('R5 looks for the master again, as often as that happens', async () => {
    const { cache } = await open();
    for (const _ of [1, 2]) {
      await breakOff(cache);
      expect(cache.redis.status).toBe('end');
      await event(cache, 'connecting');
    }
    expect(cache.redis.status).toBe('connecting');
  });

  it('R5 stays closed when it was closed, before and during the pause', async () => {
    const { cache, connections } = await open();
    await breakOff(cache);
    const before = connections();
    await closeRedis(cache.redis);
    let revived = false;
    cache.redis.once('connecting', () => (revived = true));
    // Longer than the first pause: nothing to wait for but time itself.
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(revived).toBe(false);
    expect(connections()).toBe(before);
  });
});
