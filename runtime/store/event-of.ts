import { ENVELOPE_VERSION } from '../contract.js';
import { eventId, type EventKind, type TelegramEvent } from '../events.js';
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
