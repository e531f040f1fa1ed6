import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { CacheLoop } from '../support/cache-loop.js';
import {
  asAdmin,
  openPair,
  openSentinel,
  namedMaster,
  roleOf,
  settledPair,
  type RedisPart,
} from '../support/redis-pair.js';
import { waitFor } from '../support/services.js';
import { container, docker, flawless, inspect, ready, smoke } from '../support/test-stack.js';

const SENTINELS = [1, 2, 3];
const LAG_SAMPLES = 100;

describe('Redis', () => {
  let master: Redis;
  let replica: Redis;
  beforeAll(async () => {
    ({ master, replica } = await openPair());
  }, 90_000);
  afterAll(() => {
    master.disconnect();
    replica.disconnect();
  });

  it('D3 writes its log every second, evicts what was not used longest, and knows users only', async () => {
    const setting = async (name: string) => ((await master.call('CONFIG', 'GET', name)) as string[])[1];
    expect(await setting('appendonly')).toBe('yes');
    expect(await setting('appendfsync')).toBe('everysec');
    expect(await setting('maxmemory')).toBe(String(96 * 2 ** 20));
    expect(await setting('maxmemory-policy')).toBe('allkeys-lru');
    const users = (await master.call('ACL', 'USERS')) as string[];
    expect(users.sort()).toEqual([
      'admin',
      'api',
      'consumer',
      'default',
      'gateway',
      'reader',
      'replication',
      'sentinel',
    ]);
    const [state] = ((await master.call('ACL', 'GETUSER', 'default')) as [string, string[]])[1];
    expect(state).toBe('off');
  });

  it('D4 there is one master and one replica, linked', async () => {
    const roles = [await roleOf('redis-master'), await roleOf('redis-replica')];
    expect(roles.sort()).toEqual(['master', 'slave']);
    expect(await replica.info('replication')).toContain('master_link_status:up');
  });

  it('D4 the replica lags by less than 50 ms while the master is written to', async () => {
    const lags: number[] = [];
    for (let sample = 0; sample < LAG_SAMPLES; sample++) {
      const key = `test:lag:${String(sample)}`;
      const load = master.pipeline();
      for (let n = 0; n < 50; n++) load.set(`test:load:${String(n)}`, 'x'.repeat(512), 'EX', 60);
      await load.exec();
      await master.set(key, 'there', 'EX', 60);
      const written = performance.now();
      while ((await replica.get(key)) === null)
        if (performance.now() - written > 5_000) throw new Error('nothing arrives at the replica');
      lags.push(performance.now() - written);
    }
    lags.sort((one, other) => one - other);
    const at = (share: number) => lags[Math.floor((lags.length - 1) * share)] ?? NaN;
    process.stderr.write(`    D4 replica lag: p50 ${at(0.5).toFixed(1)} ms, p95 ${at(0.95).toFixed(1)} ms\n`);
    expect(at(0.95)).toBeLessThan(50);
  });

  it('D5 three Sentinels agree on the master, two of them are a majority', async () => {
    const { master: expected } = await settledPair();
    for (const number of SENTINELS) {
      const sentinel = openSentinel(number);
      expect(await namedMaster(sentinel)).toBe(expected);
      expect(await sentinel.call('SENTINEL', 'CKQUORUM', 'telegram')).toBe(
        'OK 3 usable Sentinels. Quorum and failover authorization can be reached',
      );
      const facts = (await sentinel.call('SENTINEL', 'MASTER', 'telegram')) as string[];
      expect(facts[facts.indexOf('quorum') + 1]).toBe('2');
      sentinel.disconnect();
    }
  });
});

describe('Redis failover', () => {
  let before: { master: RedisPart; replica: RedisPart };
  let tookMs: number;
  let loop: CacheLoop;
  let promotedAt: number;
  beforeAll(async () => {
    before = await settledPair();
    const sentinel = openSentinel(1);
    loop = await CacheLoop.start();
    await waitFor('a cache in use', () => Promise.resolve(loop.cachedSince(0) >= 50), 30_000);
    await docker('kill', container(before.master));
    const killed = performance.now();
    await waitFor('another master', async () => (await namedMaster(sentinel)) === before.replica, 30_000);
    await waitFor('the new master takes its role', async () => (await roleOf(before.replica)) === 'master', 30_000);
    promotedAt = performance.now();
    tookMs = promotedAt - killed;
    sentinel.disconnect();
    await waitFor('the cache again', () => Promise.resolve(loop.cachedSince(promotedAt) >= 50), 30_000).catch(
      () => undefined,
    );
    await loop.end();
  }, 150_000);

  it('D5 a killed master is replaced within 10 s', () => {
    process.stderr.write(`    D5 failover: ${(tookMs / 1000).toFixed(1)} s\n`);
    expect(tookMs).toBeLessThan(10_000);
  });

  it('R5 D5 a cache in use gives its caller no error meanwhile, and has what is written after the promotion', async () => {
    const without = loop.rounds.filter(({ isCached }) => !isCached);
    const slowest = Math.max(...loop.rounds.map(({ ms }) => ms));
    process.stderr.write(
      `    R5 without cache for ${(loop.longestWithout / 1000).toFixed(1)} s: ${String(without.length)} of ` +
        `${String(loop.rounds.length)} rounds, the slowest took ${slowest.toFixed(0)} ms\n`,
    );
    expect(loop.errors).toEqual([]);
    expect(without.length).toBeGreaterThan(0);
    expect(loop.cachedSince(promotedAt)).toBeGreaterThanOrEqual(50);
    expect(await asAdmin(before.replica, 'EXISTS', loop.lastKey)).toBe(1);
    expect(loop.longestWithout).toBeLessThan(15_000);
    // Three operations, each with a time-out of 300 ms.
    expect(slowest).toBeLessThan(2_000);
  });

  it('D4 the killed node comes back as the replica: exactly one master', async () => {
    await docker('start', container(before.master));
    await waitFor('role of the node that came back', async () => (await roleOf(before.master)) === 'slave', 60_000);
    expect(await settledPair()).toEqual({ master: before.replica, replica: before.master });
    await waitFor('health', async () => (await inspect(before.master)).State.Health?.Status === 'healthy', 60_000);
  }, 150_000);

  it('D5 gateway, consumer and API are ready, and messages flow as before', async () => {
    for (const service of ['gateway', 'consumer', 'api'] as const)
      await waitFor(service, async () => ready(service), 60_000);
    expect(smoke(50)).toMatchObject(flawless(50));
  }, 240_000);

  it('R5 the new master is what the gateway caches in', async () => {
    const { master, replica } = await openPair();
    const count = async () => {
      const [, keys] = await master.scan('0', 'MATCH', 'telegram:msg:*', 'COUNT', 100_000);
      return keys.length;
    };
    const old = await count();
    expect(smoke(50)).toMatchObject(flawless(50));
    await waitFor('cached messages', async () => (await count()) >= old + 50, 30_000);
    master.disconnect();
    replica.disconnect();
  }, 180_000);
});
