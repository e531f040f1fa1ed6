import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type Histogram } from 'hdr-histogram-js';
import { cpuPerMessage, usageNow, type UsageSource } from './usage.js';

/** A rate as it was measured, and what was spent on it. */
export interface Rate {
  /** Messages per second. */
  readonly perSecond: number;
  /** Microseconds a message, by process. */
  readonly cpuMicros: Readonly<Record<string, number>>;
}

/** Runs `work`, which handles so many messages, in this process alone or with the engines that `engines` tells of. */
export async function rateOf(
  messages: number,
  engines: UsageSource | null,
  work: () => Promise<unknown>,
): Promise<Rate> {
  const before = await usageNow(engines);
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1_000;
  return { perSecond: messages / seconds, cpuMicros: cpuPerMessage(before, await usageNow(engines), messages) };
}

export interface Latency {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Latencies in ms, recorded in microseconds up to a minute. */
export class Latencies {
  readonly #histogram: Histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000 });

  record(ms: number): void {
    this.#histogram.recordValue(Math.min(Math.max(Math.round(ms * 1_000), 1), 60_000_000));
  }

  /** Records how long `work` takes. */
  async time(work: () => Promise<unknown>): Promise<void> {
    const began = performance.now();
    await work();
    this.record(performance.now() - began);
  }

  get result(): Latency {
    const at = (percentile: number) => this.#histogram.getValueAtPercentile(percentile) / 1_000;
    return { p50: at(50), p95: at(95), p99: at(99), max: at(100) };
  }
}

/** How long a disk takes to keep one page, in ms: the floor of every commit. On the file system of temporary files. */
export function fsyncTime(times = 100): Latency {
  const folder = mkdtempSync(join(tmpdir(), 'fsync-'));
  const file = openSync(join(folder, 'page'), 'w');
  const latencies = new Latencies();
  try {
    for (let n = 0; n < times; n++) {
      const began = performance.now();
      writeSync(file, Buffer.alloc(8_192), 0, 8_192, 0);
      fdatasyncSync(file);
      latencies.record(performance.now() - began);
    }
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true });
  }
  return latencies.result;
}

/** Of legs that each message goes through one after the other on the same processors. */
export function composedRate(legs: readonly number[]): number {
  return 1 / legs.reduce((sum, rate) => sum + 1 / rate, 0);
}

/** `work` on every item, so many at a time. */
export async function eachAtOnce<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<unknown>) {
  let next = 0;
  const lane = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

export function inBatches<T>(items: readonly T[], size: number): T[][] {
  const batches: T[][] = [];
  for (let from = 0; from < items.length; from += size) batches.push(items.slice(from, from + size));
  return batches;
}

const TIMES = 30;

/** Medians in ms, in turns, so that whatever else happens on the machine happens to both. */
export async function sideBySide(one: () => Promise<unknown>, other: () => Promise<unknown>, times = TIMES) {
  const [first, second] = [new Latencies(), new Latencies()];
  for (let n = 0; n < times; n++) {
    await first.time(one);
    await second.time(other);
  }
  return [first.result.p50, second.result.p50] as const;
}

/** In ms. */
export async function median(work: () => Promise<unknown>): Promise<number> {
  const latencies = new Latencies();
  for (let n = 0; n < TIMES; n++) await latencies.time(work);
  return latencies.result.p50;
}
