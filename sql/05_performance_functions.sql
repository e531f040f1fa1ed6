-- Taking work, finishing it, and forgetting what is old.
--
-- Purpose  the polling side of a consumer in three calls: claim, finish, clean up. Status lives in `message_work` alone.
-- Lock     claiming and finishing: the rows they return, never a wait for another claimer (SKIP LOCKED).
--          Cleaning up: drops whole chunks, each for a moment exclusively.
-- Edition  any; `drop_chunks` works on both.
-- Cost     a claim costs what its own rows cost, whatever is stored: it plans one day's chunk at a time.
--
-- `claimed_until` of a pending row, if there is one, is the time before which nobody may claim it (a pause after a failure).
-- Settings of the functions: the work table is filled and emptied faster than statistics follow, so the plans must not
-- depend on them; every access here has an index.

-- ------------------------------------------------------------------------------------------------------- claims

-- Tells the history what became of work rows that are gone, or were given up; returns how many.
create function telegram_gateway.append_outcomes(
  p_work telegram_gateway.message_work[], p_status text, p_processed_by text
) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into telegram_gateway.message_outcomes (at, group_name, kind, channel_id, message_id, version, posted_at,
                                                 account_id, status, processed_by, attempts)
  select clock_timestamp(), w.group_name, w.kind, w.channel_id, w.message_id, w.version, w.posted_at, w.account_id,
         p_status, p_processed_by, case p_status when 'processed' then w.attempts + 1 else w.attempts end
    from unnest(p_work) w;
  return coalesce(cardinality(p_work), 0);
end
$$;

-- Gives back what was claimed and not finished in time, one try poorer; the last try makes it `failed`.
-- Returns how many rows. Called by every claim, so nobody has to.
create function telegram_gateway.return_expired_claims(
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
    select w.kind, w.channel_id, w.message_id, w.version
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
     where w.group_name = p_group_name and w.kind = e.kind and w.channel_id = e.channel_id
       and w.message_id = e.message_id and w.version = e.version
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

-- Claims up to `p_limit` events that wait in a channel (null: in any channel) and returns them with their content.
--
-- Promised: no event is claimed by two at once; what is not finished within `p_visibility` goes to the next claimer.
--   In a channel as posted, each message's versions in order; over all channels in the order of arrival.
-- Not promised: order between claimers that work side by side.
-- `p_limit`: 0, less or null claims nothing, more than 1,000 counts as 1,000. An unknown channel or group has no work.
-- `fence` is the number of the claim: give it to mark_batch_as_processed() to be sure that the claim was still yours.
-- `text` is null when retention has taken the message; empty for a deletion.
create function telegram_gateway.get_unprocessed_messages_optimized(
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
    select array_agg(item) into claimed
      from (select w as item from telegram_gateway.message_work w
             where w.group_name = p_group_name and w.channel_id = p_channel_id and w.status = 'pending'
               and (w.claimed_until is null or w.claimed_until <= statement_timestamp())
             order by w.posted_at, w.message_id, w.version limit take
               for update skip locked) waiting;
  else
    select array_agg(item) into claimed
      from (select w as item from telegram_gateway.message_work w
             where w.group_name = p_group_name and w.status = 'pending'
               and (w.claimed_until is null or w.claimed_until <= statement_timestamp())
             order by w.created_at limit take
               for update skip locked) waiting;
  end if;

  with taken as (
    update telegram_gateway.message_work w
       set status = 'processing', fence = w.fence + 1, claimed_by = p_claimed_by,
           claimed_until = clock_timestamp() + p_visibility
      from unnest(claimed) c
     where w.group_name = p_group_name and w.kind = c.kind and w.channel_id = c.channel_id
       and w.message_id = c.message_id and w.version = c.version
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

-- -------------------------------------------------------------------------------------------------- finishing

-- Ends the work on messages of one channel: removes the work rows and tells the history. Returns how many events.
--
-- Of each message: what `p_processed_by` has claimed (or somebody who gave no name); if nobody has claimed anything of
-- it, whatever waits. What another worker holds stays his. Ids that are unknown, null or there twice do no harm.
-- `p_fences`, one an id: finishes only what is still under that claim, so compare the result with what you expected.
create function telegram_gateway.mark_batch_as_processed(
  p_channel_id   bigint,
  p_message_ids  bigint[],
  p_processed_by text,
  p_group_name   text     default 'default',
  p_fences       bigint[] default null
) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp set jit = off set enable_seqscan = off
as $$
declare
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
    select w.kind, w.message_id, w.version, w.status, w.claimed_by, u.fence is null or u.fence = w.fence as current
      from wanted u
      join telegram_gateway.message_work w
        on w.group_name = p_group_name and w.channel_id = p_channel_id and w.message_id = u.message_id
     order by w.message_id, w.version, w.kind
       for update of w
  ), removed as (
    delete from telegram_gateway.message_work w using held h
     where w.group_name = p_group_name and w.channel_id = p_channel_id
       and w.message_id = h.message_id and w.version = h.version and w.kind = h.kind and h.current
       and case when h.status = 'processing' then h.claimed_by is null or h.claimed_by = p_processed_by
                else not exists (select from held o where o.message_id = h.message_id and o.status = 'processing') end
    returning w as item
  )
  select array_agg(item) into finished from removed;
  return telegram_gateway.append_outcomes(finished, 'processed', p_processed_by);
end
$$;

-- -------------------------------------------------------------------------------------------------- forgetting

-- Forgets messages posted more than `p_days` ago, with their edits, their deletions, and the work that nobody did on them.
-- By whole chunks (a day of messages, a week of edits): nothing younger goes. Tells what went.
-- 0, less or null is an error, not "everything".
create function telegram_gateway.cleanup_old_messages(p_days integer)
returns table (relation text, removed bigint, unit text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  horizon timestamptz;
begin
  if p_days is null or p_days < 1 then
    raise invalid_parameter_value
      using message = format('days: expected 1 or more, got %s', coalesce(p_days::text, 'null'));
  end if;
  -- A million days is before any message, and still a date.
  horizon := date_trunc('day', now() - make_interval(days => least(p_days, 1000000)), 'UTC');

  select count(*) into removed from public.drop_chunks('telegram_gateway.messages', older_than => horizon);
  relation := 'messages'; unit := 'chunks'; return next;

  select count(*) into removed from public.drop_chunks('telegram_gateway.message_versions', older_than => horizon);
  relation := 'message_versions'; return next;

  delete from telegram_gateway.message_tombstones where deleted_at < horizon;
  get diagnostics removed = row_count;
  relation := 'message_tombstones'; unit := 'rows'; return next;

  delete from telegram_gateway.message_work where posted_at < horizon;
  get diagnostics removed = row_count;
  relation := 'message_work'; return next;
end
$$;

-- The same for the history of the work. Returns the number of chunks (a day each).
create function telegram_gateway.cleanup_old_outcomes(p_days integer) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  dropped bigint;
begin
  if p_days is null or p_days < 1 then
    raise invalid_parameter_value
      using message = format('days: expected 1 or more, got %s', coalesce(p_days::text, 'null'));
  end if;
  select count(*) into dropped
    from public.drop_chunks('telegram_gateway.message_outcomes',
                            older_than => now() - make_interval(days => least(p_days, 1000000)));
  return dropped;
end
$$;

-- Who claims and finishes is a consumer; what forgets is run by the scheduler, in the API.
revoke execute on function
  telegram_gateway.append_outcomes, telegram_gateway.return_expired_claims,
  telegram_gateway.get_unprocessed_messages_optimized,
  telegram_gateway.mark_batch_as_processed from public, gateway, api, reader;
revoke execute on function telegram_gateway.cleanup_old_messages, telegram_gateway.cleanup_old_outcomes
  from public, gateway, consumer, reader;
