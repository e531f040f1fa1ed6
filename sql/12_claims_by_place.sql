-- Claims that cost the same, however much waits.
--
-- Purpose  a plan is kept from when next to nothing waited until statistics follow, and such a plan read all that the group
--          has to find the few rows that it had just locked: with ten thousand waiting 5 to 10 ms a claim, instead of 2.
--          Where a locked row stands says no index and no statistics: nobody moves it while it is locked.
-- Lock     none on tables.
-- Edition  any.
-- Cost     milliseconds.

-- As in 05_performance_functions.sql. New: the rows are found again by their place.
create or replace function telegram_gateway.return_expired_claims(
  p_group_name   text    default 'default',
  -- The first try and three more, as on the path by the broker.
  p_max_attempts integer default 4
) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp set jit = off set enable_seqscan = off
as $$
declare
  given_back telegram_gateway.message_work[];
begin
  with expired as materialized (
    select w.ctid as place
      from telegram_gateway.message_work w
     where w.group_name = p_group_name and w.status = 'processing' and w.claimed_until < statement_timestamp()
     order by w.claimed_until limit 1000
       for update skip locked
  ), updated as (
    update telegram_gateway.message_work w
       set status = case when w.attempts + 1 >= p_max_attempts then 'failed' else 'pending' end,
           attempts = w.attempts + 1, fence = w.fence + 1, claimed_by = null, claimed_until = null,
           last_error = format('claimed by %s, not finished in time', coalesce(w.claimed_by, 'nobody named'))
      from expired e
     where w.ctid = e.place
    returning w as item
  )
  select array_agg(item) into given_back from updated;
  if given_back is not null then
    perform telegram_gateway.append_outcomes(
      array(select w from unnest(given_back) w where w.status = 'failed'), 'failed', 'claim timed out');
  end if;
  return coalesce(cardinality(given_back), 0);
end
$$;

-- As in 05_performance_functions.sql. New: the same.
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
begin
  if p_limit is null or take <= 0 then
    return;
  end if;
  perform telegram_gateway.return_expired_claims(p_group_name);

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
  for day, part in
    select date_trunc('day', w.posted_at, 'UTC') as d, array_agg(w order by w.channel_id, w.message_id, w.version)
      from unnest(claimed) w group by d order by d nulls first
  loop
    return query execute
      'select w.kind, w.channel_id, w.message_id, w.version, w.posted_at, w.account_id, w.attempts, w.fence,
              coalesce(m.received_at, v.received_at, t.deleted_at), coalesce(v.edited_at, m.edited_at),
              coalesce(m.source, v.source, t.source),
              case when w.kind = ''message.deleted'' then '''' else coalesce(m.text, v.text) end,
              m.sender_id, coalesce(m.media_type, v.media_type), coalesce(m.metadata, v.metadata)
         from unnest($1) w
         left join telegram_gateway.messages m
           on w.kind = ''message.created'' and m.channel_id = w.channel_id and m.message_id = w.message_id
          and m.posted_at = w.posted_at and m.posted_at >= $2 and m.posted_at < $3
         left join telegram_gateway.message_versions v
           on w.kind = ''message.edited'' and v.channel_id = w.channel_id and v.message_id = w.message_id
          and v.version = w.version and v.posted_at = w.posted_at and v.posted_at >= $2 and v.posted_at < $3
         left join telegram_gateway.message_tombstones t
           on w.kind = ''message.deleted'' and t.channel_id = w.channel_id and t.message_id = w.message_id
        order by w.channel_id, w.message_id, w.version'
      using part, coalesce(day, '-infinity'), coalesce(day + interval '1 day', '-infinity');
  end loop;
end
$$;
