/**
 * The common box of the account: what Telegram counts outside channels. It tells of channels that were joined, left, or
 * have news which were not pushed; private messages in it are nobody's business here.
 *
 * Promised: its state is stored, and moves only after what it covers was handed on; what is handed on is idempotent.
 * Not promised: the order of `seq`. A container that was lost shows in each channel's own `pts`, or in the next difference.
 * On failure: the stored state stays; every connect, a timer, and the end of a flood wait begin there again. Answers that
 *   say "more follows" and lead nowhere are asked for a few times, then passed over like a box that was not kept.
 */
import type { MessageStore } from '../ingest/message-store.js';
import type { Logger } from '../logger.js';
import { metrics } from '../metrics.js';
import { TelegramError, type CommonState, type UpdateBatch } from './client.js';
import type { RequestBudget, Turn } from './request-budget.js';

export interface CommonBoxOptions {
  readonly accountId: string;
  readonly store: Pick<MessageStore, 'loadCommonState' | 'saveCommonState'>;
  readonly budget: Pick<RequestBudget, 'turn'>;
  readonly onUpdates: (batch: UpdateBatch) => void;
  /** What happened meanwhile cannot be told: every channel may have missed something. */
  readonly onUnknown: (why: string) => void;
  readonly logger: Logger;
}

/** Answers in a row that move nothing and are not the last. */
const MOST_STANDSTILLS = 3;

export class CommonBox {
  #running: Promise<void> | null = null;

  constructor(private readonly options: CommonBoxOptions) {}

  /** Reads on from the stored state. Never rejects. */
  catchUp(): Promise<void> {
    this.#running ??= this.options.budget
      .turn('account', (turn) => this.#catchUp(turn))
      .then(
        () => false,
        (error: unknown) => {
          this.options.logger.warn({ err: error }, 'the common box cannot be read');
          return error instanceof TelegramError && error.kind === 'flood';
        },
      )
      .then((again) => {
        this.#running = null;
        // The turn waits for as long as Telegram wants.
        if (again) void this.catchUp();
      });
    return this.#running;
  }

  async #catchUp(turn: Turn): Promise<void> {
    const { accountId, store, onUpdates } = this.options;
    let state = await store.loadCommonState(accountId);
    for (let standstills = 0; state && standstills < MOST_STANDSTILLS;) {
      const difference = await this.#fetch(turn, state);
      if (difference === null) break;
      if (difference.type === 'empty') {
        await store.saveCommonState(accountId, { ...state, date: difference.date, seq: difference.seq });
        return;
      }
      onUpdates(difference.batch);
      standstills = isSamePlace(state, difference.state) ? standstills + 1 : 0;
      state = difference.state;
      await store.saveCommonState(accountId, state);
      if (difference.final) return;
      if (standstills === MOST_STANDSTILLS) this.#standsStill(state);
    }
    // For the first time, or because the box was not kept: from where it stands now.
    await store.saveCommonState(accountId, await turn.call((port) => port.getState()));
  }

  #standsStill(state: CommonState): void {
    metrics.commonStandstills.inc();
    this.options.logger.error(
      { ...state },
      'the difference of the common box does not move: going on from its present',
    );
    this.options.onUnknown('common difference without progress');
  }

  /** Null when there is no way from that state to the present one. */
  async #fetch(turn: Turn, state: CommonState) {
    try {
      const difference = await turn.call((port) => port.getDifference(state));
      if (difference.type !== 'tooLong') return difference;
      this.options.onUnknown('common difference too long');
    } catch (error) {
      const lost = error instanceof TelegramError && (error.kind === 'unreadable' || error.kind === 'pts-invalid');
      if (!lost) throw error;
      this.options.onUnknown(error.reason);
    }
    return null;
  }
}

function isSamePlace(a: CommonState, b: CommonState): boolean {
  return a.pts === b.pts && a.qts === b.qts && a.seq === b.seq;
}
