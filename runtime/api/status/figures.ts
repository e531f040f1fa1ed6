import { bucketsOf, quantileBetween, sumOf, type Sample } from './exposition.js';
import { STATUS_QUEUE, type Readings } from './sources.js';

/** One point of the charts. Null: nobody could tell. */
export interface Figures {
  /** Unix time in milliseconds. */
  readonly at: number;
  /** Messages stored and handled, a second. */
  readonly storedPerSecond: number | null;
  readonly consumedPerSecond: number | null;
  /** From receipt to handler, in milliseconds; null also while nothing is handled. */
  readonly latencyP50Ms: number | null;
  readonly latencyP95Ms: number | null;
  /** Share of reads that Redis answered, 0 to 1; null also while nothing is read. */
  readonly cacheHitRate: number | null;
  readonly queueDepth: number | null;
  readonly outboxDepth: number | null;
  readonly outboxOldestSeconds: number | null;
  /** Messages that a difference, the history or the reconciler brought since the gateway started. */
  readonly recovered: number | null;
}

/** What happened between two readings. */
export function figuresBetween(before: Readings, after: Readings): Figures {
  const seconds = (after.at - before.at) / 1_000;
  const perSecond = (from: readonly Sample[] | null, to: readonly Sample[] | null, name: string) => {
    const grown = growth(from, to, [name]);
    return grown === null ? null : grown / seconds;
  };
  const latency = (quantile: number) => {
    if (!before.consumer || !after.consumer) return null;
    const name = 'telegram_end_to_end_latency_seconds';
    const value = quantileBetween(bucketsOf(before.consumer, name), bucketsOf(after.consumer, name), quantile);
    return value === null ? null : value * 1_000;
  };
  const { gateways } = after;
  const ofEach = (...names: string[]) => gateways.map(({ samples }) => samples && sum(samples, names));
  return {
    at: after.at,
    storedPerSecond: total(
      gateways.map(({ samples }, n) =>
        perSecond(before.gateways[n]?.samples ?? null, samples, 'telegram_messages_stored_total'),
      ),
    ),
    consumedPerSecond: perSecond(before.consumer, after.consumer, 'telegram_messages_consumed_total'),
    latencyP50Ms: latency(0.5),
    latencyP95Ms: latency(0.95),
    cacheHitRate: hitRate(before, after),
    queueDepth: after.broker && sumOf(after.broker, 'rabbitmq_detailed_queue_messages', { queue: STATUS_QUEUE }),
    outboxDepth: total(ofEach('telegram_outbox_pending')),
    outboxOldestSeconds: largest(ofEach('telegram_outbox_oldest_age_seconds')),
    recovered: total(ofEach('telegram_gap_recovered_total', 'telegram_reconciler_recovered_total')),
  };
}

/** Of the consumer and of the API together. */
function hitRate(before: Readings, after: Readings): number | null {
  const grown = (names: readonly string[]) =>
    (growth(before.consumer, after.consumer, names) ?? 0) + (growth(before.api, after.api, names) ?? 0);
  const hits = grown(['telegram_cache_hits_total']);
  const reads = hits + grown(['telegram_cache_misses_total', 'telegram_cache_fallbacks_total']);
  return reads === 0 ? null : hits / reads;
}

/** A counter that fell began anew. */
function growth(
  before: readonly Sample[] | null,
  after: readonly Sample[] | null,
  names: readonly string[],
): number | null {
  if (!before || !after) return null;
  const now = sum(after, names);
  const then = sum(before, names) ?? 0;
  if (now === null) return null;
  return now >= then ? now - then : now;
}

function sum(samples: readonly Sample[], names: readonly string[]): number | null {
  return total(names.map((name) => sumOf(samples, name)));
}

const total = (values: readonly (number | null)[]) => joined(values, (known) => known.reduce((sum, one) => sum + one));
const largest = (values: readonly (number | null)[]) => joined(values, (known) => Math.max(...known));

/** Of those that could tell; null where nobody could. */
function joined(values: readonly (number | null)[], join: (known: number[]) => number): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : join(known);
}
