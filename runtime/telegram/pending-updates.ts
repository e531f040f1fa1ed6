import { metrics } from '../metrics.js';
import type { Backlog } from './backlog.js';
import type { ChannelUpdate } from './client.js';
import { comparePts } from './pts.js';

/** Most updates handed to ingest at once: one batch. */
const MAX_RUN = 500;

export interface Pending {
  readonly update: ChannelUpdate;
  readonly receivedAt: Date;
}

/** The updates of one channel that wait to be stored, sorted by where each begins, `pts - ptsCount`. Bounded. */
export class PendingUpdates {
  #items: Pending[] = [];

  constructor(
    private readonly capacity: number,
    private readonly backlog: Backlog,
  ) {}

  get size(): number {
    return this.#items.length;
  }

  /** Where the first one begins; null when none waits. */
  get beginning(): number | null {
    return this.#items[0] ? beginning(this.#items[0].update) : null;
  }

  /** False when there is no room. */
  add(update: ChannelUpdate, receivedAt: Date): boolean {
    if (this.#items.length >= this.capacity || this.backlog.full) return false;
    const start = beginning(update);
    let at = this.#items.length;
    while (at > 0 && beginning((this.#items[at - 1] as Pending).update) > start) at -= 1;
    this.#items.splice(at, 0, { update, receivedAt });
    this.backlog.add(update);
    return true;
  }

  /**
   * Takes the updates that follow each other without a gap from `from` on; repeated ones are dropped on the way. What is
   * taken stays part of the backlog until it is `settled`.
   */
  takeContiguous(from: number): Pending[] {
    let pts = from;
    const run: Pending[] = [];
    const repeated: Pending[] = [];
    for (const item of this.#items) {
      if (run.length === MAX_RUN) break;
      const verdict = comparePts(pts, item.update.pts, item.update.ptsCount);
      if (verdict === 'gap') break;
      if (verdict === 'apply') pts = item.update.pts;
      (verdict === 'apply' ? run : repeated).push(item);
    }
    this.#items = this.#items.slice(run.length + repeated.length);
    if (repeated.length > 0) metrics.duplicates.inc({ stage: 'pts' }, repeated.length);
    this.settled(repeated);
    return run;
  }

  settled(items: readonly Pending[]): void {
    this.backlog.remove(items.map(({ update }) => update));
  }

  /** Drops everything up to a `pts`. */
  dropUpTo(pts: number): void {
    const dropped = this.#items.filter(({ update }) => update.pts <= pts);
    if (dropped.length === 0) return;
    this.#items = this.#items.filter(({ update }) => update.pts > pts);
    this.settled(dropped);
  }

  clear(): void {
    this.settled(this.#items);
    this.#items = [];
  }
}

function beginning(update: ChannelUpdate): number {
  return update.pts - update.ptsCount;
}
