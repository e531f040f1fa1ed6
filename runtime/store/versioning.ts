/**
 * What copies and deletions of messages come to, given what is stored: pure, so that every rule of versions and
 * tombstones stands in one place and can be tried by the thousand.
 *
 * Promised, per message, whatever comes in whatever order and however often:
 *   the first copy is version 1, also when it is an edited one already, or an edit of a message never seen;
 *   a later copy is the next version only if its content differs and it was edited no earlier than the stored one, so an
 *     older copy never overwrites a newer one, and a change of views or reactions is nothing;
 *   a deletion is a tombstone and one event, also of a message never seen; after it nothing comes back to life;
 *   version numbers grow by one with each event.
 * Not promised: the versions between two copies, where Telegram shows only the last.
 */
import type { TelegramEvent } from '../events.js';
import type { IngestDeletion, IngestMessage } from '../ingest/message-store.js';
import type { PlainMessage } from '../telegram/client.js';
import { contentHash } from './content-hash.js';
import { cleanMessage } from './clean-message.js';
import { deletionEvent, messageEvent } from './event-of.js';

/** The newest stored version of a message. */
export interface StoredVersion {
  readonly version: number;
  /** When the message was posted. */
  readonly postedAt: Date;
  /** Unix seconds; null for a copy that was never edited. */
  readonly editDate: number | null;
  readonly hash: Buffer;
}

/** What the database holds of the messages and channels of a batch. Keys of messages are made by `messageKey`. */
export interface StoredState {
  readonly versions: ReadonlyMap<string, StoredVersion>;
  readonly deleted: ReadonlySet<string>;
  /** Stored `pts` by channel id. */
  readonly pts: ReadonlyMap<string, number>;
}

export interface NewVersion {
  readonly item: IngestMessage;
  readonly version: number;
  readonly hash: Buffer;
}

/** The rows to write. */
export interface Decision {
  readonly facts: readonly IngestMessage[];
  readonly versions: readonly NewVersion[];
  readonly tombstones: readonly IngestDeletion[];
  /** In order; those of one message by version. */
  readonly events: readonly TelegramEvent[];
  /** Copies and deletions that told nothing new. */
  readonly duplicates: number;
}

export function messageKey(channelId: string, messageId: string): string {
  return `${channelId}:${messageId}`;
}

export function decide(
  messages: readonly IngestMessage[],
  deletions: readonly IngestDeletion[],
  stored: StoredState,
): Decision {
  const decider = new Decider(stored);
  for (const item of messages) decider.see(item);
  for (const item of deletions) decider.remove(item);
  return decider.decision;
}

class Decider {
  readonly #versions: Map<string, StoredVersion>;
  readonly #deleted: Set<string>;
  readonly decision = {
    facts: [] as IngestMessage[],
    versions: [] as NewVersion[],
    tombstones: [] as IngestDeletion[],
    events: [] as TelegramEvent[],
    duplicates: 0,
  };

  constructor(private readonly stored: StoredState) {
    this.#versions = new Map(stored.versions);
    this.#deleted = new Set(stored.deleted);
  }

  see(item: IngestMessage): void {
    const { message } = item;
    const key = messageKey(message.channelId, message.messageId);
    const before = this.#versions.get(key);
    if ((before && this.#isReplay(message.channelId, item.pts)) || this.#deleted.has(key)) {
      this.decision.duplicates += 1;
      return;
    }
    const hash = hashOf(message);
    if (before && (!isNewer(message.editDate, before.editDate) || hash.equals(before.hash))) {
      this.decision.duplicates += 1;
      return;
    }
    const version = before ? before.version + 1 : 1;
    const postedAt = before?.postedAt ?? new Date(message.date * 1_000);
    this.#versions.set(key, { version, postedAt, editDate: message.editDate, hash });
    if (before) this.decision.versions.push({ item, version, hash });
    else this.decision.facts.push(item);
    this.decision.events.push(messageEvent(item, before ? 'message.edited' : 'message.created', version));
  }

  remove(item: IngestDeletion): void {
    const key = messageKey(item.channelId, item.messageId);
    if (this.#deleted.has(key)) {
      this.decision.duplicates += 1;
      return;
    }
    const before = this.#versions.get(key);
    this.#deleted.add(key);
    this.decision.tombstones.push(item);
    this.decision.events.push(deletionEvent(item, (before?.version ?? 0) + 1, before?.postedAt ?? null));
  }

  /** The answer to an earlier commit was lost: all of it is stored. */
  // Only of what is stored: a place that the list of channels told covers nothing that this gateway has read.
  #isReplay(channelId: string, pts: number | null): boolean {
    const reached = this.stored.pts.get(channelId);
    return pts !== null && reached !== undefined && pts <= reached;
  }
}

/** Content changes only with an edit, and an edit has a date; two within one second come in their order. */
function isNewer(editDate: number | null, before: number | null): boolean {
  return editDate !== null && (before === null || editDate >= before);
}

/** As it will be stored, so that it equals the hash of what was read back. */
export function hashOf(message: PlainMessage): Buffer {
  const { text, mediaType, metadata } = cleanMessage(message);
  return contentHash({ text, mediaType, metadata: JSON.parse(metadata) as Record<string, unknown> });
}
