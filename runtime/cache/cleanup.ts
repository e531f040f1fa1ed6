import type { RedisTelegramCache } from './redis-telegram-cache.js';

/** Entries outlive their hot copies by at most this. */
const INTERVAL_MS = 60_000;

/** Drops expired entries from the recent sets, again and again. Returns the way to stop. */
export function cleanRegularly(
  cache: Pick<RedisTelegramCache, 'cleanupExpired'>,
  intervalMs = INTERVAL_MS,
): () => void {
  // It never rejects, and it ends within the command timeout: two of them cannot meet.
  const timer = setInterval(() => void cache.cleanupExpired(), intervalMs);
  return () => {
    clearInterval(timer);
  };
}
