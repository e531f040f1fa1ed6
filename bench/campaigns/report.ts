import type { RunResult } from '../chaos/run.js';
import type { CacheSeen } from './cache-client.js';
import type { Seen } from './seen.js';

export interface CampaignReport extends Pick<
  RunResult,
  'seed' | 'seconds' | 'posted' | 'stored' | 'lost' | 'published' | 'handled' | 'duplicatedEffects' | 'gatewayMb'
> {
  /** Posts a second. */
  readonly rate: number;
  readonly machine: { readonly cpus: number; readonly loadBefore: number };
  readonly campaigns: readonly (Seen & { readonly cache?: CacheSeen })[];
}

const seconds = (ms: number | null) => (ms === null ? '–' : (ms / 1_000).toFixed(1));
const COLUMNS = ['campaign', 'lasted', 'back after', 'silent', 'worst delay', 'posted', 'late'];

/** Times in seconds. */
export function campaignTable({ campaigns, ...all }: CampaignReport): string {
  const rows = campaigns.map(({ name, troubleMs, backMs, silentMs, worstMs, posted, late }) => [
    ...[name, seconds(troubleMs), seconds(backMs), seconds(silentMs), seconds(worstMs)],
    ...[posted, late].map(String),
  ]);
  const widths = COLUMNS.map((title, n) => Math.max(title.length, ...rows.map((row) => row[n]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0))).join('  ');
  const cache = campaigns.flatMap(({ name, cache: one }) =>
    one
      ? [
          `${name}: written again after ${seconds(one.promotedMs)} s, ${String(one.errors)} of ${String(one.writes)} writes failed, ${String(one.lost)} confirmed entries lost`,
        ]
      : [],
  );
  return [
    line(COLUMNS),
    ...rows.map(line),
    '',
    ...cache,
    `${String(all.posted)} posted at ${String(all.rate)}/s, ${String(all.stored)} stored, lost ${String(all.lost)}, doubled ${String(all.duplicatedEffects)}; gateway ${String(all.gatewayMb.before)} → ${String(all.gatewayMb.after)} MiB`,
  ].join('\n');
}
