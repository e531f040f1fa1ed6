/** What happened to a message; also the routing-independent `type` of the AMQP message. */
export type EventKind = 'message.created' | 'message.edited' | 'message.deleted';

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
  /** 1 for the message as first seen, then one more an edit. */
  readonly version: number;
  /** When Telegram says it was posted, ISO 8601, whole seconds. */
  readonly postedAt: string;
  /** When the gateway received it, ISO 8601 with milliseconds. */
  readonly receivedAt: string;
  /** Empty for a message without text. U+0000 is stripped. */
  readonly text: string;
  /** Short name of the media (`photo`, `document`, ...), or null. */
  readonly mediaType: string | null;
  readonly source: 'push' | 'difference' | 'backfill' | 'reconcile';
}

/** The id that lets consumers drop repeats. */
export function eventId(kind: EventKind, channelId: string, messageId: string, version: number): string {
  return `${kind}:${channelId}:${messageId}:${String(version)}`;
}
