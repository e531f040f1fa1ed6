import { ENVELOPE_VERSION } from '../contract.js';
import { eventId, type EventKind, type EventSource, type TelegramEvent } from '../events.js';
import type { IngestDeletion, IngestMessage } from '../ingest/message-store.js';
import { cleanText } from './clean-text.js';
import { isoSeconds } from './clean-message.js';

/** The event of a message, as first seen (version 1) or as edited. */
export function messageEvent(
  { accountId, message, source, receivedAt }: IngestMessage,
  kind: 'message.created' | 'message.edited',
  version: number,
): TelegramEvent {
  return {
    ...identity(kind, message.channelId, message.messageId, version),
    accountId,
    postedAt: isoSeconds(message.date),
    ...(message.editDate === null ? {} : { editedAt: isoSeconds(message.editDate) }),
    receivedAt: receivedAt.toISOString(),
    text: cleanText(message.text),
    mediaType: message.mediaType === null ? null : cleanText(message.mediaType),
    source,
  };
}

/** `postedAt` is null for a message never seen. */
export function deletionEvent(
  { accountId, channelId, messageId, source, receivedAt }: IngestDeletion,
  version: number,
  postedAt: Date | null,
): TelegramEvent {
  return {
    ...identity('message.deleted', channelId, messageId, version),
    accountId,
    postedAt: postedAt?.toISOString() ?? null,
    receivedAt: receivedAt.toISOString(),
    text: '',
    mediaType: null,
    source,
  };
}

/** Which event, as work and outbox rows name it. */
export interface EventRow {
  readonly kind: EventKind;
  readonly channel_id: string;
  readonly message_id: string;
  readonly version: number;
  readonly account_id: string;
  readonly posted_at: Date | null;
}

/** What the tables of messages, versions and tombstones say of it. */
export interface EventFact {
  readonly received_at: Date;
  readonly edited_at: Date | null;
  readonly text: string;
  readonly media_type: string | null;
  readonly source: EventSource;
}

/** The event as it stands in the database. */
export function storedEvent(row: EventRow, fact: EventFact): TelegramEvent {
  return {
    ...identity(row.kind, row.channel_id, row.message_id, row.version),
    accountId: row.account_id,
    postedAt: row.posted_at?.toISOString() ?? null,
    ...(fact.edited_at === null ? {} : { editedAt: fact.edited_at.toISOString() }),
    receivedAt: fact.received_at.toISOString(),
    text: fact.text,
    mediaType: fact.media_type,
    source: fact.source,
  };
}

function identity(kind: EventKind, channelId: string, messageId: string, version: number) {
  return {
    v: ENVELOPE_VERSION,
    id: eventId(kind, channelId, messageId, version),
    kind,
    channelId,
    messageId,
    version,
  };
}
