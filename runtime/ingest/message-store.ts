import type { TelegramEvent } from '../events.js';
import type { ChannelInfo, ChannelRef, PlainMessage } from '../telegram/client.js';

/** What the gateway needs of a database. The implementation is `runtime/store/telegram-store.ts`. */

export interface IngestMessage {
  readonly accountId: string;
  readonly message: PlainMessage;
  readonly source: TelegramEvent['source'];
  readonly receivedAt: Date;
  /** The channel's `pts` after this message; null where it came without one. */
  readonly pts: number | null;
}

/** How far a channel has been read. It moves only in the transaction that stores what was read. */
export interface ChannelCursor {
  readonly accountId: string;
  readonly channelId: string;
  readonly pts: number;
  readonly lastMessageId: string | null;
}

export interface IngestBatch {
  readonly messages: readonly IngestMessage[];
  readonly cursors: readonly ChannelCursor[];
}

export interface StoredEvent {
  readonly outboxId: string;
  readonly event: TelegramEvent;
}

export interface CommitResult {
  /** Newly stored, in the order of the batch. */
  readonly stored: readonly StoredEvent[];
  readonly duplicates: number;
}

export interface StoredChannel extends ChannelRef {
  readonly accountId: string;
  readonly title: string;
  readonly username: string | null;
  /** Null until the channel was read for the first time. */
  readonly pts: number | null;
  readonly lastMessageId: string | null;
  readonly status: 'active' | 'paused' | 'left' | 'gone';
}

export interface MessageStore {
  commitBatch(batch: IngestBatch): Promise<CommitResult>;
  loadChannels(accountId: string): Promise<readonly StoredChannel[]>;
  upsertChannels(accountId: string, channels: readonly ChannelInfo[]): Promise<void>;
}
