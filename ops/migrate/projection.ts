/**
 * The old rows as the new tables have them, as SQL. Both sides are compared by the same expressions over the same columns:
 * what the projection of the source gives must be what stands in the target.
 */

/** Rows of one channel and one month (UTC): the unit that is copied, compared and resumed. */
export interface Part {
  readonly channelId: string;
  /** First day of the month, `2026-11-01`. */
  readonly month: string;
}

/** Fields of a message, in the order of the stage. */
export const MESSAGE_COLUMNS =
  'channel_id, message_id, posted_at, received_at, text, sender_id, grouped_id, media_type, edited_at, metadata';
/** What follows them there: the deletion, and what became of the message. */
export const STATE_COLUMNS = 'deleted_at, status, processed_by, processed_at, attempts, last_error';

export const STAGE_TABLE = `
  channel_id bigint, message_id bigint, posted_at timestamptz, received_at timestamptz, text text, sender_id bigint,
  grouped_id bigint, media_type text, edited_at timestamptz, metadata jsonb,
  deleted_at timestamptz, status text, processed_by text, processed_at timestamptz, attempts integer, last_error text`;

/** What Telegram's dates can say; infinity is none of it. */
const known = (column: string) => `${column} between '1970-01-01 00:00:00+00' and '2106-02-07 06:28:15+00'`;
const knownIfAny = (column: string) => `coalesce(${known(column)}, true)`;

/** Why a row cannot be migrated; null where it can. `again`: an SQL condition for a message that has an older row. */
export function refusal(again: string): string {
  return `case
    when m.channel_id is null then 'channel_id is null'
    when m.message_id is null then 'message_id is null'
    when not ${known('m.posted_at')} or not ${known('m.created_at')} then 'date out of range'
    when not (${['edited_at', 'deleted_at', 'processed_at'].map((name) => knownIfAny(`m.${name}`)).join(' and ')}) then 'date out of range'
    when m.status not in ('pending', 'processing', 'processed', 'failed') then 'unknown status'
    when ${again} then 'message again'
  end`;
}

/**
 * JSON that `jsonb` does not take: a NUL, half of a surrogate pair, a number beyond all bounds. Such a value is kept as text
 * below one key. Pairs are taken out first; a backslash that is escaped itself may be taken for more than it is, and is
 * then kept as text too.
 */
const UNFIT_JSON = String.raw`(position('\u' in m.metadata::text) > 0
        and regexp_replace(m.metadata::text, '\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}', '', 'g')
            ~ '\\u(0000|[dD][89a-fA-F])') or m.metadata::text ~ '[:,[ ]-?[0-9.]+[eE][+-]?[0-9]{5}'`;

/** Objects stay objects; any other JSON is below the same key. */
const METADATA = `case
      when m.metadata is null then '{}'::jsonb
      when ${UNFIT_JSON} then jsonb_build_object('original', m.metadata::text)
      when json_typeof(m.metadata) = 'object' then m.metadata::jsonb
      else jsonb_build_object('original', m.metadata::text)
    end`;

/** Rows of the source that can be migrated, with the columns of the stage. `again` as for `refusal`. */
export function projection(schema: string, again: string, part?: Part): string {
  const within = part ? `and m.channel_id = ${part.channelId} and ${inMonth('m.posted_at', part)}` : '';
  return `
  select m.channel_id, m.message_id, date_trunc('second', m.posted_at) as posted_at, m.created_at as received_at,
         coalesce(m.content, '') as text, m.sender_id, m.grouped_id, m.media_type, m.edited_at, ${METADATA} as metadata,
         m.deleted_at, m.status, m.processed_by, m.processed_at, m.attempts, m.last_error
    from ${schema}.messages m
   where ${refusal(again)} is null ${within}`;
}

export function inMonth(column: string, { month }: Part): string {
  return `${column} >= '${month} 00:00:00+00' and ${column} < '${month} 00:00:00+00'::timestamptz + interval '1 month'`;
}

/**
 * A number that depends on every field, the same on every server from PostgreSQL 14 on: rows are spread over hash partitions by
 * these functions, so they may not change. A third of the time of an MD5 of the text.
 */
const checksum = (...fields: string[]) => `hash_record_extended(row(${fields.join(', ')}), 0)`;

/** Of `row`, one of the stage or of the target, with the time of its deletion. */
export function messageChecksum(row: string, deletedAt: string): string {
  return checksum(...MESSAGE_COLUMNS.split(', ').map((column) => `${row}.${column}`), deletedAt);
}

/** A finished message has an outcome; of one that failed the work stays as well. */
export const FINISHED = `status in ('processed', 'failed')`;
/** Its columns from those of the stage. */
export const OUTCOME = {
  at: 'coalesce(processed_at, received_at)',
  by: `coalesce(processed_by, 'unknown')`,
  attempts: 'greatest(attempts, 1)',
} as const;
const outcomeChecksum = (at: string, by: string, attempts: string) =>
  checksum('channel_id', 'message_id', at, 'status', by, attempts);

/** Fingerprints a part of a stage-shaped relation. `since`: older outcomes are left behind. */
export function stageFingerprints(relation: string, since: string): string {
  const kept = `${FINISHED} and ${OUTCOME.at} >= '${since}'`;
  return `
  select channel_id::text as "channelId", to_char(date_trunc('month', posted_at), 'YYYY-MM-DD') as month,
         count(*)::text as rows, sum(${messageChecksum('s', 's.deleted_at')})::text as checksum,
         count(*) filter (where ${kept})::text as outcomes,
         coalesce(sum(${outcomeChecksum(OUTCOME.at, OUTCOME.by, OUTCOME.attempts)}) filter (where ${kept}), 0)::text
           as "outcomesChecksum"
    from ${relation} s group by 1, 2 order by 1, 2`;
}

/** The same of what stands in the target. */
export const TARGET_FINGERPRINTS = `
  with facts as (
    select m.channel_id, date_trunc('month', m.posted_at) as month, count(*) as rows,
           sum(${messageChecksum('m', 'd.deleted_at')}) as checksum
      from telegram_gateway.messages m
      left join telegram_gateway.message_tombstones d using (channel_id, message_id)
     group by 1, 2
  ), done as (
    select channel_id, date_trunc('month', posted_at) as month, count(*) as rows,
           sum(${outcomeChecksum('at', 'processed_by', 'attempts')}) as checksum
      from telegram_gateway.message_outcomes group by 1, 2
  )
  select channel_id::text as "channelId", to_char(month, 'YYYY-MM-DD') as month, f.rows::text as rows,
         f.checksum::text as checksum, coalesce(d.rows, 0)::text as outcomes, coalesce(d.checksum, 0)::text as "outcomesChecksum"
    from facts f left join done d using (channel_id, month) order by 1, 2`;

/** A part with what it holds. */
export interface Fingerprint extends Part {
  readonly rows: string;
  readonly checksum: string;
  readonly outcomes: string;
  readonly outcomesChecksum: string;
}
