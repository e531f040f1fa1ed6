import type { RedisTelegramCache } from './redis-telegram-cache.js';

/** Entries outlive their hot copies by at most this. */
const CLEAN_MS = 60_000;
/** A group that begins to poll finds its candidates in the cache after at most this; until then the database has them. */
const LEARN_MS = 5_000;

/** Keeps the recent sets in order: drops expired entries, learns whose sets to fill. Returns the way to stop. */
export function careForCache(
  cache: Pick<RedisTelegramCache, 'cleanupExpired' | 'learnGroups'>,
  { cleanMs = CLEAN_MS, learnMs = LEARN_MS } = {},
): () => void {
  // They never reject, and end within the command timeout: two of a kind cannot meet.
  const timers = [
    setInterval(() => void cache.cleanupExpired(), cleanMs),
    setInterval(() => void cache.learnGroups(), learnMs),
  ];
  return () => {
    timers.forEach(clearInterval);
  };
}
