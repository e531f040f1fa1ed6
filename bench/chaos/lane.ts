import { setTimeout as delay } from 'node:timers/promises';
import type { Timed } from './schedule.js';

export interface Lane<T> {
  readonly list: readonly Timed<T>[];
  /** `performance.now()` at the start of the run. */
  readonly startedAt: number;
  /** Nothing more is begun then, though something is late. */
  readonly signal: AbortSignal;
  readonly perform: (what: T) => Promise<void>;
}

/** Does one after the other, each at its time or as soon after it as the one before has ended. */
export async function follow<T>({ list, startedAt, signal, perform }: Lane<T>): Promise<void> {
  for (const { atMs, what } of list) {
    const ms = startedAt + atMs - performance.now();
    if (ms > 0) await delay(ms, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    await perform(what);
  }
}
