/** What happened to a message; also the routing-independent `type` of the AMQP message. */
export type EventKind = 'message.created' | 'message.edited' | 'message.deleted';

export const EVENT_KINDS: readonly EventKind[] = ['message.created', 'message.edited', 'message.deleted'];

/** How the gateway came by it. */
export type EventSource = 'push' | 'difference' | 'backfill' | 'reconcile';

/**
 * One event as it stands on the exchange (JSON, UTF-8) and in a handler's hands.
 * Every 64-bit id is a decimal string.
 */
export interface TelegramEvent {
  /** Envelope version, see `ENVELOPE_VERSION`. */
  readonly v: number;
  /** `{kind}:{channel}:{message}:{version}`: equal for every copy of the same event. */
  readonly id: string;
  readonly kind: EventKind;
  readonly accountId: string;
  /** Bare channel id, positive. */
  readonly channelId: string;
  readonly messageId: string;
  /**
   * Grows by one with each event of a message: 1 for the message as first seen, then one more an edit, and one more for
   * the deletion, which is the last. A deletion of a message never seen is 1.
   */
  readonly version: number;
  /** When Telegram says it was posted, ISO 8601, whole seconds; null for a deletion of a message never seen. */
  readonly postedAt: string | null;
  /** When Telegram says it was edited, ISO 8601, whole seconds; absent for a copy that was never edited. */
  readonly editedAt?: string;
  /** When the gateway received it, ISO 8601 with milliseconds. */
  readonly receivedAt: string;
  /** Empty for a message without text, and for a deletion. U+0000 is stripped. */
  readonly text: string;
  /** Short name of the media (`photo`, `document`, ...), or null. */
  readonly mediaType: string | null;
  readonly source: EventSource;
}

/** The id that lets consumers drop repeats. */
export function eventId(kind: EventKind, channelId: string, messageId: string, version: number): string {
  return `${kind}:${channelId}:${messageId}:${String(version)}`;
}
