import type { EventSource, TelegramEvent } from '../events.js';
import type { ChannelInfo, ChannelRef, CommonState, PlainMessage } from '../telegram/client.js';

/** What the gateway needs of a database. The implementation is `runtime/store/telegram-store.ts`. */

/** A copy of a message as Telegram showed it: new, edited, or seen before. What it is, the store finds out. */
export interface IngestMessage {
  readonly accountId: string;
  readonly message: PlainMessage;
  readonly source: EventSource;
  readonly receivedAt: Date;
  /**
   * The channel's `pts` after this message, or after the slice that it came in: a copy that the stored `pts` covers
   * already is a replay. Null where it came without one.
   */
  readonly pts: number | null;
}

/** Telegram's word that a message is gone. */
export interface IngestDeletion {
  readonly accountId: string;
  readonly channelId: string;
  readonly messageId: string;
  readonly source: EventSource;
  readonly receivedAt: Date;
  /** As in `IngestMessage`. */
  readonly pts: number | null;
}

/** How far a channel has been read. It moves only in the transaction that stores what was read. */
export interface ChannelCursor {
  readonly accountId: string;
  readonly channelId: string;
  readonly pts: number;
  readonly lastMessageId: string | null;
}

/** Ids still to be read from the history: above `untilId` and below `nextId`. */
export interface BackfillRange {
  readonly nextId: string;
  readonly untilId: string;
}

/** Rarer marks of a channel, moved in the transaction that stores what they speak of. What is absent stays as it is. */
export interface ChannelMarks {
  readonly accountId: string;
  readonly channelId: string;
  /** Where to read on, also further back than before: for a channel whose `pts` Telegram has lost, or left behind. */
  readonly pts?: number;
  /** Null: the range is finished. */
  readonly backfill?: BackfillRange | null;
  readonly reconciledId?: string;
  /** Messages that exist and cannot be read. */
  readonly holes?: readonly string[];
  /** Holes that are none any more. */
  readonly mended?: readonly string[];
}

export interface IngestBatch {
  /** In the order in which Telegram gave them, per channel. */
  readonly messages: readonly IngestMessage[];
  /** They follow the messages of the same batch. @default none */
  readonly deletions?: readonly IngestDeletion[];
  readonly cursors: readonly ChannelCursor[];
  /** @default none */
  readonly marks?: readonly ChannelMarks[];
}

export interface StoredEvent {
  readonly outboxId: string;
  readonly event: TelegramEvent;
  /** The one group that is to have it (again). @default null, every group */
  readonly group?: string | null;
}

export interface CommitResult {
  /** Newly stored, in the order of the batch. */
  readonly stored: readonly StoredEvent[];
  /** Copies and deletions that told nothing new. */
  readonly duplicates: number;
}

export type ChannelStatus = 'active' | 'paused' | 'left' | 'gone';

export interface StoredChannel extends ChannelRef {
  readonly accountId: string;
  readonly title: string;
  readonly username: string | null;
  /** Null until the channel was read for the first time. */
  readonly pts: number | null;
  readonly lastMessageId: string | null;
  /** Everything up to here is complete; null until that is known. */
  readonly reconciledId: string | null;
  readonly backfill: BackfillRange | null;
  readonly status: ChannelStatus;
}

/** How a new channel begins. */
export interface FirstRead {
  /** Ids before the newest message that are read from the history. */
  readonly depth: number;
}

export interface MessageStore {
  /** Rejects with LEASE_LOST when another gateway has taken the account over. */
  commitBatch(batch: IngestBatch): Promise<CommitResult>;
  loadChannels(accountId: string): Promise<readonly StoredChannel[]>;
  /** When the account's channels were first recorded; null when they never were. */
  loadAccountSince(accountId: string): Promise<Date | null>;
  upsertChannels(accountId: string, channels: readonly ChannelInfo[], first?: FirstRead): Promise<void>;
  setChannelStatus(accountId: string, channelIds: readonly string[], status: ChannelStatus): Promise<void>;
  /** Ids above `after` and up to `upTo` that are stored and not deleted; of more than `limit` the highest. Ascending. */
  storedIds(channelId: string, after: string, upTo: string, limit: number): Promise<readonly string[]>;
  /** Ids of the account's messages that could not be read, by channel. */
  loadHoles(accountId: string): Promise<ReadonlyMap<string, readonly string[]>>;
  /** Null until the common box was read for the first time. */
  loadCommonState(accountId: string): Promise<CommonState | null>;
  saveCommonState(accountId: string, state: CommonState): Promise<void>;
  /** Waits that are not over, by class of method. */
  loadFloodWaits(accountId: string): Promise<ReadonlyMap<string, Date>>;
  saveFloodWait(accountId: string, methodClass: string, until: Date): Promise<void>;
}
