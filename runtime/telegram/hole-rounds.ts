import type { ChannelWorker } from './channel-worker.js';

/** Holes of one try: each may cost two calls, between which nothing else of the channel is done. */
const AT_ONCE = 10;

interface Round {
  /** The last hole tried; 0 before the first. */
  after: number;
  /** When the last round ended, by `performance.now()`. */
  endedAt: number;
}

/**
 * Whose turn it is to be tried again, of the messages that could not be read or stored: each once a round, the lowest id
 * first, a few at a time, and the first round of a channel at once.
 */
export class HoleRounds {
  /** By channel, as last read from the database. */
  holes: ReadonlyMap<string, readonly string[]> = new Map();
  readonly #rounds = new WeakMap<ChannelWorker, Round>();

  /** `intervalMs` is the pause between two rounds. */
  constructor(private readonly intervalMs: number) {}

  get count(): number {
    return [...this.holes.values()].reduce((sum, ids) => sum + ids.length, 0);
  }

  /** Ids to be tried now, ascending; none between two rounds. */
  due(worker: ChannelWorker, now: number): readonly string[] {
    const { after, endedAt } = this.#rounds.get(worker) ?? { after: 0, endedAt: -Infinity };
    if (now - endedAt < this.intervalMs) return [];
    return (this.holes.get(worker.state.id) ?? [])
      .filter((id) => Number(id) > after)
      .toSorted((a, b) => Number(a) - Number(b))
      .slice(0, AT_ONCE);
  }

  /** They were tried, whatever became of them. */
  tried(worker: ChannelWorker, ids: readonly string[], now: number): void {
    const last = Number(ids.at(-1) ?? 0);
    const more = this.holes.get(worker.state.id)?.some((id) => Number(id) > last) ?? false;
    this.#rounds.set(worker, more ? { after: last, endedAt: -Infinity } : { after: 0, endedAt: now });
  }
}
