import { setTimeout as delay } from 'node:timers/promises';
import type { CacheConnection } from '../cache/client.js';
import { newestLive, readLive, type LiveEntry } from '../cache/live-stream.js';

const POLL_MS = 200;
const PAGE = 200;

/** What a follower is told: events, that Redis went away or came back, or that nothing happened for a while. */
export type LiveNews =
  { readonly kind: 'events'; readonly entries: readonly LiveEntry[] } | { readonly kind: 'away' | 'back' | 'idle' };

export interface FollowOptions {
  /** Id of the last entry that the follower has had. */
  readonly after: string;
  /** `idle` is said after so many milliseconds without anything else. */
  readonly idleMs: number;
  readonly signal: AbortSignal;
}

/** Where a new follower begins. Rejects while Redis is away. */
export async function whereNow(cache: Pick<CacheConnection, 'redis'>): Promise<string> {
  return newestLive(cache);
}

/**
 * Follows the live stream until `signal`. A reader that is slow is not run after: what it has not asked for stays in the
 * stream, and what the stream drops meanwhile it does not see.
 */
export async function* follow(cache: Pick<CacheConnection, 'redis'>, options: FollowOptions): AsyncGenerator<LiveNews> {
  const { idleMs, signal } = options;
  let { after } = options;
  let away = false;
  let saidAt = performance.now();
  while (!signal.aborted) {
    const entries = await readLive(cache, after, PAGE).catch(() => null);
    const changed = away !== (entries === null);
    away = entries === null;
    if (changed) yield { kind: away ? 'away' : 'back' };
    if (entries && entries.length > 0) {
      after = entries.at(-1)?.id ?? after;
      yield { kind: 'events', entries };
    } else if (!changed && performance.now() - saidAt >= idleMs) yield { kind: 'idle' };
    else {
      if (changed) saidAt = performance.now();
      await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
      continue;
    }
    saidAt = performance.now();
  }
}
