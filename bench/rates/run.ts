import { cacheEffect, type CacheEffect } from './cache-effect.js';
import type { Engines, Size } from './engines.js';
import { cacheLeg, consumerLeg, insertLeg, mtprotoLeg, queueLeg } from './legs.js';
import { composedRate, fsyncTime, type Latency, type Rate } from './measure.js';
import { WholePipeline, naiveRate } from './pipelines.js';
import { pollingLatency, settle, type PollingResult } from './polling.js';
import type { Part } from './profile.js';
import { usageNow } from './usage.js';
import { compareAll, type Comparison } from './with-and-without.js';

type Leg = 'mtproto' | 'insert' | 'queue' | 'consumerCommit' | 'cache';

/** Rates in messages per second, latencies in ms. */
export interface BenchResult {
  readonly fsyncMs: Latency;
  readonly raw: Readonly<Record<Leg, number>>;
  /** What the legs allow one after the other on the same processors: 1 / Σ 1/rate. */
  readonly composed: number;
  readonly naive: number;
  readonly pipeline: number;
  readonly ratioToComposed: number;
  readonly ratioToNaive: number;
  /** By process; `runtime` is the measuring one, which has gateway and consumer in it. */
  readonly cpuMicrosPerMessage: Readonly<Record<Leg | 'naive' | 'pipeline', Readonly<Record<string, number>>>>;
  /** By process, after pipeline and load. */
  readonly memoryMb: Readonly<Record<string, number>>;
  /** Where `runtime` spends its time while the pipeline goes as fast as it can. */
  readonly profile: readonly Part[];
  /** From when a message was due to its handler, open loop. */
  readonly latencyMs: readonly ({ readonly rate: number; readonly seconds: number } & Latency)[];
  readonly polling: readonly PollingResult[];
  readonly cache: CacheEffect;
  readonly withAndWithout: readonly Comparison[];
}

/** Everything in one run on one machine, one thing at a time. */
export async function runBench(engines: Engines, size: Size, say: (line: string) => void): Promise<BenchResult> {
  const step = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    say(`• ${what}`);
    return work();
  };
  const { messages } = size;
  const fsyncMs = fsyncTime();
  await step('warming up', () => measureLegs(engines, messages / 10));
  const legs = await step('each leg', () => measureLegs(engines, messages));
  const naive = await step('naive pipeline', () => naiveRate(engines, size.naiveMessages));
  const whole = new WholePipeline(engines);
  await whole.start();
  const latencyMs: BenchResult['latencyMs'][number][] = [];
  await step('warming up', () => whole.rate(messages / 2));
  await step('settling', () => settle(engines.database));
  for (const { rate, seconds } of size.load)
    latencyMs.push({
      ...{ rate, seconds },
      ...(await step(`${String(rate)} msg/s for ${String(seconds)} s`, () => whole.latency(rate, seconds))),
    });
  const pipeline = await step('pipeline', () => whole.rate(messages));
  const profile = await step('profile', () => whole.profile(messages));
  const memoryMb = mapValues(await usageNow(engines.usage), (used) => used.memoryMb);
  await whole.close();
  const { cacheLoad } = size;
  const cacheWorth = await step('cache', () => cacheEffect(engines, cacheLoad.rate, cacheLoad.seconds));
  const { database, pooler } = engines;
  const compare = () => compareAll({ database, pooler, rows: size.comparedRows });
  const withAndWithout = await step('with and without', compare);
  const polling = await step('polling', () => pollingLatency(engines.database, size.polling));
  const raw = mapValues(legs, ({ perSecond }) => perSecond);
  const composed = composedRate(Object.values(raw));
  return {
    ...{ fsyncMs, raw, composed, naive: naive.perSecond, pipeline: pipeline.perSecond },
    ratioToComposed: pipeline.perSecond / composed,
    ratioToNaive: pipeline.perSecond / naive.perSecond,
    cpuMicrosPerMessage: mapValues({ ...legs, naive, pipeline }, ({ cpuMicros }) => cpuMicros),
    ...{ memoryMb, profile, latencyMs, polling, cache: cacheWorth, withAndWithout },
  };
}

/** Each alone, one after the other. */
async function measureLegs(engines: Engines, messages: number): Promise<Readonly<Record<Leg, Rate>>> {
  const mtproto = await mtprotoLeg(messages);
  const { rate: insert, events } = await insertLeg(engines, messages);
  const queue = await queueLeg(engines, events);
  const consumerCommit = await consumerLeg(engines, events);
  return { mtproto, insert, queue, consumerCommit, cache: await cacheLeg(engines, events) };
}

function mapValues<K extends string, A, B>(record: Record<K, A>, map: (value: A) => B): Record<K, B> {
  return Object.fromEntries(Object.entries<A>(record).map(([key, value]) => [key, map(value)])) as Record<K, B>;
}
