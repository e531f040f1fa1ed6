import type { StoredEvent } from '../ingest/message-store.js';

export interface OutboxRow extends StoredEvent {
  readonly position: bigint;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * The rows of one channel that are on their way, in the order of the outbox.
 *
 *   open --(a row fails)--> halted --(all settled, pause over)--> probing --(confirmed)--> open
 *                              ^----------------(fails)--------------'
 *
 * While halted nothing is sent; while probing the first row alone. What was in flight behind a failed row and was
 * confirmed is not sent again.
 */
export class ChannelStream {
  #waiting: OutboxRow[] = [];
  #unsettled = 0;
  #state: 'open' | 'halted' | 'probing' = 'open';
  #probe: OutboxRow | null = null;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | null = null;

  get empty(): boolean {
    return this.#waiting.length === 0 && this.#unsettled === 0;
  }

  add(row: OutboxRow): void {
    let index = this.#waiting.length;
    while (index > 0 && (this.#waiting[index - 1]?.position ?? 0n) > row.position) index -= 1;
    this.#waiting.splice(index, 0, row);
  }

  /** The row to send now, if there is one. Each must be settled by `confirmed` or `failed`. */
  next(): OutboxRow | undefined {
    if (this.#state === 'halted' || (this.#state === 'probing' && this.#unsettled > 0)) return undefined;
    const row = this.#waiting.shift();
    if (!row) return undefined;
    this.#unsettled += 1;
    if (this.#state === 'probing') this.#probe = row;
    return row;
  }

  confirmed(row: OutboxRow): void {
    this.#unsettled -= 1;
    if (this.#probe !== row) return;
    this.#probe = null;
    this.#state = 'open';
    this.#pauseMs = FIRST_PAUSE_MS;
  }

  /** `resume` is called after the pause; the pause doubles with each failure in a row. */
  failed(row: OutboxRow, resume: () => void): void {
    this.#unsettled -= 1;
    this.add(row);
    this.#state = 'halted';
    this.#probe = null;
    if (this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#state = 'probing';
      resume();
    }, this.#pauseMs);
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }

  cancel(): void {
    if (this.#timer) clearTimeout(this.#timer);
  }
}
