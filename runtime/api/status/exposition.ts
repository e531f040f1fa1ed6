/** One sample of Prometheus' text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Reads what `/metrics` answers; lines that are no samples are left out. */
export function parseExposition(text: string): readonly Sample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) return [];
    const pairs = [...labels.matchAll(LABEL)].map(([, key = '', text = '']) => [key, text] as const);
    return [{ name, labels: Object.fromEntries(pairs), value: numberOf(value) }];
  });
}

function numberOf(text: string): number {
  return text === '+Inf' ? Infinity : Number(text);
}

/** Sum over all labels that fit; null when there is none. */
export function sumOf(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | null {
  const fitting = samples.filter(
    (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  return fitting.length === 0 ? null : fitting.reduce((sum, { value }) => sum + value, 0);
}

/** Cumulative counts of a histogram by upper bound, over all other labels. */
export type Buckets = ReadonlyMap<number, number>;

export function bucketsOf(samples: readonly Sample[], name: string): Buckets {
  const buckets = new Map<number, number>();
  for (const { name: sampleName, labels, value } of samples)
    if (sampleName === `${name}_bucket`) {
      const bound = numberOf(labels['le'] ?? '');
      buckets.set(bound, (buckets.get(bound) ?? 0) + value);
    }
  return buckets;
}

/**
 * Quantile of what came between two readings of a histogram, as Prometheus reckons it: evenly spread within a bucket. Null
 * when nothing came.
 */
export function quantileBetween(before: Buckets, after: Buckets, quantile: number): number | null {
  const grown = [...after]
    .map(([bound, count]) => [bound, count - (before.get(bound) ?? 0)] as const)
    .sort(([a], [b]) => a - b);
  const total = grown.at(-1)?.[1] ?? 0;
  if (total <= 0) return null;
  let lower = 0;
  let below = 0;
  for (const [bound, count] of grown) {
    if (count >= quantile * total) {
      if (bound === Infinity) return lower;
      return lower + ((bound - lower) * (quantile * total - below)) / Math.max(count - below, 1);
    }
    lower = bound;
    below = count;
  }
  return lower;
}
