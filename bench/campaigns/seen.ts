import type { Story } from '../chaos/run.js';

/** What the consumer saw of one trouble, from its beginning to that of the next one. */
export interface Seen {
  readonly name: string;
  /** How long the trouble itself lasted: a restart, a pause. */
  readonly troubleMs: number;
  readonly posted: number;
  /** Messages that reached the handler more than `LATE_MS` after they were posted. */
  readonly late: number;
  /** Longest time from post to handler. */
  readonly worstMs: number;
  /** Longest time in which nothing was handled. */
  readonly silentMs: number;
  /** From the end of the trouble until a message posted after it was handled; null when there was none. */
  readonly backMs: number | null;
}

export const LATE_MS = 1_000;

/** `endAt` is when the last post was made, ms since the epoch. */
export function seen({ troubles, postedAt, handledAt }: Story, endAt: number): Seen[] {
  const posts = [...postedAt].map(([key, at]) => ({ at, handledAt: handledAt.get(`message.created:${key}:1`) }));
  const inOrder = [...troubles].sort((one, other) => one.from - other.from);
  return inOrder.map(({ kind, from, at }, n): Seen => {
    const until = inOrder[n + 1]?.from ?? endAt;
    const own = posts.filter((post) => post.at >= from && post.at < until);
    const delays = own.flatMap((post) => (post.handledAt === undefined ? [] : [post.handledAt - post.at]));
    const back = own.flatMap((post) => (post.at >= at && post.handledAt !== undefined ? [post.handledAt - at] : []));
    return {
      name: kind,
      troubleMs: at - from,
      posted: own.length,
      late: delays.filter((ms) => ms > LATE_MS).length,
      worstMs: delays.reduce((worst, ms) => Math.max(worst, ms), 0),
      silentMs: longestGap(own, from),
      backMs:
        back.length > 0
          ? Math.max(
              0,
              back.reduce((least, ms) => Math.min(least, ms), Infinity),
            )
          : null,
    };
  });
}

function longestGap(posts: readonly { readonly handledAt: number | undefined }[], from: number): number {
  const times = posts.flatMap(({ handledAt }) => handledAt ?? []).sort((one, other) => one - other);
  return times.reduce(({ last, gap }, at) => ({ last: at, gap: Math.max(gap, at - last) }), { last: from, gap: 0 }).gap;
}
