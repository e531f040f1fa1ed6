import type { Submission } from '../../../../runtime/ingest/batch.js';
import type { StoredChannel } from '../../../../runtime/ingest/message-store.js';
import { createLogger } from '../../../../runtime/logger.js';
import { ChannelState } from '../../../../runtime/telegram/channel-state.js';
import type { ChannelUpdate, PlainMessage, TelegramPort } from '../../../../runtime/telegram/client.js';
import { RequestBudget } from '../../../../runtime/telegram/request-budget.js';

/** A message of the port, as small as it gets. */
export function plainMessage(channelId: string, id: number, text = `text ${String(id)}`): PlainMessage {
  return {
    channelId,
    messageId: String(id),
    date: 1_700_000_000 + id,
    editDate: null,
    kind: 'message',
    text,
    senderId: null,
    groupedId: null,
    mediaType: null,
    metadata: {},
    raw: Buffer.alloc(0),
  };
}

/** The post with this id, whose `pts` is its id. */
export function newPost(channelId: string, id: number): ChannelUpdate {
  return { type: 'new', channelId, pts: id, ptsCount: 1, message: plainMessage(channelId, id) };
}

/** A channel as it is stored, read up to `pts`. */
export function storedChannel(id: string, more: Partial<StoredChannel> = {}): StoredChannel {
  return {
    ...{ id, accessHash: '1', accountId: 'default', title: '', username: null },
    ...{ pts: 0, lastMessageId: '0', reconciledId: '0', backfill: null, status: 'active' },
    ...more,
  };
}

export function channelState(
  id: string,
  submit: (submission: Submission) => Promise<void>,
  more: Partial<StoredChannel> = {},
): ChannelState {
  const logger = createLogger('test', 'silent');
  return new ChannelState({ accountId: 'default', channel: storedChannel(id, more), submit, logger });
}

/** A budget that holds nobody back but for flood waits. */
export function unlimited(port: () => TelegramPort | null = () => null): RequestBudget {
  const limits = { perSecond: 1e6, burst: 1e6, atOnce: 3 };
  return new RequestBudget({
    port,
    floodWaits: { load: () => Promise.resolve(new Map()), save: () => Promise.resolve() },
    logger: createLogger('test', 'silent'),
    signal: new AbortController().signal,
    limits: { difference: limits, history: limits, account: limits, join: limits },
  });
}
