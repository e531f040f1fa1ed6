-- Claims that read what they name, whatever the statistics say.
--
-- Purpose  the work table is empty most of the time, and a plan that was kept from then read all that a group has, or had, to find
--          the few rows that a batch of the broker names: 1.2 ms a batch at 1,000 messages a second, and the more the more
--          waits. Here each row is looked for by its key. And what was polled is fetched by a statement that is planned each time,
--          for the sake of one chunk instead of all: of new messages alone, which is nearly always, without edits and deletions.
-- Lock     none on tables.
-- Edition  any.
-- Cost     milliseconds.
--
-- A lateral lookup with a limit cannot be turned into a join over the group, and without sequential scans the primary key is the one way.

-- Takes the named rows for the transaction that asks, in key order, so that two batches cannot wait for each other. It waits for a
-- row that another transaction holds, then sees whether it is still there. `busy` is under another worker's lease, `given_up` was
-- tried often enough. With a worker, only what is due or under that worker's own lease; the rest is left out.
create function telegram_gateway.claim_work(
  p_group_name  text,
  p_channel_ids bigint[],
  p_message_ids bigint[],
  p_versions    integer[],
  p_kinds       text[],
  p_worker      text default null
) returns table (
  channel_id bigint, message_id bigint, version integer, kind text, fence bigint, given_up boolean, busy boolean
)
language plpgsql
set search_path = pg_catalog, pg_temp set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  return query
    select e.channel_id, e.message_id, e.version, e.kind, w.fence, w.status = 'failed',
           p_worker is null and (w.status = 'processing' and w.claimed_until > clock_timestamp()) is true
      from (select * from unnest(p_channel_ids, p_message_ids, p_versions, p_kinds)
                       as u (channel_id, message_id, version, kind)
             order by u.channel_id, u.message_id, u.version, u.kind) e
     cross join lateral (
       select w.fence, w.status, w.claimed_until
         from telegram_gateway.message_work w
        where w.group_name = p_group_name and w.channel_id = e.channel_id and w.message_id = e.message_id
          and w.version = e.version and w.kind = e.kind
          and (p_worker is null
               or case w.status when 'pending' then w.claimed_until is null or w.claimed_until <= clock_timestamp()
                                when 'processing' then w.claimed_by = p_worker
                                else false end)
        limit 1 for update
     ) w;
end
$$;

-- Removes rows that the same transaction has claimed, each for as long as its fence is the one of the claim, and tells the history
-- when each was handled; returns how many.
create function telegram_gateway.finish_work(
  p_group_name   text,
  p_channel_ids  bigint[],
  p_message_ids  bigint[],
  p_versions     integer[],
  p_kinds        text[],
  p_fences       bigint[],
  p_at           timestamptz[],
  p_processed_by text
) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  places   tid[];
  finished integer;
begin
  select array_agg(w.place) into places
    from unnest(p_channel_ids, p_message_ids, p_versions, p_kinds, p_fences) as e (channel_id, message_id, version, kind, fence)
   cross join lateral (
     select w.ctid as place
       from telegram_gateway.message_work w
      where w.group_name = p_group_name and w.channel_id = e.channel_id and w.message_id = e.message_id
        and w.version = e.version and w.kind = e.kind and w.fence = e.fence
      limit 1
   ) w;
  with removed as (
    delete from telegram_gateway.message_work w where w.ctid = any (places)
    returning w.channel_id, w.message_id, w.version, w.kind, w.posted_at, w.account_id, w.attempts
  )
  insert into telegram_gateway.message_outcomes (at, group_name, kind, channel_id, message_id, version, posted_at,
                                                 account_id, status, processed_by, attempts)
  select e.at, p_group_name, r.kind, r.channel_id, r.message_id, r.version, r.posted_at, r.account_id, 'processed',
         p_processed_by, r.attempts + 1
    from removed r
    join unnest(p_channel_ids, p_message_ids, p_versions, p_kinds, p_at) as e (channel_id, message_id, version, kind, at)
      on e.channel_id = r.channel_id and e.message_id = r.message_id and e.version = r.version and e.kind = r.kind;
  get diagnostics finished = row_count;
  return finished;
end
$$;

revoke execute on function telegram_gateway.claim_work, telegram_gateway.finish_work from public, gateway, api, reader;

-- As in 12_claims_by_place.sql. New: a day on which nothing but new messages was claimed is read from the messages alone.
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
         left join telegram_gateway.messages m
           on m.channel_id = w.channel_id and m.message_id = w.message_id
          and m.posted_at = w.posted_at and m.posted_at >= $2 and m.posted_at < $3
        order by w.channel_id, w.message_id, w.version'
    else
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
    end
      using part, coalesce(day, '-infinity'), coalesce(day + interval '1 day', '-infinity');
  end loop;
end
$$;

-- As in 05_performance_functions.sql. New: the rows are looked for by their key, and found again by their place.
create or replace function telegram_gateway.mark_batch_as_processed(
  p_channel_id   bigint,
  p_message_ids  bigint[],
  p_processed_by text,
  p_group_name   text     default 'default',
  p_fences       bigint[] default null
) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  places   tid[];
  finished telegram_gateway.message_work[];
begin
  if p_processed_by is null then
    raise null_value_not_allowed using message = 'processed_by: expected the name of a worker, got null';
  end if;
  if cardinality(p_fences) <> cardinality(p_message_ids) then
    raise array_subscript_error using message = 'fences: expected one for each message id';
  end if;
  with wanted as (
    select distinct u.message_id, u.fence from unnest(p_message_ids, p_fences) as u (message_id, fence)
  ), held as materialized (
    select w.place, u.message_id, w.status, w.claimed_by, u.fence is null or u.fence = w.fence as current
      from (select * from wanted order by message_id, fence) u
     cross join lateral (
       select w.ctid as place, w.status, w.claimed_by, w.fence
         from telegram_gateway.message_work w
        where w.group_name = p_group_name and w.channel_id = p_channel_id and w.message_id = u.message_id
        order by w.version, w.kind
        offset 0 for update
     ) w
  )
  select array_agg(h.place) into places
    from held h
   where h.current
     and case when h.status = 'processing' then h.claimed_by is null or h.claimed_by = p_processed_by
              else not exists (select from held o where o.message_id = h.message_id and o.status = 'processing') end;

  -- A statement of its own: it sees also what somebody wrote while the one above waited for him.
  with removed as (
    delete from telegram_gateway.message_work w where w.ctid = any (places)
    returning w as item
  )
  select array_agg(item) into finished from removed;
  return telegram_gateway.append_outcomes(finished, 'processed', p_processed_by);
end
$$;
