/**
 * What was posted in a channel between the moment the account joined it and the moment the gateway first hears of it: nobody
 * pushes it to a gateway that is away, and the list of channels tells only where the channel stands now.
 *
 * Promised: of a channel that was joined after the account's first listing, everything since the joining is read.
 * Not promised: that of a channel which the account was in before the gateway served it; the second of the joining holds
 *   what was posted in it before, too.
 */
import type { StoredChannel } from '../ingest/message-store.js';
import type { Logger } from '../logger.js';
import { TelegramError, type ChannelInfo } from './client.js';
import type { RequestBudget } from './request-budget.js';

/** By how much the clocks of the database and of Telegram may differ, in milliseconds. */
const CLOCKS_MS = 300_000;

/** Telegram's own word that the channel was made: nobody posted it. */
const CREATION_ID = '1';

export interface UnreadTools {
  readonly stored: readonly StoredChannel[];
  /** When the account's channels were first recorded; null when this is the first time. */
  readonly since: Date | null;
  readonly budget: Pick<RequestBudget, 'turn'>;
  readonly logger: Logger;
}

/** The channels, with `unreadAfterId` where something is to be read; a request for each that is new. */
export async function withUnread(channels: readonly ChannelInfo[], tools: UnreadTools): Promise<ChannelInfo[]> {
  const { stored, since, logger } = tools;
  const begun = new Set(stored.filter(({ pts }) => pts !== null).map(({ id }) => id));
  const all: ChannelInfo[] = [];
  for (const channel of channels) {
    const { id, joinedAt = null, topMessageId = null } = channel;
    const isNew = !begun.has(id) && since !== null && joinedAt !== null && topMessageId !== null;
    if (!isNew || joinedAt * 1_000 < since.getTime() - CLOCKS_MS) {
      all.push(channel);
      continue;
    }
    const unreadAfterId = await lastBefore(channel, joinedAt, tools);
    logger.info({ channelId: id, joinedAt, unreadAfterId, topMessageId }, 'joined since: reading what was posted');
    all.push({ ...channel, unreadAfterId });
  }
  return all;
}

/** The newest message before a time, or that of the channel's making; null when the channel cannot be asked. */
async function lastBefore(channel: ChannelInfo, time: number, { budget, logger }: UnreadTools): Promise<string | null> {
  const query = { offsetId: 0, minId: 0, before: time, limit: 1 };
  try {
    const { lowestId } = await budget.turn('history', (turn) => turn.call((port) => port.getHistory(channel, query)));
    return lowestId ?? CREATION_ID;
  } catch (error) {
    // One channel that refuses must not hold up the others.
    if (!(error instanceof TelegramError) || !['channel-gone', 'unreadable'].includes(error.kind)) throw error;
    logger.warn({ err: error, channelId: channel.id }, 'a new channel does not tell what was posted since the joining');
    return null;
  }
}
