import type { Client } from 'pg';
import { UserError } from '../../stack/errors.js';
import { ACCOUNT, copyPart, makeStage } from './copy-part.js';
import { inTransaction } from './databases.js';
import { JOURNAL, partKey, same, type Journal } from './journal.js';
import { refusedLines, takeInventory, type Inventory, type RefusedRow } from './source.js';
import { TARGET_FINGERPRINTS, type Fingerprint, type Part } from './projection.js';

export interface PassArgs {
  readonly source: Client;
  readonly target: Client;
  readonly journal: Journal;
  readonly schema: string;
  /** Refused rows are kept apart instead of ending the migration. */
  readonly setAside: boolean;
  /** Told of each part that was copied. */
  readonly onPart?: (done: number, of: number) => void;
}

export interface Pass {
  readonly parts: number;
  readonly rows: number;
  readonly copied: number;
  readonly refused: number;
}

/**
 * Copies every part that differs from what was copied of it. The first pass copies all, a later one what arrived or changed
 * meanwhile, and one with nothing to do reads the source once.
 */
export async function copyPass(args: PassArgs): Promise<Pass> {
  const { source, target, journal, schema, setAside, onPart } = args;
  const outcomesSince = journal.text('begun', 'outcomesSince');
  const inventory = await takeInventory(source, schema, outcomesSince);
  const { refused, parts, again } = inventory;
  if (refused.length > 0 && !setAside)
    throw new UserError('MIGRATE_ROWS', `${String(refused.length)} row(s) of the source are refused`, {
      details: refusedLines(refused),
    });
  await keepRefused(target, refused);
  await copyChannels(source, target, schema);
  await makeStage(target);
  const copied = await journal.parts();
  const wanted = differing(inventory, copied);
  for (const [done, part] of wanted.entries()) {
    await copyPart({ source, target, journal, schema, again, outcomesSince }, part, copied.has(partKey(part)));
    onPart?.(done + 1, wanted.length);
  }
  const rows = parts.reduce((sum, part) => sum + Number(part.rows), 0);
  return { parts: parts.length, rows, copied: wanted.length, refused: refused.length };
}

/** Parts that are not in the target as the source has them, those that the source has no more among them. */
function differing({ parts }: Inventory, copied: ReadonlyMap<string, Fingerprint>): Part[] {
  const there = new Set(parts.map(partKey));
  const gone = [...copied.values()].filter((part) => Number(part.rows) > 0 && !there.has(partKey(part)));
  return [...parts.filter((part) => !same(part, copied.get(partKey(part)))), ...gone];
}

async function keepRefused(target: Client, refused: readonly RefusedRow[]): Promise<void> {
  await inTransaction(target, async () => {
    await target.query(`truncate ${JOURNAL}.refused`);
    await target.query(
      `insert into ${JOURNAL}.refused (source_id, reason, row) select * from unnest($1::bigint[], $2::text[], $3::text[])`,
      [refused.map(({ id }) => id), refused.map(({ reason }) => reason), refused.map(({ row }) => row)],
    );
  });
}

/**
 * A channel without a `pts` begins at the first: Telegram then sends what it still keeps, and the gateway reads the rest of the
 * gap above the last id from the history. With none at all it would begin at the newest message, and lose what was posted
 * while both gateways stood.
 */
async function copyChannels(source: Client, target: Client, schema: string): Promise<void> {
  const { rows } = await source.query<Record<string, unknown>>(`
    select c.channel_id, c.access_hash, coalesce(c.title, '') as title, c.username, coalesce(c.pts, 1) as pts,
           greatest(c.last_message_id, m.top) as last_message_id, case when c.is_active then 'active' else 'paused' end as status,
           c.created_at
      from ${schema}.channels c
      left join (select channel_id, max(message_id) as top from ${schema}.messages group by 1) m using (channel_id)`);
  await inTransaction(target, async () => {
    await target.query('insert into telegram_gateway.accounts (account_id) values ($1) on conflict do nothing', [
      ACCOUNT,
    ]);
    await target.query(
      `insert into telegram_gateway.channels as c (channel_id, access_hash, title, username, pts, last_message_id,
                                                   reconciled_message_id, status, created_at, account_id)
       select channel_id, access_hash, title, username, pts, last_message_id, last_message_id, status, created_at, $2
         from json_to_recordset($1) as r (channel_id bigint, access_hash bigint, title text, username text, pts integer,
                                          last_message_id bigint, status text, created_at timestamptz)
       on conflict (channel_id) do update set access_hash = excluded.access_hash, title = excluded.title,
         username = excluded.username, pts = excluded.pts, last_message_id = excluded.last_message_id,
         reconciled_message_id = excluded.reconciled_message_id, status = excluded.status`,
      [JSON.stringify(rows), ACCOUNT],
    );
  });
}

export interface Difference extends Part {
  readonly source: string;
  readonly target: string;
}

export interface Comparison {
  readonly parts: number;
  readonly rows: number;
  readonly differences: readonly Difference[];
}

/** Counts and checksums of both sides, each read anew. */
export async function compare(args: Pick<PassArgs, 'source' | 'target' | 'schema' | 'journal'>): Promise<Comparison> {
  const { source, target, schema, journal } = args;
  const [{ parts }, { rows: found }] = await Promise.all([
    takeInventory(source, schema, journal.text('begun', 'outcomesSince')),
    target.query<Fingerprint>(TARGET_FINGERPRINTS),
  ]);
  const here = new Map(found.map((part) => [partKey(part), part]));
  const there = new Map(parts.map((part) => [partKey(part), part]));
  const all = new Map([...here, ...there]);
  const differences = [...all]
    .filter(([key]) => !same(here.get(key), there.get(key)))
    .map(([key, { channelId, month }]) => ({
      channelId,
      month,
      source: there.get(key)?.rows ?? '0',
      target: here.get(key)?.rows ?? '0',
    }));
  return { parts: all.size, rows: parts.reduce((sum, part) => sum + Number(part.rows), 0), differences };
}
