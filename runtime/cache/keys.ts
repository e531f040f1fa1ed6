/** The key schema of the cache. Ids are decimal strings. */
import { DEFAULT_GROUP } from '../contract.js';

/** Hot copy of a message: its event as JSON. */
export function generateMessageKey(channelId: string, messageId: string): string {
  return `telegram:msg:${channelId}:${messageId}`;
}

/** Present when the message was stored: a hint, never a decision. */
export function generateDedupKey(channelId: string, messageId: string): string {
  return `telegram:dedup:${channelId}:${messageId}`;
}

/** Sorted set of the message ids of a channel that a group has not marked as processed, by time of receipt in ms. */
export function generateChannelKey(channelId: string, group = DEFAULT_GROUP): string {
  const key = `telegram:channel:${channelId}:recent`;
  return group === DEFAULT_GROUP ? key : `${key}:${group}`;
}

/** Sorted set of the groups that poll, by the time in ms when each was last heard of. */
export const POLLING_GROUPS_KEY = 'telegram:groups';

/** Copy of an answer of the API, by the digest of its question. */
export function generateAnswerKey(digest: string): string {
  return `telegram:answer:${digest}`;
}

/** Stream of the newest events, for the live feed of the API. */
export const LIVE_STREAM_KEY = 'telegram:live';
