import { setTimeout as delay } from 'node:timers/promises';

export interface Settling<T> {
  /** May reject: a part that is still on its way back only delays it. */
  readonly look: () => Promise<T>;
  readonly good: (found: T) => boolean;
  /** Longest that it may take; the look that is begun then is the last. */
  readonly longestMs: number;
  /** From one look to the next. */
  readonly againMs: number;
  /** What is good must still be so after this long. */
  readonly stillMs: number;
  readonly signal: AbortSignal;
}

/**
 * Looks until what is seen is good, and still so a little later, or until time is up. The second look finds what is only late:
 * an effect that happens twice, an event that nobody caused. `goodAt` is by `performance.now()`.
 */
export async function settle<T>(options: Settling<T>): Promise<{ readonly found: T; readonly goodAt: number }> {
  const { look, good, longestMs, againMs, stillMs, signal } = options;
  const deadline = performance.now() + longestMs;
  let goodAt: number | null = null;
  for (;;) {
    const last = performance.now() > deadline;
    try {
      const found = await look();
      const isGood = good(found);
      if (last || (isGood && goodAt !== null)) return { found, goodAt: goodAt ?? performance.now() };
      goodAt = isGood ? performance.now() : null;
    } catch (error) {
      if (last) throw error;
      goodAt = null;
    }
    signal.throwIfAborted();
    await delay(goodAt === null ? againMs : stillMs);
  }
}
