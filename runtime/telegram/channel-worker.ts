import type { Submission } from '../ingest/batch.js';
import type { Logger } from '../logger.js';
import { metrics } from '../metrics.js';
import { Backlog } from './backlog.js';
import { TelegramError, type ChannelRef, type ChannelUpdate, type PlainMessage } from './client.js';
import { comparePts } from './pts.js';
import type { Recovery } from './recovery.js';

/** Most updates handed to ingest at once: one batch. */
const MAX_RUN = 500;

export interface WorkerOptions {
  readonly accountId: string;
  readonly channel: ChannelRef;
  /** As stored; null for a channel that was never read. */
  readonly pts: number | null;
  /** Resolves after COMMIT. */
  readonly submit: (submission: Submission) => Promise<void>;
  readonly recovery: Pick<Recovery, 'run'>;
  readonly logger: Logger;
  /** The account can no longer be used. */
  readonly onFatal: (error: TelegramError) => void;
  /** Updates of this channel waiting at most; one more drops them all for a difference. @default 10000 */
  readonly capacity?: number;
  /** Shared by all channels, with the same effect when it is full. @default one of its own */
  readonly backlog?: Backlog;
  /** How long a gap may wait for the missing update. @default 500 */
  readonly gapWaitMs?: number;
  /** First and longest pause before a failed difference is tried again. @default 1000 and 30000 */
  readonly retryMs?: { readonly first: number; readonly longest: number };
}

interface Pending {
  readonly update: ChannelUpdate;
  readonly receivedAt: Date;
}

/**
 * Everything about one channel, strictly one step after the other.
 *
 * Promised: updates are stored in the order of their `pts`, and the `pts` in memory moves only after COMMIT; repeated
 * ones are dropped; a gap waits half a second, then the difference fetches what is missing; when too much waits, here or
 * in all channels together, it is dropped and fetched again. Not promised yet: edits and deletions move `pts` and are not stored.
 * On failure: nothing moves; a difference from the last committed `pts` follows, with growing pauses.
 */
export class ChannelWorker {
  /** Sorted by where each update begins, `pts - ptsCount`. */
  #pending: Pending[] = [];
  #pts: number | null;
  #dirty = false;
  #running = false;
  #closed = false;
  #failures = 0;
  #gapTimer: NodeJS.Timeout | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  readonly #capacity: number;
  readonly #backlog: Backlog;
  readonly #retryMs: { first: number; longest: number };

  constructor(private readonly options: WorkerOptions) {
    this.#pts = options.pts;
    this.#capacity = options.capacity ?? 10_000;
    this.#backlog = options.backlog ?? new Backlog();
    this.#retryMs = options.retryMs ?? { first: 1_000, longest: 30_000 };
  }

  /** What has been committed. */
  get pts(): number | null {
    return this.#pts;
  }

  get channelId(): string {
    return this.options.channel.id;
  }

  /** True while something may be missing that no difference has fetched yet. */
  get dirty(): boolean {
    return this.#dirty;
  }

  /** True when nothing waits and nothing is under way. */
  get idle(): boolean {
    return !this.#running && !this.#dirty && this.#pending.length === 0 && this.#retryTimer === undefined;
  }

  /** Synchronous and bounded. */
  enqueue(update: ChannelUpdate, receivedAt: Date): void {
    if (this.#closed) return;
    if (this.#pending.length >= this.#capacity || this.#backlog.full) {
      const { logger, channel } = this.options;
      // Once, not for each update that comes while it stays so.
      if (!this.#dirty) logger.warn({ channelId: channel.id }, 'too many updates wait: fetching them again later');
      this.#keep(() => false);
      this.markDirty();
      return;
    }
    const start = beginning(update);
    let at = this.#pending.length;
    while (at > 0 && beginning((this.#pending[at - 1] as Pending).update) > start) at -= 1;
    this.#pending.splice(at, 0, { update, receivedAt });
    this.#backlog.add(update);
    this.#wake();
  }

  /** Something may have been missed: a difference comes next. `pts` is where a channel never read before begins. */
  markDirty(pts: number | null = null): void {
    if (this.#closed) return;
    this.#pts ??= pts;
    this.#dirty = true;
    this.#clearTimers();
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    this.#clearTimers();
    this.#keep(() => false);
  }

  #wake(): void {
    if (this.#running || this.#closed) return;
    this.#running = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    // Lets the rest of a container arrive first, so that it is stored in one piece.
    await Promise.resolve();
    while (!this.#closed) {
      if (this.#dirty) await this.#recover();
      const run = this.#takeContiguous();
      if (run.length > 0) await this.#apply(run);
      else if (!this.#dirty) break;
    }
    // In the same step as the last look at the queue, or an update arriving in between would wake nobody.
    this.#running = false;
    this.#watchGap();
  }

  /**
   * The updates that follow each other without a gap, from where we stand; repeated ones are dropped on the way. They stay
   * part of the backlog until they are committed.
   */
  #takeContiguous(): Pending[] {
    const first = this.#pending[0];
    if (!first) return [];
    let pts = (this.#pts ??= beginning(first.update));
    const run: Pending[] = [];
    let looked = 0;
    for (const item of this.#pending) {
      if (run.length === MAX_RUN) break;
      const verdict = comparePts(pts, item.update.pts, item.update.ptsCount);
      if (verdict === 'gap') break;
      looked += 1;
      if (verdict === 'duplicate') {
        metrics.duplicates.inc({ stage: 'pts' });
        continue;
      }
      run.push(item);
      pts = item.update.pts;
    }
    const taken = new Set(run);
    this.#drop(this.#pending.slice(0, looked).filter((item) => !taken.has(item)));
    this.#pending = this.#pending.slice(looked);
    return run;
  }

  async #apply(run: readonly Pending[]): Promise<void> {
    clearTimeout(this.#gapTimer);
    this.#gapTimer = undefined;
    const { accountId } = this.options;
    const messages = run.flatMap(({ update, receivedAt }) =>
      update.type === 'new'
        ? [{ accountId, message: update.message, source: 'push' as const, receivedAt, pts: update.pts }]
        : [],
    );
    const pts = run.at(-1)?.update.pts ?? this.#pts ?? 0;
    try {
      await this.#commit(messages, pts);
    } catch (error) {
      // They are read again by the difference, from the `pts` that did not move.
      this.#retryLater(error);
    } finally {
      this.#drop(run);
    }
  }

  async #commit(messages: Submission['messages'], pts: number): Promise<void> {
    if (messages.length > 0 || pts !== this.#pts) {
      const { accountId, channel } = this.options;
      const lastMessageId = highestId(messages.map(({ message }) => message));
      await this.options.submit({ messages, cursor: { accountId, channelId: channel.id, pts, lastMessageId } });
    }
    this.#pts = pts;
  }

  async #recover(): Promise<void> {
    this.#dirty = false;
    const { channel, accountId, recovery } = this.options;
    if (this.#pts === null) return;
    // Whatever was pushed until now is part of the difference.
    this.#keep(() => false);
    try {
      await recovery.run(channel, this.#pts, async ({ pts, messages }) => {
        const receivedAt = new Date();
        const items = messages.map((message) => ({
          accountId,
          message,
          source: 'difference' as const,
          receivedAt,
          pts: null,
        }));
        await this.#commit(items, pts);
      });
      this.#failures = 0;
    } catch (error) {
      this.#retryLater(error);
    }
    const reached = this.#pts;
    this.#keep(({ update }) => update.pts > reached);
  }

  /** A gap is not an error yet: updates overtake each other. */
  #watchGap(): void {
    if (this.#pending.length === 0 || this.#gapTimer || this.#closed || this.#retryTimer) return;
    this.#gapTimer = setTimeout(() => {
      this.markDirty();
    }, this.options.gapWaitMs ?? 500);
  }

  #retryLater(error: unknown): void {
    if (this.#closed || (error instanceof Error && error.name === 'AbortError')) return;
    const { channel, logger, onFatal } = this.options;
    const kind = error instanceof TelegramError ? error.kind : 'refused';
    if (error instanceof TelegramError && kind === 'auth-fatal') {
      onFatal(error);
      return;
    }
    const passing = kind === 'transient' || kind === 'timeout' || kind === 'flood';
    const pauseMs = passing
      ? Math.min(this.#retryMs.first * 2 ** this.#failures, this.#retryMs.longest)
      : this.#retryMs.longest;
    this.#failures += 1;
    if (!passing) metrics.failed.inc({ stage: kind });
    logger[passing ? 'debug' : 'error'](
      { err: error, channelId: channel.id, retryInMs: pauseMs },
      'channel cannot be read on',
    );
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => {
      this.markDirty();
    }, pauseMs);
  }

  /** Drops what waits but for what is wanted. */
  #keep(wanted: (item: Pending) => boolean): void {
    this.#drop(this.#pending.filter((item) => !wanted(item)));
    this.#pending = this.#pending.filter(wanted);
  }

  #drop(items: readonly Pending[]): void {
    this.#backlog.remove(items.map(({ update }) => update));
  }

  #clearTimers(): void {
    clearTimeout(this.#gapTimer);
    clearTimeout(this.#retryTimer);
    this.#gapTimer = undefined;
    this.#retryTimer = undefined;
  }
}

function beginning(update: ChannelUpdate): number {
  return update.pts - update.ptsCount;
}

function highestId(messages: readonly PlainMessage[]): string | null {
  if (messages.length === 0) return null;
  // Message ids are 32 bits wide.
  return String(Math.max(...messages.map(({ messageId }) => Number(messageId))));
}
