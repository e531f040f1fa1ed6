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

/** What the cache was worth to some readers. */
interface Worth {
  /** Share of the candidates whose hot copy was there, 0 to 1. */
  readonly hitRate: number;
  /** Statements by which the database was asked for work. */
  readonly databaseReads: { readonly with: number; readonly without: number };
  /** Share of those reads that the cache spares, 0 to 1. */
  readonly saved: number;
}

export interface CacheEffect extends Worth {
  readonly rate: number;
  readonly seconds: number;
  /**
   * The same load as several readers see it: one that is always there, one that is away for a while, one that begins at the end.
   * What they have missed the database brings, so many events a statement.
   */
  readonly mixedReaders: Worth;
  /** `isDuplicate`, as its caller sees it. */
  readonly dedupMs: Pick<Latency, 'p50' | 'p95'>;
}

/** When a group reads, as shares of the time in which messages come; all of it goes on until everything was handled. */
type Presence = readonly (readonly [from: number, to: number])[];

const ALWAYS: readonly Presence[] = [[[0, Infinity]]];
const MIXED: readonly Presence[] = [
  ...ALWAYS,
  [
    [0, 0.3],
    [0.7, Infinity],
  ],
  [[1, Infinity]],
];

const READS = new Set(['work_take', 'work_channels']);
const CHECKS = 500;

export async function cacheEffect(engines: Engines, rate: number, seconds: number): Promise<CacheEffect> {
  const worth = async (readers: readonly Presence[], name: string): Promise<Worth> => {
    const without = await load(engines, { rate, seconds, readers, name: `${name}-plain`, cached: false });
    const withIt = await load(engines, { rate, seconds, readers, name: `${name}-cached`, cached: true });
    return {
      hitRate: withIt.hitRate,
      databaseReads: { with: withIt.reads, without: without.reads },
      saved: 1 - withIt.reads / without.reads,
    };
  };
  const one = await worth(ALWAYS, 'one');
  const mixedReaders = await worth(MIXED, 'mixed');
  const { p50, p95 } = await dedup(engines);
  return { ...{ rate, seconds }, ...one, mixedReaders, dedupMs: { p50, p95 } };
}

interface Load {
  readonly rate: number;
  readonly seconds: number;
  readonly readers: readonly Presence[];
  /** What the names of the groups begin with. */
  readonly name: string;
  readonly cached: boolean;
}

/** Messages come at a rate, whatever becomes of them; ends when every group has handled each. */
async function load(
  engines: Engines,
  { rate, seconds, readers, name, cached }: Load,
): Promise<{ reads: number; hitRate: number }> {
  const { database, redis } = engines;
  const messages = posts(rate * seconds);
  const channels = [...new Set(messages.map(({ message }) => message.channelId))];
  for (const channel of channels) await database.run(ADD_CHANNEL, [channel]);
  const groups = await Promise.all(
    readers.map((presence, n) => Reader.register(engines, { group: `bench-${name}-${String(n)}`, cached, presence })),
  );
  const writer = new RedisTelegramCache(redis);
  await writer.learnGroups();
  const before = await reads();
  const began = performance.now();
  for (const [n, message] of messages.entries()) {
    await Promise.all(groups.map((group) => group.at(n / messages.length)));
    await delay(Math.max(0, began + (n * 1_000) / rate - performance.now()));
    const { stored } = await commitBatch(database, { messages: [message], cursors: [] });
    if (cached) await writer.cacheMessages(stored.map(({ event }) => event));
  }
  await Promise.all(groups.map((group) => group.at(1)));
  const deadline = performance.now() + 60_000;
  const handled = () => sum(groups.map((group) => group.handled));
  const expected = messages.length * groups.length;
  while (handled() < expected && performance.now() < deadline) await delay(20);
  if (handled() < expected) throw new Error(`${String(handled())} of ${String(expected)} events were handled`);
  const asked = (await reads()) - before;
  await Promise.all(groups.map((group) => group.close()));
  // What is measured next makes no work for them.
  await database.run(RETIRE, [`bench-${name}-%`]);
  const found = await Promise.all(groups.map((group) => group.found()));
  const [hits, misses] = [sum(found.map((one) => one.hits)), sum(found.map((one) => one.misses))];
  return { reads: asked, hitRate: hits / Math.max(1, hits + misses) };
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);

/** A group that polls while it is there. */
class Reader {
  handled = 0;
  #consumer: Consumer | null = null;

  private constructor(
    private readonly engines: Engines,
    private readonly group: string,
    private readonly cache: RedisTelegramCache | null,
    private readonly presence: Presence,
  ) {}

  /** Known to the database and to who fills the cache, before the first message. */
  static async register(
    engines: Engines,
    { group, cached, presence }: { readonly group: string; readonly cached: boolean; readonly presence: Presence },
  ): Promise<Reader> {
    const cache = cached ? new RedisTelegramCache(engines.redis, group) : null;
    await registerGroup(engines.database, group, 'poll');
    await cache?.announceGroup();
    return new Reader(engines, group, cache, presence);
  }

  /** Comes or goes, as the time says. */
  async at(share: number): Promise<void> {
    const isThere = this.presence.some(([from, to]) => from <= share && share < to);
    if (!isThere) await this.close();
    else if (!this.#consumer) {
      this.#consumer = this.#open();
      await this.#consumer.start();
    }
  }

  async close(): Promise<void> {
    await this.#consumer?.close();
    this.#consumer = null;
  }

  /** Hot copies that were there, and that were not, of what it looked for. */
  async found(): Promise<{ readonly hits: number; readonly misses: number }> {
    return (await this.cache?.getStats()) ?? { hits: 0, misses: 0 };
  }

  #open(): Consumer {
    const { group, cache } = this;
    const { database, logger } = this.engines;
    const handle = () => {
      this.handled += 1;
      return Promise.resolve();
    };
    return new Consumer({ group, worker: group, mode: 'poll', database, queue: null, cache, logger, handle });
  }
}

const RETIRE = {
  name: 'bench_retire',
  text: 'update telegram_gateway.consumer_groups set active = false where group_name like $1',
};

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
