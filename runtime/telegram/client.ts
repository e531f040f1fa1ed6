/**
 * The port that hides the Telegram client library. TL classes exist only in the adapter behind it; the rest of
 * the gateway sees plain data: ids as decimal strings, text, raw bytes.
 */

export interface SelfInfo {
  readonly id: string;
  readonly firstName: string;
}

export interface ChannelRef {
  readonly id: string;
  readonly accessHash: string;
}

export interface ChannelInfo extends ChannelRef {
  readonly title: string;
  readonly username: string | null;
  /** The channel's current `pts`; null where the source does not tell. */
  readonly pts: number | null;
  /** The newest message at that `pts`; absent or null where the source does not tell. */
  readonly topMessageId?: string | null;
  /** When the account joined, Unix seconds; absent or null where it is no member, or the source does not tell. */
  readonly joinedAt?: number | null;
  /** What is above this id and not above `topMessageId` is still to be read; absent or null: nothing is. */
  readonly unreadAfterId?: string | null;
}

/** Whom a dialog is with. The access hash of a chat is `0`: it has none. */
export interface ListedPeer {
  readonly type: 'user' | 'chat' | 'channel';
  readonly id: string;
  readonly accessHash: string;
}

/** Where a listing of channels goes on. */
export interface ListingPlace {
  readonly folder: number;
  /** The dialog below which it goes on, with its newest message (date in Unix seconds); null is the top of the folder. */
  readonly below: { readonly date: number; readonly messageId: number; readonly peer: ListedPeer } | null;
}

/** A page of the account's channels. */
export interface ChannelPage {
  readonly channels: readonly ChannelInfo[];
  /** Null behind the last page. */
  readonly next: ListingPlace | null;
  /** False where more follows that cannot be reached. */
  readonly complete: boolean;
}

/** A message as Telegram sent it, without TL classes. */
export interface PlainMessage {
  readonly channelId: string;
  readonly messageId: string;
  /** Unix seconds. */
  readonly date: number;
  readonly editDate: number | null;
  readonly kind: 'message' | 'service';
  /** As sent; may hold U+0000, which the store strips. */
  readonly text: string;
  readonly senderId: string | null;
  readonly groupedId: string | null;
  readonly mediaType: string | null;
  /** Everything else worth keeping, JSON-safe (64-bit numbers as strings). */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The TL bytes, so that a message can be mapped again later. */
  readonly raw: Buffer;
}

/** One channel update that carries `pts`; updates without a message (pins, reads) are `other`. */
export type ChannelUpdate = { readonly channelId: string; readonly pts: number; readonly ptsCount: number } & (
  | { readonly type: 'new'; readonly message: PlainMessage }
  | { readonly type: 'edit'; readonly message: PlainMessage }
  | { readonly type: 'delete'; readonly messageIds: readonly string[] }
  | { readonly type: 'other' }
);

/** One container of updates, undivided and in the server's order. */
export interface UpdateBatch {
  readonly updates: readonly ChannelUpdate[];
  /** Channels of which Telegram says "fetch the difference". */
  readonly tooLong: readonly { readonly channelId: string; readonly pts: number | null }[];
  /** True when the common box must be fetched (`updatesTooLong`). */
  readonly allTooLong: boolean;
  /** Channels described beside the updates. */
  readonly channels: readonly ChannelInfo[];
  /** Channels in which the account's standing changed: joined, left, thrown out. */
  readonly standing: readonly string[];
}

export type ChannelDifference =
  | { readonly type: 'empty'; readonly pts: number; readonly final: boolean; readonly timeoutS: number | null }
  | {
      readonly type: 'slice';
      readonly pts: number;
      readonly final: boolean;
      readonly timeoutS: number | null;
      readonly newMessages: readonly PlainMessage[];
      readonly otherUpdates: readonly ChannelUpdate[];
    }
  | {
      readonly type: 'tooLong';
      /** Of the dialog: where the channel stands now. */
      readonly pts: number;
      /** Of the dialog: the newest message at that `pts`. */
      readonly topMessageId: string;
      readonly timeoutS: number | null;
      /** The latest messages only, not those from our `pts` on. */
      readonly newMessages: readonly PlainMessage[];
    };

/** Where the common box stands: all that Telegram counts outside channels. */
export interface CommonState {
  readonly pts: number;
  readonly qts: number;
  readonly date: number;
  readonly seq: number;
}

export type CommonDifference =
  | { readonly type: 'empty'; readonly date: number; readonly seq: number }
  | { readonly type: 'slice'; readonly state: CommonState; readonly final: boolean; readonly batch: UpdateBatch }
  | { readonly type: 'tooLong'; readonly pts: number };

/** Newest first. */
export interface HistoryPage {
  readonly messages: readonly PlainMessage[];
  /** Lowest id of the page, also of what is not a message any more; null for an empty page. */
  readonly lowestId: string | null;
  /** Where the channel stands; null where the answer does not tell. */
  readonly pts: number | null;
}

export interface HistoryQuery {
  /** Messages below this id; 0 begins at the newest. */
  readonly offsetId: number;
  /** Messages above this id; 0 is no bound. */
  readonly minId: number;
  /** Messages before this time, Unix seconds. @default 0, no bound */
  readonly before?: number;
  /** At most 100. */
  readonly limit: number;
}

/** What became of the messages with certain ids. */
export interface MessagesById {
  readonly found: readonly PlainMessage[];
  /** Deleted, or never there. */
  readonly missing: readonly string[];
  /** Where the channel stands; null where the answer does not tell. */
  readonly pts: number | null;
}

export type ConnectionState = 'connected' | 'disconnected' | 'key-lost';

export interface TelegramPort {
  /** Handshake, `getMe`, `updates.getState`; rejects with a classified `TelegramError`, also on the deadline. */
  connect(deadlineMs: number): Promise<SelfInfo>;
  /** Whole containers, as they are read; the listener is synchronous and must return at once. */
  onUpdates(listener: (batch: UpdateBatch) => void): void;
  /** `connected` once; then one of the others once, after which the port is closed: its owner makes a new one. */
  onState(listener: (state: ConnectionState) => void): void;
  /** Something arrived that could not be read: the caller marks channels dirty. */
  onUnreadable(listener: (where: string) => void): void;
  getState(): Promise<CommonState>;
  getDifference(state: CommonState): Promise<CommonDifference>;
  /** A page of the channels that the account is a member of; null is the first. */
  getChannels(place: ListingPlace | null): Promise<ChannelPage>;
  /** The channel of a public name; null where the name is of something else. */
  resolveChannel(username: string): Promise<ChannelInfo | null>;
  joinChannel(channel: ChannelRef): Promise<void>;
  getChannelDifference(channel: ChannelRef, pts: number, limit: number): Promise<ChannelDifference>;
  getHistory(channel: ChannelRef, query: HistoryQuery): Promise<HistoryPage>;
  /** At most 100 ids. */
  getMessages(channel: ChannelRef, ids: readonly string[]): Promise<MessagesById>;
  /** The channel's current `pts`. */
  getChannelPts(channel: ChannelRef): Promise<number>;
  exportSession(): string;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Whose fault an error is, and so what to do about it. */
export type TelegramErrorKind =
  'flood' | 'auth-fatal' | 'channel-gone' | 'pts-invalid' | 'unreadable' | 'transient' | 'timeout';

export class TelegramError extends Error {
  constructor(
    readonly kind: TelegramErrorKind,
    /** Telegram's own name, for example `FLOOD_WAIT_30`. */
    readonly reason: string,
    /** Seconds to wait, for `flood`. */
    readonly seconds: number | null = null,
    options?: ErrorOptions,
  ) {
    super(`Telegram: ${reason}`, options);
    this.name = 'TelegramError';
  }
}
