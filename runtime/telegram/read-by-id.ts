import { TelegramError, type ChannelRef, type PlainMessage } from './client.js';
import type { Turn } from './request-budget.js';

/** Most ids of one call. */
export const IDS_AT_ONCE = 100;

export interface ReadById {
  readonly found: readonly PlainMessage[];
  /** Deleted, or never there. */
  readonly missing: readonly string[];
  /** They exist, and this layer has no words for them. */
  readonly unreadable: readonly string[];
  /** Where the channel stands; null where no answer told. */
  readonly pts: number | null;
}

/**
 * The messages with certain ids. An answer that cannot be read is asked for in halves, down to the single messages that
 * are the reason.
 */
export async function readById(channel: ChannelRef, turn: Turn, ids: readonly string[]): Promise<ReadById> {
  if (ids.length === 0) return { found: [], missing: [], unreadable: [], pts: null };
  if (ids.length > IDS_AT_ONCE) return join(channel, turn, ids, IDS_AT_ONCE);
  try {
    return { ...(await turn.call((port) => port.getMessages(channel, ids))), unreadable: [] };
  } catch (error) {
    if (!(error instanceof TelegramError) || error.kind !== 'unreadable') throw error;
    if (ids.length === 1) return { found: [], missing: [], unreadable: ids, pts: null };
    return join(channel, turn, ids, Math.ceil(ids.length / 2));
  }
}

async function join(channel: ChannelRef, turn: Turn, ids: readonly string[], size: number): Promise<ReadById> {
  const first = await readById(channel, turn, ids.slice(0, size));
  const rest = await readById(channel, turn, ids.slice(size));
  return {
    found: [...first.found, ...rest.found],
    missing: [...first.missing, ...rest.missing],
    unreadable: [...first.unreadable, ...rest.unreadable],
    pts: rest.pts ?? first.pts,
  };
}

/** The ids above `after` and up to `upTo`, ascending; of more than `limit` the lowest. */
export function idsBetween(after: string, upTo: string, limit: number): string[] {
  const count = Math.min(limit, Number(upTo) - Number(after));
  return Array.from({ length: Math.max(0, count) }, (_, index) => String(Number(after) + 1 + index));
}
