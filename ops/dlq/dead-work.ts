/** The work rows that a group has given up: each with its reason, whatever way its event came by. */
import { SCHEMA } from '../../runtime/contract.js';
import { keyColumns, type EventKey } from '../../runtime/store/work.js';
import type { Sql } from '../sql.js';

/** Names the work of one group on one event. */
export interface WorkKey extends EventKey {
  readonly group: string;
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
 * Makes what is named due again, with all its tries, and has its event sent to the queue of its group alone; in one
 * statement. Returns those of whom there was work.
 */
export function revive(sql: Sql, keys: readonly WorkKey[]): Promise<WorkKey[]> {
  return sql<WorkKey>(
    `with revived as (
       update ${SCHEMA}.message_work w
          set status = 'pending', attempts = 0, fence = w.fence + 1, claimed_by = null, claimed_until = null
         from ${NAMED} where ${SAME}
       returning w.*
     ), published as (
       insert into ${SCHEMA}.outbox (account_id, kind, channel_id, message_id, version, posted_at, group_name)
       select r.account_id, r.kind, r.channel_id, r.message_id, r.version, r.posted_at, r.group_name from revived r
         join ${SCHEMA}.consumer_groups g on g.group_name = r.group_name and g.mode <> 'poll'
        order by r.channel_id, r.message_id, r.version
     )
     select ${KEY} from revived w`,
    columns(keys),
  );
}

/**
 * Forgets the work that is named, but for what a worker has under a lease now; the history says that it failed. Returns
 * what is gone: also what was not there any more.
 */
export function forget(sql: Sql, keys: readonly WorkKey[]): Promise<(WorkKey & { readonly row: boolean })[]> {
  return sql<WorkKey & { readonly row: boolean }>(
    `with forgotten as (
       delete from ${SCHEMA}.message_work w using ${NAMED}
        where ${SAME} and not (w.status = 'processing' and w.claimed_until > clock_timestamp())
       returning w.*
     ), told as (
       insert into ${SCHEMA}.message_outcomes (at, group_name, kind, channel_id, message_id, version, posted_at,
                                               account_id, status, processed_by, attempts)
       select clock_timestamp(), group_name, kind, channel_id, message_id, version, posted_at, account_id, 'failed',
              'dropped by hand', attempts from forgotten where status <> 'failed'
     )
     select d.group_name as "group", d.kind, d.channel_id::text as "channelId", d.message_id::text as "messageId",
            d.version, exists (select from forgotten w where ${SAME}) as row
       from ${NAMED}
      where exists (select from forgotten w where ${SAME})
         or not exists (select from ${SCHEMA}.message_work w where ${SAME})`,
    columns(keys),
  );
}

const NAMED = `unnest($1::text[], $2::bigint[], $3::bigint[], $4::integer[], $5::text[])
                 as d (group_name, channel_id, message_id, version, kind)`;

function columns(keys: readonly WorkKey[]): readonly unknown[] {
  return [keys.map((key) => key.group), ...keyColumns(keys)];
}
