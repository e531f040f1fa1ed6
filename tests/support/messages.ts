import type { IngestMessage, StoredEvent } from '../../runtime/ingest/message-store.js';
import type { PlainMessage } from '../../runtime/telegram/client.js';

/** A message as the gateway hands it to the store. */
export function ingestMessage(
  channelId: string,
  messageId: number,
  message: Partial<PlainMessage> = {},
  receivedAt = new Date(),
): IngestMessage {
  return {
    accountId: 'test',
    source: 'push',
    receivedAt,
    pts: null,
    message: {
      channelId,
      messageId: String(messageId),
      date: Math.floor(Date.UTC(2026, 10, 20) / 1_000) + messageId,
      editDate: null,
      kind: 'message',
      text: `message ${String(messageId)}`,
      senderId: null,
      groupedId: null,
      mediaType: null,
      metadata: {},
      raw: Buffer.from([1, 2, 3]),
      ...message,
    },
  };
}

/** An outbox row with its event, as the store returns it. */
export function storedEvent(channelId: string, position: number): StoredEvent {
  return {
    outboxId: String(position),
    event: {
      v: 1,
      id: `message.created:${channelId}:${String(position)}:1`,
      kind: 'message.created',
      accountId: 'test',
      channelId,
      messageId: String(position),
      version: 1,
      postedAt: '2026-11-20T00:00:00.000Z',
      receivedAt: '2026-11-20T00:00:00.123Z',
      text: 'text',
      mediaType: null,
      source: 'push',
    },
  };
}

/** `from`, `from + 1`, ... */
export function range(count: number, from = 1): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}
