import { z } from 'zod';

const count = z.coerce.number();

/** What a database held of all that was stored until a moment (images/backup/scripts/manifest.sql). */
export const manifestSchema = z.object({
  /** Seconds since 1970. */
  until: count,
  /** Channel → messages. */
  channels: z.record(z.string(), count),
  /** `channel/message` → digest of the row: the newest and the oldest ones. */
  samples: z.record(z.string(), z.string()),
  hypertables: count,
  /** Jobs of TimescaleDB that belong to a hypertable: policies. */
  jobs: count,
  aggregates: count,
  tables: count,
});
export type Manifest = z.output<typeof manifestSchema>;

/**
 * Every difference between what was backed up and what came back, as a line; empty when there is none. `later` is for a database that
 * was recovered beyond the backup: retention may have forgotten old messages since, so a missing one is no difference there.
 */
export function differences(backedUp: Manifest, restored: Manifest, later = false): string[] {
  const lines: string[] = [];
  const compare = (what: string, before: number | string | undefined, after: number | string | undefined) => {
    if (before !== after)
      lines.push(`${what}: ${String(before ?? 'none')} backed up, ${String(after ?? 'none')} restored`);
  };
  const channels = new Set([...Object.keys(backedUp.channels), ...Object.keys(restored.channels)]);
  for (const channel of [...channels].sort()) {
    const [before, after] = [backedUp.channels[channel] ?? 0, restored.channels[channel] ?? 0];
    if (!later || after > before) compare(`messages of channel ${channel}`, before, after);
  }
  for (const [row, digest] of Object.entries(backedUp.samples))
    if (!later || row in restored.samples) compare(`row ${row}`, digest, restored.samples[row]);
  for (const key of ['hypertables', 'jobs', 'aggregates', 'tables'] as const)
    compare(key, backedUp[key], restored[key]);
  return lines;
}

export const messagesIn = ({ channels }: Manifest): number =>
  Object.values(channels).reduce((sum, messages) => sum + messages, 0);
