import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

/** Longest uninterrupted work, in ms, so that sockets and timers get their turn. */
const SLICE_MS = 5;
/** What lies further behind than this is not made up for, in ms: the process was stopped, not slow. */
const MAX_LAG_MS = 1_000;

export interface Pace {
  /** Per second; null is as fast as possible. */
  readonly rate: number | null;
  /** How many in all; Infinity until aborted. */
  readonly count: number;
  /** Leave out what a long pause made late (a generator), or make it up at once (a counted batch). */
  readonly skipLate: boolean;
  readonly signal: AbortSignal;
  /** Asked before each call; what it gives is waited for, and the schedule goes on from the start as before. */
  readonly ready?: () => Promise<unknown> | undefined;
}

/**
 * Calls `emit` at a steady rate. Due times follow from the start, not from the previous call, so timers that fire late
 * cause no drift. Ends early, without an error, when the signal is aborted.
 */
export async function pace(
  { rate, count, skipLate, signal, ready }: Pace,
  emit: (index: number) => void,
): Promise<void> {
  let start = performance.now();
  let sliceStart = start;
  for (let index = 0; index < count; index++) {
    const due = rate === null ? start : start + (index * 1_000) / rate;
    const now = performance.now();
    if (due > now) {
      await sleep(due - now, undefined, { signal }).catch(() => undefined);
      sliceStart = performance.now();
    } else if (skipLate && now - due > MAX_LAG_MS) {
      start += now - due;
    } else if (now - sliceStart > SLICE_MS) {
      await nextTurn();
      sliceStart = performance.now();
    }
    const wait = ready?.();
    if (wait !== undefined) await wait;
    if (signal.aborted) return;
    emit(index);
  }
}
