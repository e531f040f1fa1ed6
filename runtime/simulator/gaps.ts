/** A stretch of a channel's log that no difference has shown: from a client's `pts`, excluded, to where it was sent on. */
export interface Gap {
  readonly channelId: string;
  readonly fromPts: number;
  readonly toPts: number;
}

/** Gaps that are remembered; of more the newest. */
const MOST = 10_000;

/** Where clients were told to jump: what was posted and deleted inside one gap was shown to nobody. */
export class Gaps {
  readonly #gaps: Gap[] = [];
  /** By channel: the `pts` that was refused last, until the client asks where the channel stands. */
  readonly #refused = new Map<string, number>();

  get all(): readonly Gap[] {
    return this.#gaps;
  }

  /** A difference from there was too long. */
  tooLong(channelId: string, fromPts: number, toPts: number): void {
    this.#gaps.push({ channelId, fromPts, toPts });
    if (this.#gaps.length > MOST) this.#gaps.shift();
  }

  /** The client's `pts` was called wrong. */
  refused(channelId: string, pts: number): void {
    this.#refused.set(channelId, pts);
  }

  /** The client asks where the channel stands: after a refusal it goes on from there. */
  asked(channelId: string, pts: number): void {
    const fromPts = this.#refused.get(channelId);
    if (fromPts === undefined) return;
    this.#refused.delete(channelId);
    this.tooLong(channelId, fromPts, pts);
  }
}
