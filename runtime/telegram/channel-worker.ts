/**
 * Everything about one channel, strictly one step after the other.
 *
 * Promised: updates are stored in the order of their `pts`, and the `pts` in memory moves only after COMMIT; repeated
 *   ones are dropped; a gap waits half a second, then the difference fetches what is missing; when too much waits, here or
 *   in all channels together, it is dropped and fetched again. While a difference waits for its turn (flood wait, budget),
 *   what is pushed without a gap is stored all the same.
 * Not promised: anything of what Telegram neither pushes nor keeps: see difference.ts, backfill.ts and audit.ts.
 * On failure: nothing moves; a difference from the last committed `pts` follows, with growing pauses. A channel that
 *   Telegram refuses is `gone`, and tried again now and then.
 *
 *               push: next pts ─▶ stored                    page stored, range left
 *                  ┌──────┐                                      ┌──────┐
 *                  ▼      │      gap 0.5 s, dirty, poll          ▼      │
 *   start ──▶ ┌────────────────┐ ─────────────▶ ┌────────────┐  ┌────────────┐
 *             │     active     │                │ difference │  │  backfill  │   (beside live updates,
 *             └────────────────┘ ◀───────────── └────────────┘  └────────────┘    in between them)
 *               ▲  │  ▲            final, or tooLong:   │             ▲
 *     answers   │  │  │            pts := P, range noted└─────────────┘
 *     again     │  │  └── paused ◀─▶ a person; left ◀─▶ the account: no worker, nothing read, pts stays
 *               │  ▼ CHANNEL_PRIVATE, CHANNEL_INVALID
 *             ┌──────┐
 *             │ gone │  every ten minutes, and whenever something is pushed
 *             └──────┘
 */
import type { Logger } from '../logger.js';
import { metrics } from '../metrics.js';
import { Backlog } from './backlog.js';
import type { ChannelState } from './channel-state.js';
import { TelegramError, type ChannelUpdate } from './client.js';
import { PendingUpdates, type Pending } from './pending-updates.js';
import type { RequestBudget, Turn } from './request-budget.js';
import { passes, Retry, type RetryPauses } from './retry.js';

export interface WorkerOptions {
  readonly state: ChannelState;
  /** Reads on from the committed `pts`; returns the seconds after which Telegram wants to be asked again, if it told. */
  readonly readOn: (state: ChannelState, turn: Turn) => Promise<number | null>;
  readonly budget: Pick<RequestBudget, 'turn'>;
  readonly logger: Logger;
  /** The account can no longer be used. */
  readonly onFatal: (error: TelegramError) => void;
  /** Telegram refuses the channel, or no longer does. */
  readonly onGone?: (gone: boolean) => void;
  /** Whether it was refused when the gateway last ran. @default false */
  readonly gone?: boolean;
  /** Updates of this channel waiting at most; one more drops them all for a difference. @default 10000 */
  readonly capacity?: number;
  /** Shared by all channels, with the same effect when it is full. @default one of its own */
  readonly backlog?: Backlog;
  /** How long a gap may wait for the missing update. @default 500 */
  readonly gapWaitMs?: number;
  /** Before a failed difference is tried again. */
  readonly retryMs?: RetryPauses;
}

export class ChannelWorker {
  readonly state: ChannelState;
  readonly #pending: PendingUpdates;
  readonly #retry: Retry;
  /** Steps beside the updates, each when its turn has come. */
  readonly #steps: (() => Promise<void>)[] = [];
  /** The difference that waits for its turn or runs. */
  #requested: Promise<void> | null = null;
  #dirty = false;
  #running = false;
  #closed = false;
  #gone: boolean;
  #timeoutS: number | null = null;
  #heardAt = performance.now();
  #gapTimer: NodeJS.Timeout | undefined;

  constructor(private readonly options: WorkerOptions) {
    this.state = options.state;
    this.#pending = new PendingUpdates(options.capacity ?? 10_000, options.backlog ?? new Backlog());
    this.#retry = new Retry(() => {
      this.markDirty();
    }, options.retryMs);
    this.#gone = options.gone ?? false;
  }

  /** True while something may be missing that no difference has fetched yet. */
  get dirty(): boolean {
    return this.#dirty;
  }

  /** True while Telegram refuses the channel. */
  get gone(): boolean {
    return this.#gone;
  }

  /** True when nothing waits and nothing is under way. */
  get idle(): boolean {
    const waiting = this.#pending.size + this.#steps.length > 0 || this.#retry.waiting;
    return !this.#running && !this.#dirty && !waiting && this.#requested === null;
  }

  /** When an update without a gap or an answer of Telegram last said that nothing is missing, by `performance.now()`. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Seconds after which Telegram wants to be asked again; null when it did not tell. */
  get timeoutS(): number | null {
    return this.#timeoutS;
  }

  /** Synchronous and bounded. */
  enqueue(update: ChannelUpdate, receivedAt: Date): void {
    if (this.#closed) return;
    if (this.#pending.add(update, receivedAt)) {
      // Whoever pushes lets himself be read.
      if (this.#gone) this.markDirty();
      this.#wake();
      return;
    }
    this.#pending.clear();
    // Once, not for each update that comes while it stays so.
    if (this.#dirty) return;
    this.options.logger.warn({ channelId: this.state.id }, 'too many updates wait: fetching them again later');
    this.markDirty();
  }

  /** Something may have been missed: a difference comes next. `pts` is where a channel never read before begins. */
  markDirty(pts: number | null = null): void {
    if (this.#closed) return;
    if (pts !== null) this.state.beginAt(pts);
    this.#dirty = true;
    this.#clearTimers();
    void this.#request();
  }

  /** A difference, as soon as the budget allows. Resolves when it is over, however it went. */
  async poll(): Promise<void> {
    this.markDirty();
    await this.#request();
  }

  /** Runs a step between two updates; resolves or rejects with it. Left out once the worker is closed. */
  exclusive(step: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#steps.push(() => (this.#closed ? Promise.resolve() : step()).then(resolve, reject));
      this.#wake();
    });
  }

  /** Tells what a step beside the updates met: the channel may be gone, the account lost. The rest is its owner's. */
  stepFailed(error: unknown): void {
    const kind = error instanceof TelegramError ? error.kind : null;
    if (kind === 'channel-gone' || kind === 'auth-fatal') this.#fail(error);
  }

  close(): void {
    this.#closed = true;
    this.#clearTimers();
    this.#pending.clear();
    // Nobody waits for them in vain.
    this.#wake();
  }

  #request(): Promise<void> {
    this.#requested ??= this.options.budget
      .turn('difference', (turn) => this.exclusive(() => this.#readOn(turn)))
      .catch((error: unknown) => {
        this.#fail(error);
      })
      .finally(() => {
        this.#requested = null;
        if (this.#dirty && !this.#closed && !this.#retry.waiting) void this.#request();
      });
    return this.#requested;
  }

  #wake(): void {
    if (this.#running) return;
    this.#running = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    // Lets the rest of a container arrive first, so that it is stored in one piece.
    await Promise.resolve();
    for (;;) {
      const run = this.#closed ? [] : this.#takeContiguous();
      if (run.length > 0) await this.#apply(run);
      const step = this.#steps.shift();
      if (step) await step();
      else if (run.length === 0) break;
    }
    // In the same step as the last look at the queue, or an update arriving in between would wake nobody.
    this.#running = false;
    this.#watchGap();
  }

  #takeContiguous(): Pending[] {
    const beginning = this.#pending.beginning;
    if (beginning === null) return [];
    this.state.beginAt(beginning);
    return this.#pending.takeContiguous(this.state.pts ?? beginning);
  }

  async #apply(run: readonly Pending[]): Promise<void> {
    clearTimeout(this.#gapTimer);
    this.#gapTimer = undefined;
    try {
      await this.state.commit(this.state.pushed(run));
      this.#heardAt = performance.now();
    } catch (error) {
      // They are read again by the difference, from the `pts` that did not move.
      this.#fail(error);
    } finally {
      this.#pending.settled(run);
    }
  }

  async #readOn(turn: Turn): Promise<void> {
    if (this.#closed || !this.#dirty || this.state.pts === null) {
      this.#dirty = false;
      return;
    }
    this.#dirty = false;
    // Whatever was pushed until now is part of the difference.
    this.#pending.clear();
    try {
      this.#timeoutS = await this.options.readOn(this.state, turn);
      this.#heardAt = performance.now();
      this.#retry.succeeded();
      this.#setGone(false);
    } catch (error) {
      this.#fail(error);
    }
    this.#pending.dropUpTo(this.state.pts);
  }

  /** A gap is not an error yet: updates overtake each other. */
  #watchGap(): void {
    if (this.#pending.size === 0 || this.#gapTimer || this.#closed || this.#dirty) return;
    this.#gapTimer = setTimeout(() => {
      this.markDirty();
    }, this.options.gapWaitMs ?? 500);
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    if (isAbort(error)) {
      // The gateway stops: whoever asked again would be told the same at once, for ever.
      this.close();
      return;
    }
    const kind = error instanceof TelegramError ? error.kind : 'refused';
    if (error instanceof TelegramError && kind === 'auth-fatal') {
      this.options.onFatal(error);
      return;
    }
    this.#dirty = true;
    // The budget has noted how long: the next turn comes after it.
    if (kind === 'flood') return;
    if (kind === 'channel-gone') this.#setGone(true);
    const retryInMs = this.#retry.later(kind);
    if (!passes(kind)) metrics.failed.inc({ stage: kind });
    const level = passes(kind) ? 'debug' : 'error';
    this.options.logger[level]({ err: error, channelId: this.state.id, retryInMs }, 'channel cannot be read on');
  }

  #setGone(gone: boolean): void {
    if (gone === this.#gone) return;
    this.#gone = gone;
    this.options.onGone?.(gone);
  }

  #clearTimers(): void {
    clearTimeout(this.#gapTimer);
    this.#gapTimer = undefined;
    this.#retry.cancel();
  }
}

/** Of whatever realm it is, where `instanceof` would not know it. */
function isAbort(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'name' in error && error.name === 'AbortError';
}
