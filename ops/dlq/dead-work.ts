/** The work rows that a group has given up: each with its reason, whatever way its event came by. */
import { SCHEMA } from '../../runtime/contract.js';
import type { EventKind } from '../../runtime/events.js';
import type { Sql } from '../sql.js';

/** Names the work of one group on one event. */
export interface WorkKey {
  readonly group: string;
  readonly kind: EventKind;
  readonly channelId: string;
  readonly messageId: string;
  readonly version: number;
}

export interface DeadWork extends WorkKey {
  readonly attempts: number;
  readonly error: string | null;
  readonly storedAt: Date;
}

export interface Choice {
  /** Null: every group. */
  readonly group: string | null;
  readonly limit: number;
}

const KEY = `w.group_name as "group", w.kind, w.channel_id::text as "channelId", w.message_id::text as "messageId", w.version`;
const SAME = `w.group_name = d.group_name and w.kind = d.kind and w.channel_id = d.channel_id
          and w.message_id = d.message_id and w.version = d.version`;

/** Oldest first. */
export function listDead(sql: Sql, { group, limit }: Choice): Promise<DeadWork[]> {
  return sql<DeadWork>(
    `select ${KEY}, w.attempts, w.last_error as error, w.created_at as "storedAt"
       from ${SCHEMA}.message_work w
      where w.status = 'failed' and ($1::text is null or w.group_name = $1) order by w.created_at limit $2`,
    [group, limit],
  );
}

export async function countDead(sql: Sql, group: string | null): Promise<number> {
  const [row] = await sql<{ count: number }>(
    `select count(*)::integer as count from ${SCHEMA}.message_work
      where status = 'failed' and ($1::text is null or group_name = $1)`,
    [group],
  );
  return row?.count ?? 0;
}

/**
 * Makes what is named due again, with all its tries, and has its event published once more; in one statement. The groups
 * that have finished the event drop the copy. Returns those of whom there was work.
 */
export function revive(sql: Sql, keys: readonly WorkKey[]): Promise<WorkKey[]> {
  return sql<WorkKey>(
    `with revived as (
       update ${SCHEMA}.message_work w
          set status = 'pending', attempts = 0, fence = w.fence + 1, claimed_by = null, claimed_until = null
         from ${NAMED} where ${SAME}
       returning w.*
     ), published as (
       insert into ${SCHEMA}.outbox (account_id, kind, channel_id, message_id, version, posted_at)
       select distinct account_id, kind, channel_id, message_id, version, posted_at from revived
        order by channel_id, message_id, version
     )
     select ${KEY} from revived w`,
    columns(keys),
  );
}

/** Forgets the work that is named; the history goes on saying that it failed. */
export async function forget(sql: Sql, keys: readonly WorkKey[]): Promise<number> {
  const rows = await sql(
    `delete from ${SCHEMA}.message_work w using ${NAMED} where ${SAME} returning 1`,
    columns(keys),
  );
  return rows.length;
}

const NAMED = `unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::integer[])
                 as d (group_name, kind, channel_id, message_id, version)`;

function columns(keys: readonly WorkKey[]): readonly unknown[] {
  return [
    keys.map((key) => key.group),
    keys.map((key) => key.kind),
    keys.map((key) => key.channelId),
    keys.map((key) => key.messageId),
    keys.map((key) => key.version),
  ];
}
