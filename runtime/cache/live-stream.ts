/**
 * The newest events as a Redis stream: the gateway appends what it has committed, the API reads it for its live feed.
 *
 * Promised: neither side waits for it, and it takes no broker.
 * Not promised: anything. It is a window of the last few thousand events, a failover may cut some out, and history that is
 *   read later is left out. Who needs every event is a consumer group.
 */
import type { Redis } from 'ioredis';
import type { TelegramEvent } from '../events.js';
import { parseEvent } from '../queue/envelope.js';
import { LIVE_STREAM_KEY } from './keys.js';

/** About 3 MB. */
const LENGTH = 5_000;

/** One event of the stream with its id there, `<ms>-<n>`. */
export interface LiveEntry {
  readonly id: string;
  /** Null when this release cannot read it. */
  readonly event: TelegramEvent | null;
}

type Cache = { readonly redis: Redis };

/** One round trip; a cache that is away is nobody's failure. */
export async function appendLive({ redis }: Cache, events: readonly TelegramEvent[]): Promise<void> {
  const fresh = events.filter(({ source }) => source !== 'backfill');
  if (fresh.length === 0) return;
  const appended = fresh.map((event) =>
    redis.xadd(LIVE_STREAM_KEY, 'MAXLEN', '~', LENGTH, '*', 'event', JSON.stringify(event)),
  );
  await Promise.all(appended).catch(() => undefined);
}

/** Up to `limit` entries after `id`, oldest first. Rejects while Redis is away. */
export async function readLive({ redis }: Cache, id: string, limit: number): Promise<readonly LiveEntry[]> {
  const entries = await redis.xrange(LIVE_STREAM_KEY, `(${id}`, '+', 'COUNT', limit);
  return entries.map(([entryId, [, text]]) => ({ id: entryId, event: readable(text ?? '') }));
}

/** Id of the newest entry, or the one before all. Rejects while Redis is away. */
export async function newestLive({ redis }: Cache): Promise<string> {
  const [newest] = await redis.xrevrange(LIVE_STREAM_KEY, '+', '-', 'COUNT', 1);
  return newest?.[0] ?? '0-0';
}

function readable(text: string): TelegramEvent | null {
  try {
    return parseEvent(text);
  } catch {
    return null;
  }
}
