/** A trouble that began at `from` and was over at `at`, ms since the epoch. */
export interface Ended {
  readonly kind: string;
  readonly from: number;
  readonly at: number;
}

/**
 * How long it took, by kind, until a message posted after the end of a trouble was handled. `posted` is by
 * `channel:message`, `handled` by event id, both ms since the epoch. Troubles overlap, so a figure may hold the next one's
 * share; one after which nothing was posted is left out.
 */
export function recoveries(
  ended: readonly Pick<Ended, 'kind' | 'at'>[],
  posted: ReadonlyMap<string, number>,
  handled: ReadonlyMap<string, number>,
): Record<string, { median: number; worst: number }> {
  const pairs = [...posted].flatMap(([key, postedAt]) => {
    const handledAt = handled.get(`message.created:${key}:1`);
    return handledAt === undefined ? [] : [{ postedAt, handledAt }];
  });
  const times = new Map<string, number[]>();
  for (const { kind, at } of ended) {
    const first = pairs.reduce(
      (least, pair) => (pair.postedAt >= at ? Math.min(least, pair.handledAt) : least),
      Infinity,
    );
    if (Number.isFinite(first)) times.set(kind, [...(times.get(kind) ?? []), Math.max(0, Math.round(first - at))]);
  }
  return Object.fromEntries([...times].sort(([one], [other]) => one.localeCompare(other)).map(summary));
}

function summary([kind, times]: [string, number[]]): [string, { median: number; worst: number }] {
  const sorted = times.sort((one, other) => one - other);
  return [kind, { median: sorted[Math.floor(sorted.length / 2)] ?? 0, worst: sorted.at(-1) ?? 0 }];
}
