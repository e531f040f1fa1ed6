import type { Channel } from './channel.js';
import { wallClockMs } from './clock.js';

/**
 * What a client was shown of a channel otherwise than by pushes: events from `fromPts`, excluded, to `toPts`, with the
 * messages as they stood at `atPts`. A content that another one had replaced by then was not among it.
 */
export interface Showing {
  readonly channelId: string;
  readonly by: 'difference' | 'ids';
  readonly fromPts: number;
  readonly toPts: number;
  readonly atPts: number;
}

/** Showings that are remembered; of more the newest. */
const MOST = 20_000;
/**
 * A message that is read by its id overtakes pushes that the client has and has not looked at yet: those of so many
 * milliseconds.
 */
const UNDER_WAY_MS = 30_000;

/** Why a client may know a message without having seen each of its versions. */
export class Shown {
  #showings: Showing[] = [];

  get all(): readonly Showing[] {
    return this.#showings;
  }

  /** The slice of a difference; an empty one tells that the client is where it asks from. */
  difference(channel: Channel, fromPts: number, toPts: number): void {
    this.#note({ channelId: String(channel.id), by: 'difference', fromPts, toPts, atPts: channel.pts });
  }

  /** Messages by their ids, or a page of the history. */
  messages(channel: Channel): void {
    const { id, log, pts } = channel;
    const since = wallClockMs() - UNDER_WAY_MS;
    const before = log.findLast(({ at }) => at < since);
    this.#note({ channelId: String(id), by: 'ids', fromPts: before?.pts ?? 0, toPts: pts, atPts: pts });
  }

  #note(showing: Showing): void {
    this.#showings.push(showing);
    if (this.#showings.length >= 2 * MOST) this.#showings = this.#showings.slice(-MOST);
  }
}
