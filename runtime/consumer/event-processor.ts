/**
 * Runs the handler on events, in batches: what arrived while the previous batch was committing is the next one.
 *
 * Promised: per event and group, work row, effects in `tx` and outcome commit together or not at all; an event whose
 *   work row is gone was finished before and is not handled again; one bad event does not spoil its neighbours for good.
 * Not promised: one call of the handler an event; order across retries.
 * On failure: a batch that fails is repeated one event at a time. The event that fails alone is counted in its work row
 *   and rejects. While the database is away nothing fails: the batch waits and is repeated.
 *
 *   process() → waiting → [begin, claim, handle each, finish, commit] → resolves
 *                              | any error: rollback, each alone
 *                              | 3 s over: commit, what is left goes into the next batch
 *                              | somebody holds a row: rollback, later
 *                              | database away: rollback, pause, again
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { TelegramEvent } from '../events.js';
import type { Logger } from '../logger.js';
import { metrics } from '../metrics.js';
import { AbandonError, GivenUpError, PostponeError, type Delivery } from '../queue/telegram-message-queue.js';
import type { Database, Transaction } from '../store/database.js';
import { DEFAULT_VISIBILITY_MS, renewLeases } from '../store/polled-work.js';
import { isServiceUnreachable } from '../store/unreachable.js';
import {
  claimDueWork,
  claimWork,
  failWork,
  finishWork,
  type Claim,
  type Claims,
  type FinishedWork,
} from '../store/work.js';
import type { Handle } from './handler.js';

export interface ProcessorOptions {
  readonly database: Database;
  readonly group: string;
  /** Names this process in the outcomes. */
  readonly worker: string;
  /**
   * Path that brings the events, and label of the metric. A delivery of the broker comes again while another worker has its
   * row; what was polled is that worker's then.
   */
  readonly mode: 'queue' | 'poll';
  readonly handle: Handle;
  readonly logger: Logger;
  /** Of polled work: how long what is left for the next transaction stays this worker's, in ms. @default 30000 */
  readonly visibilityMs?: number;
  /** Ends waiting, for a turn and for a database that is away. */
  readonly signal: AbortSignal;
}

const MAX_BATCH = 200;
/**
 * A batch begins no further event after this, in ms: while it is open others wait for its rows (5 s at the most), and a
 * connection that is silent in a transaction is ended (30 s).
 */
const BATCH_MS = 3_000;
/** What a claim meets while another transaction has the row: a lock that was not given in time, a deadlock. */
const HELD = new Set(['55P03', '40P01']);
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

interface Item {
  readonly event: TelegramEvent;
  readonly delivery: Delivery;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class EventProcessor {
  #waiting: Item[] = [];
  #running = false;

  constructor(private readonly options: ProcessorOptions) {}

  /** Resolves when the event is finished, now or before; rejects when its handler failed. */
  process(event: TelegramEvent, delivery: Delivery): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ event, delivery, resolve, reject });
      if (!this.#running) void this.#runAll();
    });
  }

  async #runAll(): Promise<void> {
    this.#running = true;
    // Lets everything that came in one read of the socket into the first batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0 && !this.options.signal.aborted) await this.#run(this.#nextBatch());
    for (const item of this.#waiting.splice(0)) item.reject(new AbandonError('stopped before its turn came'));
    this.#running = false;
  }

  /** Each event once: a repeat in the same batch would claim the row that its twin holds. */
  #nextBatch(): readonly Item[] {
    const batch = new Map<string, Item>();
    const later: Item[] = [];
    for (const item of this.#waiting) {
      if (batch.size < MAX_BATCH && !batch.has(item.event.id)) batch.set(item.event.id, item);
      else later.push(item);
    }
    this.#waiting = later;
    return [...batch.values()];
  }

  async #run(batch: readonly Item[]): Promise<void> {
    try {
      await this.#whileAway(() => this.#transact(batch));
    } catch (error) {
      const [only] = batch;
      if (error instanceof AbandonError || error instanceof PostponeError) for (const item of batch) item.reject(error);
      else if (batch.length > 1) for (const item of batch) await this.#run([item]);
      else if (only) await this.#fail(only, error);
    }
  }

  async #transact(batch: readonly Item[]): Promise<void> {
    const { database, group, worker, mode, handle, visibilityMs = DEFAULT_VISIBILITY_MS } = this.options;
    const { claims, finished, late } = await database.transaction(async (tx) => {
      const startedMs = performance.now();
      const claims = await this.#claim(
        tx,
        batch.map((item) => item.event),
      );
      const finished: FinishedWork[] = [];
      const late: Item[] = [];
      for (const item of batch) {
        if (performance.now() - startedMs > BATCH_MS) {
          late.push(item);
          continue;
        }
        const { event, delivery } = item;
        const claim = claims.get(event.id);
        if (claim?.state !== 'claimed' || isSpent(claim, delivery)) continue;
        const startedAt = new Date();
        await handle(event, tx);
        finished.push({ event, fence: claim.fence, startedAt });
      }
      if (finished.length > 0) await finishWork(tx, group, worker, finished);
      // Their leases could not be renewed while this transaction had the rows.
      if (late.length > 0 && mode === 'poll') await renewLeases(tx, { group, worker, visibilityMs });
      return { claims, finished, late };
    });
    this.#waiting.unshift(...late);
    this.#settle(
      batch.filter((item) => !late.includes(item)),
      claims,
      finished,
    );
  }

  #claim(tx: Transaction, events: readonly TelegramEvent[]): Promise<Claims> {
    const { group, worker, mode } = this.options;
    const claims = mode === 'poll' ? claimDueWork(tx, group, worker, events) : claimWork(tx, group, events);
    return claims.catch((error: unknown) => {
      if (!isHeld(error)) throw error;
      throw new PostponeError('another worker has these events', { cause: error });
    });
  }

  #settle(batch: readonly Item[], claims: Claims, finished: readonly FinishedWork[]): void {
    const { group, mode } = this.options;
    metrics.consumed.inc({ group, mode }, finished.length);
    for (const { event, startedAt } of finished)
      metrics.endToEndLatency.observe((startedAt.getTime() - Date.parse(event.receivedAt)) / 1_000);
    for (const item of batch) {
      const claim = claims.get(item.event.id);
      if (claim?.state === 'busy') item.reject(new PostponeError('another worker has claimed this event'));
      else if (claim?.state === 'claimed' && isSpent(claim, item.delivery))
        item.reject(new GivenUpError('the tries of this event were used up on the other path'));
      else item.resolve();
      if (claim?.state === 'gone' && mode === 'queue') metrics.duplicates.inc({ stage: 'consumer' });
    }
  }

  async #fail(item: Item, error: unknown): Promise<void> {
    const { database, group, worker, logger } = this.options;
    // The row says what the letter will: an event that is given up by its handler waits for nobody any more.
    let givenUp = item.delivery.last || error instanceof GivenUpError;
    const failed = { event: item.event, error: describe(error), final: givenUp };
    if (!(error instanceof AbandonError)) {
      try {
        await this.#whileAway(async () => {
          givenUp = (await failWork(database, group, worker, failed)) || givenUp;
        });
      } catch (unrecorded) {
        logger.error({ err: unrecorded, event: item.event.id }, 'a failure could not be recorded');
      }
    }
    item.reject(givenUp ? new GivenUpError(describe(error), { cause: error }) : error);
  }

  /** Repeats `work` for as long as it is the database that is missing. */
  async #whileAway(work: () => Promise<void>): Promise<void> {
    const { logger, signal } = this.options;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        await work();
        return;
      } catch (error) {
        if (!isServiceUnreachable(error)) throw error;
        if (signal.aborted) throw new AbandonError('stopped while the database was away', { cause: error });
        logger.warn({ err: error, retryInMs: pauseMs }, 'the database is away, events wait');
        await delay(pauseMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}

function isHeld(error: unknown): boolean {
  return error instanceof Error && 'code' in error && HELD.has(String(error.code));
}

/** Given up before, and this is a further try of the same delivery: not one that somebody sent again. */
function isSpent(claim: Claim, { attempt }: Delivery): boolean {
  return claim.state === 'claimed' && claim.givenUp && attempt > 0;
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
