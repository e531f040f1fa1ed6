import type { Client } from 'pg';
import { DEFAULT_GROUP, SCHEMA } from '../../runtime/contract.js';
import { copyBetween } from './copy.js';

/** Clocks of the servers and of the consumers may differ by so much; what is carried twice changes nothing. */
const MARGIN = `interval '15 minutes'`;

/** Messages that are new or have changed since the switch, as rows of the old table. */
function changed(since: string): string {
  const after = `'${since}'::timestamptz - ${MARGIN}`;
  return `
with keys as (
  select channel_id, message_id from ${SCHEMA}.messages where stored_at >= ${after}
  union select channel_id, message_id from ${SCHEMA}.message_versions where stored_at >= ${after}
  union select channel_id, message_id from ${SCHEMA}.message_tombstones where deleted_at >= ${after}
  union select channel_id, message_id from ${SCHEMA}.message_outcomes where at >= ${after} and group_name = '${DEFAULT_GROUP}'
  union select channel_id, message_id from ${SCHEMA}.message_work where group_name = '${DEFAULT_GROUP}'
), newest as (
  select distinct on (channel_id, message_id) channel_id, message_id, text, media_type, edited_at, metadata
    from ${SCHEMA}.message_versions join keys using (channel_id, message_id) where version > 1
   order by channel_id, message_id, version desc
), outcome as (
  select distinct on (channel_id, message_id) channel_id, message_id, status, processed_by, at, attempts
    from ${SCHEMA}.message_outcomes join keys using (channel_id, message_id)
   where group_name = '${DEFAULT_GROUP}' and kind = 'message.created' order by channel_id, message_id, at desc
)
select m.channel_id, m.message_id, m.sender_id, m.grouped_id, coalesce(v.text, m.text) as content,
       coalesce(v.media_type, m.media_type) as media_type,
       case when jsonb_exists(m.metadata, 'original') then (m.metadata ->> 'original')::json
            else coalesce(v.metadata, m.metadata)::json end as metadata,
       m.posted_at, coalesce(v.edited_at, m.edited_at) as edited_at, d.deleted_at, m.stored_at as created_at,
       case when w.status = 'failed' then 'failed' when w.status is not null then 'pending'
            else coalesce(o.status, 'processed') end as status,
       case when w.status is null then o.processed_by end as processed_by,
       case when w.status is null then o.at end as processed_at,
       coalesce(w.attempts, o.attempts, 0) as attempts, w.last_error
  from ${SCHEMA}.messages m join keys using (channel_id, message_id)
  left join newest v using (channel_id, message_id)
  left join outcome o using (channel_id, message_id)
  left join ${SCHEMA}.message_tombstones d using (channel_id, message_id)
  left join ${SCHEMA}.message_work w on w.group_name = '${DEFAULT_GROUP}' and w.kind = 'message.created' and w.version = 1
                                     and w.channel_id = m.channel_id and w.message_id = m.message_id`;
}

const COLUMNS = `channel_id, message_id, sender_id, grouped_id, content, media_type, metadata, posted_at, edited_at, deleted_at,
  created_at, status, processed_by, processed_at, attempts, last_error`;
/** What may have changed of a message that the source has. */
const CHANGING = [
  'content',
  'media_type',
  'edited_at',
  'deleted_at',
  'status',
  'processed_by',
  'processed_at',
] as const;
const changing = (row: string) => CHANGING.map((column) => `${row}.${column}`).join(', ');

export interface Carried {
  /** Messages that are new or changed since the switch. */
  readonly looked: number;
  readonly added: number;
  readonly updated: number;
  /** Of those, not in the source as they are here, when all was done: 0. */
  readonly differences: number;
}

/**
 * Writes what came since the switch into the old table, in the transaction of `source`. Writers of the old table wait
 * meanwhile, so that a message which the old gateway has just read itself is not there twice. Again it changes nothing.
 */
export async function carryBack(target: Client, source: Client, schema: string, since: string): Promise<Carried> {
  const messages = `${schema}.messages`;
  await source.query(`lock table ${messages} in share row exclusive mode`);
  await source.query(`
    create temporary table stage (channel_id bigint, message_id bigint, sender_id bigint, grouped_id bigint, content text,
      media_type text, metadata json, posted_at timestamptz, edited_at timestamptz, deleted_at timestamptz, created_at timestamptz,
      status text, processed_by text, processed_at timestamptz, attempts integer, last_error text) on commit drop`);
  await copyBetween(target, changed(since), source, `stage (${COLUMNS})`);
  await source.query('analyze stage');
  const match = (row: string) =>
    `${row}.channel_id = s.channel_id and ${row}.message_id = s.message_id
     and ${row}.posted_at >= s.posted_at and ${row}.posted_at < s.posted_at + interval '1 second'`;
  await source.query(keepNewer(messages, match('m')));
  const updated = await source.query(`
    update ${messages} m set (${CHANGING.join(', ')}) = row(${changing('s')}), attempts = s.attempts, last_error = s.last_error
      from stage s where ${match('m')} and (${changing('m')}) is distinct from (${changing('s')})
       and m.id = (select min(o.id) from ${messages} o where ${match('o')})`);
  const added = await source.query(`
    insert into ${messages} (${COLUMNS}) select ${COLUMNS} from stage s
     where not exists (select from ${messages} m where ${match('m')}) order by channel_id, message_id`);
  const { rows } = await source.query<{ looked: string; differences: string }>(`
    select count(*) as looked, count(*) filter (where not exists (
             select from ${messages} m where ${match('m')} and (${changing('m')}) is not distinct from (${changing('s')})))
             as differences from stage s`);
  return {
    looked: Number(rows[0]?.looked ?? 0),
    added: added.rowCount ?? 0,
    updated: updated.rowCount ?? 0,
    differences: Number(rows[0]?.differences ?? 0),
  };
}

/** What the source knows better, because its own gateway and consumers have been at it since, stays. */
function keepNewer(messages: string, match: string): string {
  return `
update stage s set status = m.status, processed_by = m.processed_by, processed_at = m.processed_at
  from ${messages} m where ${match} and m.status = 'processed' and (s.status <> 'processed' or s.processed_at is null);
update stage s set content = m.content, media_type = m.media_type, edited_at = m.edited_at
  from ${messages} m where ${match} and m.edited_at > coalesce(s.edited_at, '-infinity');
update stage s set deleted_at = m.deleted_at
  from ${messages} m where ${match} and m.deleted_at is not null and s.deleted_at is null`;
}

/** Channels as they are known now, new ones among them. */
export async function carryChannelsBack(target: Client, source: Client, schema: string): Promise<number> {
  const { rows } = await target.query(
    `select channel_id, access_hash, title, username, pts, last_message_id, status = 'active' as is_active
       from ${SCHEMA}.channels where access_hash is not null`,
  );
  const { rowCount } = await source.query(
    `insert into ${schema}.channels as c (channel_id, access_hash, title, username, pts, last_message_id, is_active)
     select channel_id, access_hash, title, username, pts, last_message_id, is_active
       from json_to_recordset($1) as r (channel_id bigint, access_hash bigint, title text, username text, pts integer,
                                        last_message_id bigint, is_active boolean)
     on conflict (channel_id) do update set access_hash = excluded.access_hash, title = excluded.title,
       username = excluded.username, pts = excluded.pts, is_active = excluded.is_active,
       last_message_id = greatest(c.last_message_id, excluded.last_message_id), updated_at = now()`,
    [JSON.stringify(rows)],
  );
  return rowCount ?? 0;
}
