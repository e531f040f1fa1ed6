/**
 * What is done for channels without anything having been pushed: polling, history, reconciling, and looking after the list.
 *
 * Promised: every channel is asked for its difference when it was silent for the poll interval, or for as long as Telegram
 *   wants, the longest silent first; ranges of the history are read one page at a time, channel by channel in turn; every
 *   channel is audited, and each of its holes tried again, once an interval. All of it inside the request budget: with more channels than the budget serves,
 *   intervals grow, and nothing is left out.
 * Not promised: that an interval is kept to the second.
 * On failure: the channel is passed over for a while.
 */
import { setImmediate as others, setTimeout as delay } from 'node:timers/promises';
import type { MessageStore } from '../ingest/message-store.js';
import type { Logger } from '../logger.js';
import { metrics } from '../metrics.js';
import { auditPage, canAudit, mendHoles } from './audit.js';
import { backfillPage } from './backfill.js';
import type { ChannelWorker } from './channel-worker.js';
import { TelegramError } from './client.js';
import { HoleRounds } from './hole-rounds.js';
import type { RequestBudget, Turn } from './request-budget.js';
import { passes } from './retry.js';

export interface UpkeepIntervals {
  /** A silent channel is asked for its difference. @default 30000 */
  readonly pollMs?: number;
  /** The ids of a channel are compared with Telegram's, and its holes are tried once more. @default 600000 */
  readonly auditMs?: number;
  /** The common box is read and the channels are listed. @default 900000 */
  readonly accountMs?: number;
  /** The stored channels are looked at, for what a person changed. @default 5000 */
  readonly reloadMs?: number;
  /** How often it is looked whether something is due. @default 500 */
  readonly tickMs?: number;
  /** A channel whose history could not be read is passed over for this long. @default 30000 */
  readonly pauseMs?: number;
}

const DEFAULTS = {
  pollMs: 30_000,
  auditMs: 600_000,
  accountMs: 900_000,
  reloadMs: 5_000,
  tickMs: 500,
  pauseMs: 30_000,
};

/** After a lost connection, for example; a flood wait is the budget's. */
const PASSING_PAUSE_MS = 1_000;

export interface UpkeepOptions {
  readonly accountId: string;
  readonly workers: () => readonly ChannelWorker[];
  readonly online: () => boolean;
  readonly store: Pick<MessageStore, 'storedIds' | 'loadHoles'>;
  readonly budget: Pick<RequestBudget, 'turn'>;
  /** The stored channels. */
  readonly reload: () => Promise<void>;
  /** Common box and list of channels. */
  readonly account: () => void;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly intervals?: UpkeepIntervals;
}

export class Upkeep {
  readonly #intervals: Required<UpkeepIntervals>;
  /** When a channel was last audited, or passed over, by `performance.now()`. */
  readonly #auditedAt = new WeakMap<ChannelWorker, number>();
  readonly #pausedUntil = new WeakMap<ChannelWorker, number>();
  /** Whose turn it was last, so that the others come first. */
  readonly #filledAt = new WeakMap<ChannelWorker, number>();
  readonly #holes: HoleRounds;

  constructor(private readonly options: UpkeepOptions) {
    this.#intervals = { ...DEFAULTS, ...options.intervals };
    this.#holes = new HoleRounds(this.#intervals.auditMs);
  }

  start(): void {
    void this.#loop(() => this.#poll());
    void this.#loop(() => this.#fill());
    void this.#loop(() => this.#audit());
    void this.#every(this.#intervals.reloadMs, () => this.#lookAfter());
    void this.#every(this.#intervals.accountMs, () => {
      if (this.options.online()) this.options.account();
      return Promise.resolve();
    });
  }

  /** The channel that was silent for longest beyond its interval. */
  async #poll(): Promise<boolean> {
    const now = performance.now();
    const due = this.#first(({ heardAt, timeoutS, gone, dirty, state }) => {
      if (gone || dirty || state.pts === null) return null;
      const overdue = now - heardAt - Math.max(this.#intervals.pollMs, (timeoutS ?? 0) * 1_000);
      return overdue >= 0 ? -overdue : null;
    });
    await due?.poll();
    return due !== null;
  }

  /** One page of the history of the channel that waits for longest. */
  async #fill(): Promise<boolean> {
    const now = performance.now();
    const next = this.#first((worker) =>
      worker.gone || worker.state.backfill === null || (this.#pausedUntil.get(worker) ?? 0) > now
        ? null
        : (this.#filledAt.get(worker) ?? 0),
    );
    if (!next) return false;
    this.#filledAt.set(next, now);
    const { store, logger } = this.options;
    await this.#step(next, (turn) => backfillPage(next.state, { turn, store, logger }));
    return true;
  }

  async #audit(): Promise<boolean> {
    const now = performance.now();
    const due = this.#first((worker) => {
      const at = this.#auditedAt.get(worker) ?? 0;
      if (worker.gone || (this.#pausedUntil.get(worker) ?? 0) > now) return null;
      if (this.#holes.due(worker, now).length > 0) return at;
      return canAudit(worker.state) && now - at >= this.#intervals.auditMs ? at : null;
    });
    if (!due) return false;
    await this.#step(due, (turn) => this.#auditPage(due, turn));
    return true;
  }

  async #auditPage(worker: ChannelWorker, turn: Turn): Promise<void> {
    const { store } = this.options;
    const holes = this.#holes.due(worker, performance.now());
    if (holes.length > 0) {
      try {
        await mendHoles(worker.state, turn, holes);
      } finally {
        // What fails each time must not keep the channel from its audits.
        this.#holes.tried(worker, holes, performance.now());
      }
      return;
    }
    const pts = await auditPage(worker.state, { turn, store });
    // Until it is through, the channel stays due.
    if (!canAudit(worker.state)) this.#auditedAt.set(worker, performance.now());
    if (pts !== null && worker.state.pts !== null && pts > worker.state.pts) worker.markDirty();
  }

  async #step(worker: ChannelWorker, step: (turn: Turn) => Promise<void>): Promise<void> {
    const { budget, logger, signal } = this.options;
    try {
      await budget.turn('history', (turn) => worker.exclusive(() => step(turn)));
    } catch (error) {
      if (signal.aborted) return;
      const passing = error instanceof TelegramError && passes(error.kind);
      const pauseMs = Math.min(this.#intervals.pauseMs, passing ? PASSING_PAUSE_MS : Infinity);
      this.#pausedUntil.set(worker, performance.now() + pauseMs);
      const level = passing ? 'debug' : 'warn';
      logger[level]({ err: error, channelId: worker.state.id }, 'the history of a channel cannot be read');
      worker.stepFailed(error);
    }
  }

  async #lookAfter(): Promise<void> {
    const { workers, reload, store, accountId } = this.options;
    const all = workers();
    const count = (state: string, holds: (worker: ChannelWorker) => boolean) => {
      metrics.channels.set({ state }, all.filter(holds).length);
    };
    count('active', ({ gone }) => !gone);
    count('gone', ({ gone }) => gone);
    count('backfilling', ({ state }) => state.backfill !== null);
    await reload();
    this.#holes.holes = await store.loadHoles(accountId);
    metrics.holes.set(this.#holes.count);
  }

  /** The worker with the least rank; null ranks are left out. */
  #first(rank: (worker: ChannelWorker) => number | null): ChannelWorker | null {
    let first: { worker: ChannelWorker; at: number } | null = null;
    for (const worker of this.options.workers()) {
      const at = rank(worker);
      if (at !== null && (first === null || at < first.at)) first = { worker, at };
    }
    return first?.worker ?? null;
  }

  /** Works for as long as something is due, and looks again after a tick. */
  async #loop(work: () => Promise<boolean>): Promise<void> {
    const { signal, online } = this.options;
    while (!signal.aborted) {
      if (online() && (await work())) {
        // Work that ends at once must not keep everybody else from theirs.
        await others();
        continue;
      }
      await delay(this.#intervals.tickMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #every(ms: number, work: () => Promise<void>): Promise<void> {
    const { signal, logger } = this.options;
    for (;;) {
      await delay(ms, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await work().catch((error: unknown) => {
        logger.debug({ err: error }, 'stored channels cannot be read');
      });
    }
  }
}
