/** What a run has seen, and what is wrong with it. */
import type { Gap } from '../../runtime/simulator/gaps.js';
import type { Showing } from '../../runtime/simulator/shown.js';
import type { TrueMessage } from '../../runtime/simulator/truth.js';

export type Truth = TrueMessage & { readonly channelId: string };

/** What the database holds of one message; `versions` by version number, the first as it was stored first. */
export interface StoredMessage {
  readonly channelId: string;
  readonly messageId: string;
  readonly kind: string;
  readonly versions: readonly { readonly version: number; readonly text: string; readonly mediaType: string | null }[];
  readonly deleted: boolean;
}

export interface PublishedEvent {
  readonly copies: number;
  readonly text: string;
}

export interface Evidence {
  readonly truth: readonly Truth[];
  readonly stored: readonly StoredMessage[];
  /** By event id. */
  readonly published: ReadonlyMap<string, PublishedEvent>;
  /** By group, then how often the effect of each event happened, by event id. */
  readonly effects: Readonly<Record<string, ReadonlyMap<string, number>>>;
  /** Where the gateway was sent on without being shown everything. */
  readonly gaps: readonly Gap[];
  /** What it was shown otherwise than by pushes. */
  readonly showings: readonly Showing[];
}

export interface Finding {
  readonly what:
    | ('missing' | 'altered' | 'skipped' | 'not deleted' | 'deleted in error' | 'unknown message')
    | (
        | 'unpublished'
        | 'published altered'
        | 'unknown event published'
        | 'unhandled'
        | 'doubled'
        | 'unknown event handled'
      );
  /** Channel and message, or the event id. */
  readonly of: string;
  readonly detail: string;
}
