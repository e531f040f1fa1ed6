/** The key schema of the cache. Ids are decimal strings. */

/** Hot copy of a message: its event as JSON. */
export function generateMessageKey(channelId: string, messageId: string): string {
  return `telegram:msg:${channelId}:${messageId}`;
}

/** Present when the message was stored: a hint, never a decision. */
export function generateDedupKey(channelId: string, messageId: string): string {
  return `telegram:dedup:${channelId}:${messageId}`;
}

/** Sorted set of the message ids of a channel that nobody has marked as processed, by time of receipt in ms. */
export function generateChannelKey(channelId: string): string {
  return `telegram:channel:${channelId}:recent`;
}

/** Copy of an answer of the API, by the digest of its question. */
export function generateAnswerKey(digest: string): string {
  return `telegram:answer:${digest}`;
}

/** Stream of the newest events, for the live feed of the API. */
export const LIVE_STREAM_KEY = 'telegram:live';
