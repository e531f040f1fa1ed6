import type { ChannelCursor, ChannelMarks, IngestBatch, IngestDeletion, IngestMessage } from './message-store.js';

/** What one channel wants stored at once: messages and, in the same transaction, how far it has been read. */
export interface Submission {
  readonly messages: readonly IngestMessage[];
  /** @default none */
  readonly deletions?: readonly IngestDeletion[];
  readonly cursor: ChannelCursor | null;
  /** @default none */
  readonly marks?: ChannelMarks | null;
}

export interface BatcherOptions {
  /** Stores a batch; resolves after COMMIT, rejects only when trying again cannot help. */
  readonly commit: (batch: IngestBatch) => Promise<void>;
  /** Most messages of one batch. @default 500 */
  readonly maxRows?: number;
  /** Commits in flight at once. @default 1 */
  readonly concurrency?: number;
}

interface Waiting {
  readonly submission: Submission;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Adaptive micro-batch: a batch is what arrived while the previous one was committing. So a lone message is committed at
 * once, and under load the batches grow by themselves.
 *
 * Promised: a submission is never split, resolves after its COMMIT and not before, and rejects only if nothing of it was
 * stored. Order holds per channel as long as a channel submits again only after its last submission settled.
 * Not promised: order across channels.
 * On failure: a batch that the database refuses for its contents is tried again submission by submission, so that one
 * bad message stops its own channel and no other.
 */
export class IngestBatcher {
  readonly #waiting: Waiting[] = [];
  readonly #maxRows: number;
  readonly #concurrency: number;
  #inFlight = 0;
  #idle: (() => void)[] = [];

  constructor(private readonly options: BatcherOptions) {
    this.#maxRows = options.maxRows ?? 500;
    this.#concurrency = options.concurrency ?? 1;
  }

  submit(submission: Submission): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ submission, resolve, reject });
      this.#pump();
    });
  }

  /** Resolves when everything submitted so far has been settled. */
  async drained(): Promise<void> {
    while (this.#inFlight > 0 || this.#waiting.length > 0)
      await new Promise<void>((resolve) => {
        this.#idle.push(resolve);
      });
  }

  #pump(): void {
    while (this.#inFlight < this.#concurrency && this.#waiting.length > 0) {
      this.#inFlight += 1;
      void this.#flush(this.#take());
    }
  }

  /** The next submissions in order: at least one, and no more than fit. */
  #take(): Waiting[] {
    let rows = 0;
    let count = 0;
    for (const { submission } of this.#waiting) {
      rows += Math.max(1, submission.messages.length + (submission.deletions?.length ?? 0));
      if (count > 0 && rows > this.#maxRows) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #flush(batch: readonly Waiting[]): Promise<void> {
    try {
      await this.options.commit(merge(batch));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      if (batch.length > 1) for (const one of batch) await this.#flushOne(one);
      else batch[0]?.reject(asError(error));
    } finally {
      this.#inFlight -= 1;
      this.#pump();
      if (this.#inFlight === 0) for (const wake of this.#idle.splice(0)) wake();
    }
  }

  async #flushOne(one: Waiting): Promise<void> {
    try {
      await this.options.commit(merge([one]));
      one.resolve();
    } catch (error) {
      one.reject(asError(error));
    }
  }
}

/** One batch of several submissions; of two cursors of a channel the later one stands. */
function merge(batch: readonly Waiting[]): IngestBatch {
  const cursors = new Map<string, ChannelCursor>();
  for (const { submission } of batch)
    if (submission.cursor)
      cursors.set(`${submission.cursor.accountId}:${submission.cursor.channelId}`, submission.cursor);
  return {
    messages: batch.flatMap(({ submission }) => submission.messages),
    deletions: batch.flatMap(({ submission }) => submission.deletions ?? []),
    cursors: [...cursors.values()],
    marks: batch.flatMap(({ submission }) => submission.marks ?? []),
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
