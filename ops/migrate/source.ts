import type { Client } from 'pg';
import { UserError } from '../../stack/errors.js';
import { onSnapshot } from './databases.js';
import { projection, refusal, stageFingerprints, type Fingerprint } from './projection.js';

/** A row that the data model refuses. */
export interface RefusedRow {
  readonly id: string;
  readonly reason: string;
  /** The whole row as JSON. */
  readonly row: string;
}

/** What the source holds at one moment. */
export interface Inventory {
  readonly parts: readonly Fingerprint[];
  readonly refused: readonly RefusedRow[];
  /** Condition for a message that has an older row. */
  readonly again: string;
}

/** Beyond this many the table is not one with a few bad rows. */
const MOST_REFUSED = 100_000;

/** Every part with its fingerprint, and every row that is refused, of one snapshot. Reads the whole table. */
export async function takeInventory(source: Client, schema: string, outcomesSince: string): Promise<Inventory> {
  return onSnapshot(source, async () => {
    const again = await repetitions(source, schema);
    const { rows: refused } = await source.query<RefusedRow>(`
      select id::text, reason, row::text
        from (select m.id, ${refusal(again)} as reason, row_to_json(m) as row from ${schema}.messages m) found
       where reason is not null order by id limit ${String(MOST_REFUSED + 1)}`);
    if (refused.length > MOST_REFUSED) throw tooMany();
    const { rows: parts } = await source.query<Fingerprint>(
      stageFingerprints(`(${projection(schema, again)})`, outcomesSince),
    );
    return { parts, refused, again };
  });
}

/** The rows whose message has an older row, as a condition on `m`. The ids are numbers of the database's own. */
export async function repetitions(source: Client, schema: string): Promise<string> {
  const { rows } = await source.query<{ id: string }>(`
    select id::text from (
      select id, row_number() over (partition by channel_id, message_id order by id) as n from ${schema}.messages
       where channel_id is not null and message_id is not null) numbered
     where n > 1 limit ${String(MOST_REFUSED + 1)}`);
  if (rows.length > MOST_REFUSED) throw tooMany();
  return rows.length === 0 ? 'false' : `m.id = any ('{${rows.map(({ id }) => id).join(',')}}'::bigint[])`;
}

function tooMany(): UserError {
  return new UserError('MIGRATE_ROWS', `more than ${String(MOST_REFUSED)} rows of the source are refused`, {
    fix: 'Clean the table up first: `npm run migrate -- --plan` tells why.',
  });
}

/** One line a reason, with the first ids. */
export function refusedLines(refused: readonly Pick<RefusedRow, 'id' | 'reason'>[]): string[] {
  const byReason = Map.groupBy(refused, ({ reason }) => reason);
  return [...byReason].map(([reason, rows]) => {
    const ids = rows.slice(0, 3).map(({ id }) => id);
    return `${reason}: ${String(rows.length)} (id ${ids.join(', ')}${rows.length > ids.length ? ', …' : ''})`;
  });
}
