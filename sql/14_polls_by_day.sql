-- Polls that plan for one day of messages, however many there are.
--
-- Purpose  the condition of an outer join does not tell the planner which chunks it may leave out: it took in all of them, and threw out
--          all but one after that, for more than a third of the time that a poll took at thirty chunks and the more the more there
--          are. In a subquery with a limit, which is not turned into a join, the same condition leaves one. `is true` keeps the planner
--          from the index over `posted_at` alone, where a busy second has thousands: the key finds the row.
-- Lock     none on tables.
-- Edition  any.
-- Cost     milliseconds.

-- As in 13_claims_by_key.sql. New: each row of a hypertable is looked for in a subquery of its own.
create or replace function telegram_gateway.get_unprocessed_messages_optimized(
  p_channel_id bigint,
  p_limit      integer  default 100,
  p_group_name text     default 'default',
  p_claimed_by text     default null,
  p_visibility interval default interval '30 seconds'
) returns table (
  kind text, channel_id bigint, message_id bigint, version integer, posted_at timestamptz, account_id text,
  attempts integer, fence bigint, received_at timestamptz, edited_at timestamptz, source text,
  text text, sender_id bigint, media_type text, metadata jsonb
)
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  take    constant integer := least(p_limit, 1000);
  places  tid[];
  claimed telegram_gateway.message_work[];
  day     timestamptz;
  part    telegram_gateway.message_work[];
  fresh   boolean;
begin
  if p_limit is null or take <= 0 then
    return;
  end if;
  -- Nearly always there is none, which is told much sooner than by the call.
  if exists (select from telegram_gateway.message_work w
              where w.group_name = p_group_name and w.status = 'processing' and w.claimed_until < statement_timestamp()) then
    perform telegram_gateway.return_expired_claims(p_group_name);
  end if;

  -- Two statements, not one with "or": each has an index of its own that gives its order.
  if p_channel_id is not null then
    select array_agg(place) into places
      from (select w.ctid as place from telegram_gateway.message_work w
             where w.group_name = p_group_name and w.channel_id = p_channel_id and w.status = 'pending'
               and (w.claimed_until is null or w.claimed_until <= statement_timestamp())
             order by w.posted_at, w.message_id, w.version limit take
               for update skip locked) waiting;
  else
    select array_agg(place) into places
      from (select w.ctid as place from telegram_gateway.message_work w
             where w.group_name = p_group_name and w.status = 'pending'
               and (w.claimed_until is null or w.claimed_until <= statement_timestamp())
             order by w.created_at limit take
               for update skip locked) waiting;
  end if;

  with taken as (
    update telegram_gateway.message_work w
       set status = 'processing', fence = w.fence + 1, claimed_by = p_claimed_by,
           claimed_until = clock_timestamp() + p_visibility
     where w.ctid = any (places)
    returning w as item
  )
  select array_agg(item) into claimed from taken;

  -- Day by day, so that the planner sees constants and takes in one chunk instead of all.
  for day, part, fresh in
    select date_trunc('day', w.posted_at, 'UTC') as d, array_agg(w order by w.channel_id, w.message_id, w.version),
           bool_and(w.kind = 'message.created')
      from unnest(claimed) w group by d order by d nulls first
  loop
    return query execute case when fresh then
      'select w.kind, w.channel_id, w.message_id, w.version, w.posted_at, w.account_id, w.attempts, w.fence,
              m.received_at, m.edited_at, m.source, m.text, m.sender_id, m.media_type, m.metadata
         from unnest($1) w
         left join lateral (
           select * from telegram_gateway.messages stored
            where stored.channel_id = w.channel_id and stored.message_id = w.message_id
              and stored.posted_at >= $2 and stored.posted_at < $3 and (stored.posted_at = w.posted_at) is true
            limit 1
         ) m on true
        order by w.channel_id, w.message_id, w.version'
    else
      'select w.kind, w.channel_id, w.message_id, w.version, w.posted_at, w.account_id, w.attempts, w.fence,
              coalesce(m.received_at, v.received_at, t.deleted_at), coalesce(v.edited_at, m.edited_at),
              coalesce(m.source, v.source, t.source),
              case when w.kind = ''message.deleted'' then '''' else coalesce(m.text, v.text) end,
              m.sender_id, coalesce(m.media_type, v.media_type), coalesce(m.metadata, v.metadata)
         from unnest($1) w
         left join lateral (
           select * from telegram_gateway.messages stored
            where w.kind = ''message.created'' and stored.channel_id = w.channel_id and stored.message_id = w.message_id
              and stored.posted_at >= $2 and stored.posted_at < $3 and (stored.posted_at = w.posted_at) is true
            limit 1
         ) m on true
         left join lateral (
           select * from telegram_gateway.message_versions edited
            where w.kind = ''message.edited'' and edited.channel_id = w.channel_id and edited.message_id = w.message_id
              and edited.version = w.version and edited.posted_at >= $2 and edited.posted_at < $3
              and (edited.posted_at = w.posted_at) is true
            limit 1
         ) v on true
         left join telegram_gateway.message_tombstones t
           on w.kind = ''message.deleted'' and t.channel_id = w.channel_id and t.message_id = w.message_id
        order by w.channel_id, w.message_id, w.version'
    end
      using part, coalesce(day, '-infinity'), coalesce(day + interval '1 day', '-infinity');
  end loop;
end
$$;
