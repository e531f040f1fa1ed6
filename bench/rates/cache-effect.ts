/** A consumer that polls, under the same load with a cache and without: what the cache spares the database. */
import { setTimeout as delay } from 'node:timers/promises';
import { RedisTelegramCache } from '../../runtime/cache/redis-telegram-cache.js';
import { Consumer } from '../../runtime/consumer/consumer.js';
import { metrics } from '../../runtime/metrics.js';
import { commitBatch } from '../../runtime/store/commit-batch.js';
import { registerGroup } from '../../runtime/store/polled-work.js';
import type { Engines } from './engines.js';
import { Latencies, type Latency } from './measure.js';
import { posts } from './posts.js';

export interface CacheEffect {
  readonly rate: number;
  readonly seconds: number;
  /** Share of the candidates whose hot copy was there, 0 to 1. */
  readonly hitRate: number;
  /** Statements by which the database was asked for work. */
  readonly databaseReads: { readonly with: number; readonly without: number };
  /** Share of those reads that the cache spares, 0 to 1. */
  readonly saved: number;
  /** `isDuplicate`, as its caller sees it. */
  readonly dedupMs: Pick<Latency, 'p50' | 'p95'>;
}

const READS = new Set(['work_take', 'work_channels']);
const CHECKS = 500;

export async function cacheEffect(engines: Engines, rate: number, seconds: number): Promise<CacheEffect> {
  const without = await load(engines, { rate, seconds, cached: false });
  const withIt = await load(engines, { rate, seconds, cached: true });
  const { p50, p95 } = await dedup(engines);
  return {
    ...{ rate, seconds, hitRate: withIt.hitRate },
    databaseReads: { with: withIt.reads, without: without.reads },
    saved: 1 - withIt.reads / without.reads,
    dedupMs: { p50, p95 },
  };
}

interface Load {
  readonly rate: number;
  readonly seconds: number;
  readonly cached: boolean;
}

/** Messages come at a rate, whatever becomes of them; ends when each was handled. */
async function load(engines: Engines, { rate, seconds, cached }: Load): Promise<{ reads: number; hitRate: number }> {
  const { database, redis, logger } = engines;
  const group = `bench-${cached ? 'cached' : 'plain'}`;
  const messages = posts(rate * seconds);
  const channels = [...new Set(messages.map(({ message }) => message.channelId))];
  for (const channel of channels) await database.run(ADD_CHANNEL, [channel]);
  await registerGroup(database, group, 'poll');
  const cache = cached ? new RedisTelegramCache(redis, group) : null;
  await cache?.announceGroup();
  const writer = new RedisTelegramCache(redis);
  await writer.learnGroups();
  let handled = 0;
  const handle = () => {
    handled += 1;
    return Promise.resolve();
  };
  const consumer = new Consumer({
    ...{ group, worker: group, mode: 'poll', database, queue: null, cache, logger, handle },
  });
  const before = await reads();
  await consumer.start();
  const began = performance.now();
  for (const [n, message] of messages.entries()) {
    await delay(Math.max(0, began + (n * 1_000) / rate - performance.now()));
    const { stored } = await commitBatch(database, { messages: [message], cursors: [] });
    if (cached) await writer.cacheMessages(stored.map(({ event }) => event));
  }
  const deadline = performance.now() + 60_000;
  while (handled < messages.length && performance.now() < deadline) await delay(20);
  if (handled < messages.length)
    throw new Error(`${String(handled)} of ${String(messages.length)} events were handled`);
  const found = (await reads()) - before;
  await consumer.close();
  const stats = await cache?.getStats();
  return { reads: found, hitRate: stats?.hitRate ?? 0 };
}

const ADD_CHANNEL = {
  name: 'bench_channel',
  text: `insert into telegram_gateway.channels (channel_id, account_id) values ($1, 'bench') on conflict do nothing`,
};

async function reads(): Promise<number> {
  return (await metrics.queryDuration.get()).values
    .filter(({ metricName, labels }) => metricName?.endsWith('_count') && READS.has(String(labels.query)))
    .reduce((sum, { value }) => sum + value, 0);
}

async function dedup({ redis }: Engines): Promise<Latency> {
  const cache = new RedisTelegramCache(redis);
  const latencies = new Latencies();
  for (let n = 0; n < CHECKS; n++) await latencies.time(() => cache.isDuplicate('1', String(n)));
  return latencies.result;
}
