import type { Submission } from '../ingest/batch.js';
import { isRefusal } from '../ingest/commit.js';
import type {
  BackfillRange,
  ChannelMarks,
  IngestDeletion,
  IngestMessage,
  StoredChannel,
} from '../ingest/message-store.js';
import type { EventSource } from '../events.js';
import type { Logger } from '../logger.js';
import { metrics } from '../metrics.js';
import type { ChannelRef, PlainMessage } from './client.js';
import type { Pending } from './pending-updates.js';

/** What is stored together, or not at all. */
export interface Piece {
  readonly messages?: readonly IngestMessage[];
  readonly deletions?: readonly IngestDeletion[];
  /** How far the channel has been read with this; absent when that does not change. */
  readonly pts?: number;
  readonly marks?: Omit<ChannelMarks, 'accountId' | 'channelId'>;
}

export interface ChannelStateOptions {
  readonly accountId: string;
  readonly channel: StoredChannel;
  /** Resolves after COMMIT. */
  readonly submit: (submission: Submission) => Promise<void>;
  readonly logger: Logger;
}

/**
 * What is committed of one channel.
 *
 * Promised: it changes only after COMMIT, and then as the database did. On failure: nothing changes; a message that the
 * database refuses for its contents is noted as a hole instead, so that it does not hold up the channel behind it.
 */
export class ChannelState {
  #ref: ChannelRef;
  #pts: number | null;
  #lastId: string | null;
  #reconciledId: string | null;
  #backfill: BackfillRange | null;

  constructor(private readonly options: ChannelStateOptions) {
    const { channel } = options;
    this.#ref = { id: channel.id, accessHash: channel.accessHash };
    this.#pts = channel.pts;
    this.#lastId = channel.lastMessageId;
    this.#reconciledId = channel.reconciledId;
    this.#backfill = channel.backfill;
  }

  get ref(): ChannelRef {
    return this.#ref;
  }

  get id(): string {
    return this.#ref.id;
  }

  /** Null until the channel was read for the first time. */
  get pts(): number | null {
    return this.#pts;
  }

  /** Highest id read by `pts`; null when that is not known. */
  get lastId(): string | null {
    return this.#lastId;
  }

  /** Everything up to here is complete; null until that is known. */
  get reconciledId(): string | null {
    return this.#reconciledId;
  }

  get backfill(): BackfillRange | null {
    return this.#backfill;
  }

  /** Where a channel never read before begins; without effect on any other. */
  beginAt(pts: number): void {
    this.#pts ??= pts;
  }

  /**
   * What somebody else changed in the database: how the channel is addressed, a range that a person asked for, and a mark of
   * the reconciler that was set back. A copy that was read just before a commit may set it back too: then a page is compared twice.
   * A channel that was never read begins where the copy says; true when it does.
   */
  refresh({ id, accessHash, pts, lastMessageId, backfill, reconciledId }: StoredChannel): boolean {
    this.#ref = { id, accessHash };
    this.#backfill ??= backfill;
    if (this.#pts === null && pts !== null) {
      [this.#pts, this.#lastId, this.#reconciledId] = [pts, lastMessageId, reconciledId];
      return true;
    }
    if (reconciledId !== null && Number(reconciledId) < Number(this.#reconciledId)) this.#reconciledId = reconciledId;
    return false;
  }

  /** Copies as read just now; `pts` is that of the slice which they came in. */
  copies(messages: readonly PlainMessage[], source: EventSource, pts: number | null = null): IngestMessage[] {
    const { accountId } = this.options;
    const receivedAt = new Date();
    metrics.received.inc({ source }, messages.length);
    return messages.map((message) => ({ accountId, message, source, receivedAt, pts }));
  }

  /** What was pushed, in the order of `pts`. */
  pushed(run: readonly Pending[]): Piece {
    const { accountId } = this.options;
    const messages: IngestMessage[] = [];
    const deletions: IngestDeletion[] = [];
    for (const { update, receivedAt } of run) {
      const common = { accountId, source: 'push', receivedAt, pts: update.pts } as const;
      if ('message' in update) messages.push({ ...common, message: update.message });
      if (update.type !== 'delete') continue;
      for (const messageId of update.messageIds) deletions.push({ ...common, channelId: this.id, messageId });
    }
    const pts = run.at(-1)?.update.pts;
    return { messages, deletions, ...(pts !== undefined && { pts }) };
  }

  deletions(ids: readonly string[], source: EventSource, pts: number | null = null): IngestDeletion[] {
    const { accountId } = this.options;
    const receivedAt = new Date();
    return ids.map((messageId) => ({ accountId, channelId: this.id, messageId, source, receivedAt, pts }));
  }

  /** Resolves after COMMIT. */
  async commit(piece: Piece): Promise<void> {
    try {
      await this.#store(piece);
    } catch (error) {
      if (!isRefusal(error) || (piece.messages ?? []).length === 0) throw error;
      await this.#storeWhatCanBe(piece);
    }
  }

  async #store(piece: Piece, lastMessageId = highestId(piece.messages ?? [])): Promise<void> {
    const { messages = [], deletions = [], pts } = piece;
    const { accountId, submit } = this.options;
    const lastId = pts === undefined || lastMessageId === null ? this.#lastId : higher(this.#lastId, lastMessageId);
    // Of a channel whose beginning nobody told, what is before the first messages read is not looked for.
    const begun = this.#reconciledId === null && piece.marks?.reconciledId === undefined ? lastId : null;
    const marks = begun === null ? piece.marks : { ...piece.marks, reconciledId: begun };
    const identity = { accountId, channelId: this.id };
    if (messages.length + deletions.length > 0 || marks !== undefined || (pts !== undefined && pts !== this.#pts))
      await submit({
        messages,
        ...(deletions.length > 0 && { deletions }),
        cursor: pts === undefined ? null : { ...identity, pts, lastMessageId },
        ...(marks && { marks: { ...identity, ...marks } }),
      });
    this.#pts = marks?.pts ?? pts ?? this.#pts;
    this.#lastId = lastId;
    this.#reconciledId = marks?.reconciledId ?? this.#reconciledId;
    if (marks?.backfill !== undefined) this.#backfill = marks.backfill;
  }

  /** One message at a time; what is refused alone becomes a hole, and the rest goes on as if it had been stored. */
  async #storeWhatCanBe({ messages = [], marks, ...rest }: Piece): Promise<void> {
    const holes: string[] = [];
    for (const item of messages) {
      try {
        await this.#store({ messages: [item] });
      } catch (error) {
        if (!isRefusal(error)) throw error;
        const { messageId } = item.message;
        holes.push(messageId);
        metrics.failed.inc({ stage: 'refused' });
        this.options.logger.error({ err: error, channelId: this.id, messageId }, 'the database refuses a message');
      }
    }
    const all = { ...marks, holes: [...(marks?.holes ?? []), ...holes] };
    await this.#store({ ...rest, marks: all }, highestId(messages));
  }
}

function highestId(messages: readonly IngestMessage[]): string | null {
  return messages.reduce<string | null>((highest, { message }) => higher(highest, message.messageId), null);
}

/** Message ids are 32 bits wide. */
function higher(a: string | null, b: string): string {
  return a !== null && Number(a) > Number(b) ? a : b;
}
