import type { Logger } from '../logger.js';
import { metrics } from '../metrics.js';
import type { StoredChannel } from '../ingest/message-store.js';
import type { ChannelInfo, ChannelUpdate, UpdateBatch } from './client.js';
import type { ChannelWorker } from './channel-worker.js';

/** A channel that sent something and that nobody has introduced yet. */
export interface UnknownChannel {
  readonly channelId: string;
  /** Where its first update began: the place to start reading it. Null where no update told. */
  readonly pts: number | null;
  /** As described beside the update; null where it was not. */
  readonly info: ChannelInfo | null;
  /** The message before that update's own: nothing before it is looked for. Null where the update has none. */
  readonly topMessageId: string | null;
}

export interface IngressOptions {
  readonly createWorker: (channel: StoredChannel) => ChannelWorker;
  /** Told of each unknown channel until it is added, and again where it begins earlier; returns at once. */
  readonly onUnknown: (channel: UnknownChannel) => void;
  /** The account joined, left or was thrown out somewhere; returns at once. */
  readonly onStanding: () => void;
  readonly logger: Logger;
}

/**
 * From the connection into one bounded queue per channel; synchronous, no I/O.
 *
 * Promised: every update of a known, active channel reaches its worker in order; a channel that is not known yet is
 * announced, and read from the first update seen. Not promised: updates of channels that are paused or left (a difference
 * fetches them later), and of anything that is not a channel.
 */
export class UpdateIngress {
  readonly #workers = new Map<string, ChannelWorker>();
  /** Known and not to be read: paused, left. */
  readonly #ignored = new Set<string>();
  /** Where each unknown channel that was announced begins. */
  readonly #announced = new Map<string, number | null>();
  #closed = false;

  constructor(private readonly options: IngressOptions) {}

  get workers(): readonly ChannelWorker[] {
    return [...this.#workers.values()];
  }

  /**
   * The account's channels as they are stored. Each new worker begins with a difference, also one that was paused before:
   * so it catches up from where it stopped.
   */
  sync(channels: readonly StoredChannel[]): void {
    if (this.#closed) return;
    for (const channel of channels) {
      this.#announced.delete(channel.id);
      if (channel.status === 'paused' || channel.status === 'left') this.#ignore(channel.id);
      else this.#read(channel);
    }
  }

  /** The listener of `TelegramPort.onUpdates`. */
  accept(batch: UpdateBatch): void {
    if (this.#closed) return;
    const receivedAt = new Date();
    for (const update of inOrder(batch.updates)) {
      if (update.type === 'new') metrics.received.inc({ source: 'push' });
      const worker = this.#workers.get(update.channelId);
      if (worker) worker.enqueue(update, receivedAt);
      else this.#announce(update.channelId, update.pts - update.ptsCount, batch.channels, update);
    }
    for (const { channelId, pts } of batch.tooLong) {
      const worker = this.#workers.get(channelId);
      if (worker) worker.markDirty(pts);
      else this.#announce(channelId, pts, batch.channels);
    }
    if (batch.allTooLong) this.markAllDirty('updatesTooLong');
    if (batch.standing.length > 0) this.options.onStanding();
  }

  markAllDirty(why: string): void {
    this.options.logger.info({ why, channels: this.#workers.size }, 'fetching the difference of every channel');
    for (const worker of this.#workers.values()) worker.markDirty();
  }

  /** No worker begins after it, whoever is still about to hand over channels. */
  close(): void {
    this.#closed = true;
    for (const worker of this.#workers.values()) worker.close();
  }

  #read(channel: StoredChannel): void {
    this.#ignored.delete(channel.id);
    const known = this.#workers.get(channel.id);
    if (known) {
      const begins = known.state.refresh(channel);
      // Listed since: with a place to begin, or again after Telegram refused it.
      if (begins || (known.gone && channel.status === 'active')) known.markDirty();
      return;
    }
    const worker = this.options.createWorker(channel);
    this.#workers.set(channel.id, worker);
    worker.markDirty();
  }

  #ignore(channelId: string): void {
    this.#ignored.add(channelId);
    this.#workers.get(channelId)?.close();
    this.#workers.delete(channelId);
  }

  #announce(channelId: string, pts: number | null, described: readonly ChannelInfo[], update?: ChannelUpdate): void {
    if (this.#ignored.has(channelId)) return;
    const before = this.#announced.get(channelId);
    if (before !== undefined && !isEarlier(pts, before)) return;
    this.#announced.set(channelId, pts);
    const topMessageId = update?.type === 'new' ? String(Number(update.message.messageId) - 1) : null;
    const info = described.find(({ id }) => id === channelId) ?? null;
    this.options.onUnknown({ channelId, pts, info, topMessageId });
  }
}

/** Two pushes may overtake each other: the place to begin is that of the earlier one. */
function isEarlier(pts: number | null, before: number | null): boolean {
  return pts !== null && (before === null || pts < before);
}

/** The updates of one container by where they begin: the server may put them in another order. */
function inOrder(updates: readonly ChannelUpdate[]): readonly ChannelUpdate[] {
  return updates.length < 2 ? updates : updates.toSorted((a, b) => a.pts - a.ptsCount - (b.pts - b.ptsCount));
}
