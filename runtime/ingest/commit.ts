import { setTimeout as delay } from 'node:timers/promises';
import { RuntimeError } from '../errors.js';
import type { EventSource } from '../events.js';
import type { Logger } from '../logger.js';
import { metrics } from '../metrics.js';
import type { CommitResult, IngestBatch, MessageStore, StoredEvent } from './message-store.js';
import { UnwritableError } from './unwritable.js';

/** Told of newly stored events after their COMMIT. Must return at once; ingest never waits for it. */
export type AfterCommitSink = (stored: readonly StoredEvent[]) => void;

export interface CommitterOptions {
  readonly store: Pick<MessageStore, 'commitBatch'>;
  readonly sinks: readonly AfterCommitSink[];
  readonly logger: Logger;
  /** Ends the retries: what is not committed by then is read again at the next start. */
  readonly signal: AbortSignal;
  /** Another gateway has taken the account over: nothing more of this one is stored. */
  readonly onLeaseLost?: (error: Error) => void;
  /** First and longest pause between two tries. @default 100 and 5000 */
  readonly retryMs?: { readonly first: number; readonly longest: number };
}

/**
 * Commits batches and tells the sinks.
 *
 * Promised: `commit` resolves only after COMMIT; while the database is away it tries again, for ever, with growing
 * pauses; the sinks hear of each newly stored event once, after it is durable, in order.
 * Not promised: that a sink did anything with it. What a crash swallows between COMMIT and sink is in the outbox.
 * On failure: it rejects only for data that the database refuses, for a mistake in this program, when the lease is lost, or
 * after `signal`. A mistake is nobody's refusal: nothing moves, and the channel reads the same again, later.
 */
export class Committer {
  readonly #retryMs: { first: number; longest: number };
  #attemptSince: number | null = null;
  #failingSince: Date | null = null;

  constructor(private readonly options: CommitterOptions) {
    this.#retryMs = options.retryMs ?? { first: 100, longest: 5_000 };
  }

  /** Age of the statement in flight; null when there is none. One that never ends means a hung pipeline. */
  get attemptAgeMs(): number | null {
    return this.#attemptSince === null ? null : performance.now() - this.#attemptSince;
  }

  /** Since when the database refuses or does not answer; null while it works. */
  get failingSince(): Date | null {
    return this.#failingSince;
  }

  async commit(batch: IngestBatch): Promise<void> {
    const result = await this.#persist(batch);
    this.#count(batch, result);
    if (result.stored.length === 0) return;
    for (const sink of this.options.sinks) {
      try {
        sink(result.stored);
      } catch (error) {
        this.options.logger.error({ err: error }, 'after-commit sink failed');
      }
    }
  }

  async #persist(batch: IngestBatch): Promise<CommitResult> {
    for (let pauseMs = this.#retryMs.first; ; pauseMs = Math.min(pauseMs * 2, this.#retryMs.longest)) {
      this.#attemptSince = performance.now();
      try {
        const result = await this.options.store.commitBatch(batch);
        this.#recovered();
        return result;
      } catch (error) {
        if (isRefusal(error) || isMistake(error)) throw error;
        if (isLeaseLost(error)) {
          this.options.onLeaseLost?.(error);
          throw error;
        }
        this.#failed(error, pauseMs);
      } finally {
        this.#attemptSince = null;
      }
      await delay(pauseMs, undefined, { signal: this.options.signal });
    }
  }

  #failed(error: unknown, pauseMs: number): void {
    metrics.failed.inc({ stage: 'commit' });
    // One line an outage, the repetitions at debug.
    const level = this.#failingSince ? 'debug' : 'warn';
    this.#failingSince ??= new Date();
    this.options.logger[level]({ err: error, retryInMs: pauseMs }, 'commit failed, trying again');
  }

  #recovered(): void {
    if (!this.#failingSince) return;
    this.options.logger.info({ outageMs: Date.now() - this.#failingSince.getTime() }, 'database answers again');
    this.#failingSince = null;
  }

  #count(batch: IngestBatch, result: CommitResult): void {
    const created = result.stored.filter(({ event }) => event.kind === 'message.created');
    const from = (source: EventSource) => created.filter(({ event }) => event.source === source).length;
    metrics.stored.inc(created.length);
    for (const kind of ['edited', 'deleted'] as const) {
      const count = result.stored.filter(({ event }) => event.kind === `message.${kind}`).length;
      if (count > 0) metrics.changes.inc({ kind }, count);
    }
    if (result.duplicates > 0) metrics.duplicates.inc({ stage: 'commit' }, result.duplicates);
    const now = Date.now();
    for (const { receivedAt } of batch.messages) metrics.ingestLatency.observe((now - receivedAt.getTime()) / 1_000);
    metrics.gapRecovered.inc(from('difference'));
    metrics.reconcilerRecovered.inc(from('reconcile'));
  }
}

/**
 * SQLSTATE classes 22 (bad data), 23 (constraint) and 54 (too large), or data that cannot even be written down as a
 * statement: the same batch would be refused each time.
 */
export function isRefusal(error: unknown): boolean {
  if (error instanceof UnwritableError) return true;
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && /^(22|23|54)...$/.test(error.code)
  );
}

/** A mistake in this program says nothing about the data, and no other try mends it. */
function isMistake(error: unknown): boolean {
  return [TypeError, RangeError, ReferenceError, SyntaxError].some((kind) => error instanceof kind);
}

export function isLeaseLost(error: unknown): error is RuntimeError {
  return error instanceof RuntimeError && error.code === 'LEASE_LOST';
}
