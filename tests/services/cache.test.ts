import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { RedisTelegramCache } from '../../runtime/cache/redis-telegram-cache.js';
import { generateChannelKey, generateDedupKey, generateMessageKey } from '../../runtime/cache/keys.js';
import { metrics } from '../../runtime/metrics.js';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { range, storedEvent } from '../support/messages.js';
import { connectRedis, uniqueChannel, waitFor } from '../support/services.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const ready = (redis: Redis) => waitFor('Redis', () => Promise.resolve(redis.status === 'ready'));

describe('RedisTelegramCache', () => {
  let redis: Redis;
  let cache: RedisTelegramCache;
  let channel: string;

  beforeAll(async () => {
    redis = connectRedis();
    await ready(redis);
  });
  afterAll(() => cache.disconnect());
  beforeEach(() => {
    channel = uniqueChannel();
    cache = new RedisTelegramCache(redis);
  });

  const event = (id: number) => storedEvent(channel, id).event;

  it('R5 keeps the hot copy one hour and the duplicate hint two', async () => {
    await cache.cacheMessage(event(1));
    expect(JSON.parse((await redis.get(generateMessageKey(channel, '1'))) ?? '')).toEqual(event(1));
    const ttls = await Promise.all(
      [generateMessageKey(channel, '1'), generateDedupKey(channel, '1'), generateChannelKey(channel)].map((key) =>
        redis.ttl(key),
      ),
    );
    for (const [index, wanted] of [3_600, 7_200, 3_600].entries()) {
      expect(ttls[index]).toBeGreaterThan(wanted - 10);
      expect(ttls[index]).toBeLessThanOrEqual(wanted);
    }
  });

  it('R5 caches a message in one round trip, and a batch too', async () => {
    const commands = async () => /total_commands_processed:(\d+)/.exec(await redis.info('stats'))?.[1];
    const reads = async () => Number(/total_reads_processed:(\d+)/.exec(await redis.info('stats'))?.[1]);
    expect(await commands()).toBeDefined();
    const before = await reads();
    await cache.cacheMessages(range(50).map(event));
    // One read for the pipeline and one for this INFO; without a pipeline it would be over 150.
    expect((await reads()) - before).toBeLessThan(10);
  });

  it('R5 leaves nothing of what was written to the full collections of garbage', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void;
    const kept = () =>
      getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0;
    const write = async () => {
      for (let batch = 0; batch < 200; batch++) {
        await cache.cacheMessages(range(10).map(event));
        if (batch % 40 === 39) collect({ type: 'minor' });
      }
      collect({ type: 'minor' });
    };
    // What is compiled meanwhile keeps some, in some rounds; pipelines of ioredis keep 5,800 bytes a message in each of them.
    const bytesKept: number[] = [];
    for (let round = 0; round < 6; round++) {
      collect();
      const before = kept();
      await write();
      bytesKept.push((kept() - before) / 2_000);
    }
    expect(Math.min(...bytesKept)).toBeLessThan(2_000);
  });

  it('R5 reads what is unprocessed in one round trip, and takes out what has no copy in the same', async () => {
    await cache.cacheMessages(range(5).map(event));
    await redis.del(generateMessageKey(channel, '2'));
    const send = jest.spyOn(redis, 'sendCommand');
    try {
      expect(await cache.getUnprocessedMessages(channel, 10)).toHaveLength(4);
      expect(send.mock.calls.map(([command]) => command.name)).toEqual(['eval']);
    } finally {
      send.mockRestore();
    }
    expect(await redis.zrange(generateChannelKey(channel), 0, '-1')).toEqual(['1', '3', '4', '5']);
    expect(await cache.getUnprocessedMessages(channel, 0)).toEqual([]);
  });

  it('R5 leaves out history that is read later: it displaces nothing', async () => {
    await cache.cacheMessages([{ ...event(1), source: 'backfill' }, event(2)]);
    await cache.cacheMessage({ ...event(3), source: 'backfill' });
    expect(await redis.exists(generateMessageKey(channel, '1'), generateDedupKey(channel, '1'))).toBe(0);
    expect((await cache.getUnprocessedMessages(channel, 10)).map(({ messageId }) => messageId)).toEqual(['2']);
  });

  it.each(['not JSON', 'null', '{}', JSON.stringify({ ...storedEvent('1', 1).event, v: 99 })])(
    'R5 a copy that cannot be read is a miss, and gone: %s',
    async (copy) => {
      await cache.cacheMessages([event(1), event(2)]);
      await redis.set(generateMessageKey(channel, '1'), copy);
      expect((await cache.getUnprocessedMessages(channel, 10)).map(({ messageId }) => messageId)).toEqual(['2']);
      expect(await cache.getStats()).toMatchObject({ hits: 1, misses: 1, fallbacks: 0 });
      expect(await redis.exists(generateMessageKey(channel, '1'))).toBe(0);
      expect(await redis.zrange(generateChannelKey(channel), 0, '-1')).toEqual(['2']);
    },
  );

  it('R5 knows a duplicate, and does not invent one', async () => {
    await cache.cacheMessage(event(1));
    expect(await cache.isDuplicate(channel, '1')).toBe(true);
    expect(await cache.isDuplicate(channel, '2')).toBe(false);
  });

  it('R5 gives unprocessed messages oldest first until they are marked', async () => {
    const at = (id: number, second: number) => ({
      ...event(id),
      receivedAt: new Date(Date.UTC(2026, 10, 20, 0, 0, second)).toISOString(),
    });
    await cache.cacheMessages([at(3, 1), at(1, 2), at(2, 3)]);
    const ids = async (limit: number) =>
      (await cache.getUnprocessedMessages(channel, limit)).map((message) => message.messageId);
    expect(await ids(10)).toEqual(['3', '1', '2']);
    expect(await ids(2)).toEqual(['3', '1']);
    await cache.markAsProcessed(channel, ['3', '2']);
    expect(await ids(10)).toEqual(['1']);
    expect(await redis.exists(generateMessageKey(channel, '3'))).toBe(1);
    await cache.markAsProcessed(channel, []);
    expect(await cache.getUnprocessedMessages(uniqueChannel(), 10)).toEqual([]);
  });

  it('R5 counts hits and misses of hot copies', async () => {
    await cache.cacheMessages(range(4).map(event));
    await redis.del(generateMessageKey(channel, '2'));
    expect(await cache.getUnprocessedMessages(channel, 10)).toHaveLength(3);
    expect(await cache.getStats()).toMatchObject({ connected: true, hits: 3, misses: 1, fallbacks: 0, hitRate: 0.75 });
    expect((await cache.getStats()).keys).toBeGreaterThanOrEqual(8);
  });

  it('R5 drops entries whose hot copy has expired', async () => {
    await cache.cacheMessages([event(1), { ...event(2), receivedAt: new Date().toISOString() }]);
    expect(await cache.cleanupExpired()).toBe(1);
    expect(await redis.zrange(generateChannelKey(channel), 0, '-1')).toEqual(['2']);
    expect(await cache.cleanupExpired()).toBe(0);
  });

  it('R5 bounds the recent set of a channel that nobody marks', async () => {
    for (let first = 1; first < 10_050; first += 500) await cache.cacheMessages(range(500, first).map(event));
    expect(await redis.zcard(generateChannelKey(channel))).toBe(10_000);
  });

  it('R5 survives a value that is not what it should be', async () => {
    await redis.set(generateChannelKey(channel), 'not a set');
    await cache.cacheMessage(event(1));
    expect(await cache.getUnprocessedMessages(channel, 10)).toEqual([]);
    expect(await cache.isDuplicate(channel, '1')).toBe(true);
    await cache.markAsProcessed(channel, ['1']);
    await redis.del(generateChannelKey(channel));
  });
});

describe('RedisTelegramCache without Redis', () => {
  it('R5 never fails: empty answers, counted as fallbacks', async () => {
    // Port 1 refuses connections.
    const cache = new RedisTelegramCache(connectRedis({ port: 1 }));
    const fallbacks = async () => (await metrics.cacheFallbacks.get()).values[0]?.value ?? 0;
    const before = await fallbacks();
    const startedAt = Date.now();
    await cache.cacheMessage(storedEvent('1', 1).event);
    await cache.cacheMessages([]);
    expect(await cache.isDuplicate('1', '1')).toBe(false);
    expect(await cache.getUnprocessedMessages('1', 10)).toEqual([]);
    await cache.markAsProcessed('1', ['1']);
    expect(await cache.cleanupExpired()).toBe(0);
    expect(await cache.getStats()).toEqual({
      connected: false,
      hits: 0,
      misses: 0,
      fallbacks: 2,
      hitRate: 0,
      keys: null,
    });
    expect(await fallbacks()).toBe(before + 2);
    expect(Date.now() - startedAt).toBeLessThan(2_000);
    await cache.disconnect();
  });

  it('R5 falls back when Redis goes away before it has answered', async () => {
    const url = new URL(process.env['TEST_REDIS_URL'] ?? '');
    const proxy = await TcpProxy.start(url.hostname, Number(url.port));
    const redis = connectRedis({ port: proxy.port });
    await ready(redis);
    const cache = new RedisTelegramCache(redis);
    const channel = uniqueChannel();
    await cache.cacheMessage(storedEvent(channel, 1).event);
    proxy.hang();
    const read = cache.getUnprocessedMessages(channel, 10);
    proxy.cut();
    expect(await read).toEqual([]);
    expect(await cache.getUnprocessedMessages(channel, 10)).toEqual([]);
    expect((await cache.getStats()).fallbacks).toBe(2);
    await cache.disconnect();
    await proxy.close();
  });

  it('R5 a Redis that hangs costs a few short waits, not one an operation, and is used again when it answers', async () => {
    const url = new URL(process.env['TEST_REDIS_URL'] ?? '');
    const proxy = await TcpProxy.start(url.hostname, Number(url.port));
    const redis = connectRedis({ port: proxy.port });
    await ready(redis);
    const cache = new RedisTelegramCache(redis);
    const channel = uniqueChannel();
    await cache.cacheMessage(storedEvent(channel, 1).event);
    proxy.hang();
    let waits = 0;
    for (let n = 0; n < 40; n++) {
      const startedAt = performance.now();
      expect(await cache.getUnprocessedMessages(channel, 10)).toEqual([]);
      await cache.markAsProcessed(channel, ['2']);
      if (performance.now() - startedAt > 250) waits += 1;
    }
    expect((await cache.getStats()).fallbacks).toBe(40);
    expect(cache.connected).toBe(false);
    // Three, and perhaps a trial or two on a busy machine; it would be 40.
    expect(waits).toBeGreaterThan(0);
    expect(waits).toBeLessThan(10);
    proxy.heal();
    await waitFor('the hit', async () => (await cache.getUnprocessedMessages(channel, 10)).length === 1);
    await cache.disconnect();
    await proxy.close();
  });
});
