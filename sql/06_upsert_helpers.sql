-- Setting a status, and storing messages in bulk, from plain SQL.
--
-- Purpose  for tools and imports; the gateway and the consumers have statements of their own.
-- Lock     the rows they write.
-- Edition  any.
-- Cost     a status: one row by its key, where there is work on the message; else one look into each chunk, unless
--          `p_posted_at` names it. Bulk: docs/sql.md has the measured rate.

-- Sets the status of a message in one group. False when there was nothing to set it on: no such message is stored, or it
-- was to be `processed` and no work was left.
--
--   pending     waits (again) for a claim, with all its tries; also when it was finished before
--   processing  claimed by `p_processed_by` for `p_visibility`
--   failed      given up; told in the history
--   processed   finished; told in the history
--
-- Of a message on which there is work, it is all of that work, or the version that is named. Of one without work it is
-- the version that is named, else the message as first seen. Whatever claim there was is over: its fence has passed.
create function telegram_gateway.upsert_message_status(
  p_channel_id   bigint,
  p_message_id   bigint,
  p_status       text,
  p_group_name   text        default 'default',
  p_processed_by text        default current_user,
  p_version      integer     default null,
  p_posted_at    timestamptz default null,
  p_visibility   interval    default interval '30 seconds'
) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp set jit = off set enable_seqscan = off
as $$
declare
  changed telegram_gateway.message_work[];
begin
  if p_status is null or p_status not in ('pending', 'processing', 'failed', 'processed') then
    raise invalid_parameter_value using
      message = format('status: expected pending, processing, failed or processed, got %s', coalesce(quote_literal(p_status), 'null'));
  end if;
  if p_processed_by is null then
    raise null_value_not_allowed using message = 'processed_by: expected the name of a worker, got null';
  end if;

  if p_status <> 'processed' and not exists (select from telegram_gateway.message_work w
                  where w.group_name = p_group_name and w.channel_id = p_channel_id and w.message_id = p_message_id
                    and (p_version is null or w.version = p_version)) then
    perform telegram_gateway.restore_work(p_channel_id, p_message_id, p_group_name, p_version, p_posted_at);
  end if;

  if p_status = 'processed' then
    with removed as (
      delete from telegram_gateway.message_work w
       where w.group_name = p_group_name and w.channel_id = p_channel_id and w.message_id = p_message_id
         and (p_version is null or w.version = p_version)
      returning w as item
    )
    select array_agg(item) into changed from removed;
  else
    with updated as (
      update telegram_gateway.message_work w
         set status = p_status, fence = w.fence + 1,
             attempts = case p_status when 'pending' then 0 when 'failed' then w.attempts + 1 else w.attempts end,
             claimed_by = case when p_status = 'processing' then p_processed_by end,
             claimed_until = case when p_status = 'processing' then clock_timestamp() + p_visibility end,
             last_error = case p_status when 'failed' then 'set by ' || p_processed_by when 'processing' then w.last_error end
       where w.group_name = p_group_name and w.channel_id = p_channel_id and w.message_id = p_message_id
         and (p_version is null or w.version = p_version)
      returning w as item
    )
    select array_agg(item) into changed from updated;
  end if;
  if p_status in ('processed', 'failed') then
    perform telegram_gateway.append_outcomes(changed, p_status, p_processed_by);
  end if;
  return changed is not null;
end
$$;

-- Puts the work row of a stored version back, as if it had just come. No version means the message as first seen.
create function telegram_gateway.restore_work(
  p_channel_id bigint, p_message_id bigint, p_group_name text, p_version integer, p_posted_at timestamptz
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Planned with the bounds as constants: with a date, one chunk.
  execute $sql$
    insert into telegram_gateway.message_work (group_name, kind, channel_id, message_id, version, posted_at, account_id)
    select $3, 'message.created', channel_id, message_id, 1, posted_at, account_id
      from telegram_gateway.messages
     where channel_id = $1 and message_id = $2 and coalesce($4, 1) = 1
       and posted_at >= coalesce($5, '-infinity') and posted_at <= coalesce($5, 'infinity')
    union all
    select $3, 'message.edited', channel_id, message_id, version, posted_at, account_id
      from telegram_gateway.message_versions
     where channel_id = $1 and message_id = $2 and version = $4 and version > 1
       and posted_at >= coalesce($5, '-infinity') and posted_at <= coalesce($5, 'infinity')
    on conflict do nothing $sql$
    using p_channel_id, p_message_id, p_group_name, p_version, p_posted_at;
end
$$;

-- Stores messages with work for every active group and an event for the broker, as the gateway does; all or nothing.
--
-- `p_messages`: an array of objects. Needed: channel_id, message_id (numbers or strings of 64 bits), posted_at. Optional:
--   text, sender_id, grouped_id, media_type, edited_at, received_at, kind ('message'), metadata ({}), raw (base64 of the TL bytes).
-- A message that is stored already stays as it is, one that was deleted stays deleted: both are `duplicates`, as are
--   repeats in the array.
-- `p_with_events` false: facts alone, no work and no event, for history that nobody is to handle.
create function telegram_gateway.bulk_upsert_messages(
  p_messages    jsonb,
  p_account_id  text    default 'default',
  p_source      text    default 'backfill',
  p_with_events boolean default true
) returns table (stored integer, duplicates integer)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if jsonb_typeof(p_messages) is distinct from 'array' then
    raise invalid_parameter_value using
      message = format('messages: expected an array of objects, got %s', coalesce(jsonb_typeof(p_messages), 'null'));
  end if;
  with added as (
    insert into telegram_gateway.messages (account_id, channel_id, message_id, posted_at, received_at, source, kind, text,
                                           sender_id, grouped_id, media_type, edited_at, metadata, raw)
    select p_account_id, r.channel_id, r.message_id, date_trunc('second', r.posted_at),
           coalesce(r.received_at, clock_timestamp()), p_source, coalesce(r.kind, 'message'), coalesce(r.text, ''),
           r.sender_id, r.grouped_id, r.media_type, r.edited_at, coalesce(r.metadata, '{}'),
           coalesce(decode(r.raw, 'base64'), '')
      from jsonb_to_recordset(p_messages) as r (
             channel_id bigint, message_id bigint, posted_at timestamptz, received_at timestamptz, kind text, text text,
             sender_id bigint, grouped_id bigint, media_type text, edited_at timestamptz, metadata jsonb, raw text)
     where not exists (select from telegram_gateway.message_tombstones d
                        where d.channel_id = r.channel_id and d.message_id = r.message_id)
     -- In key order, so that two imports of the same messages cannot wait for each other.
     order by r.channel_id, r.message_id
    on conflict do nothing
    returning account_id, channel_id, message_id, posted_at
  ), work as (
    insert into telegram_gateway.message_work (group_name, kind, channel_id, message_id, version, posted_at, account_id)
    select g.group_name, 'message.created', a.channel_id, a.message_id, 1, a.posted_at, a.account_id
      from added a cross join telegram_gateway.consumer_groups g
     where g.active and p_with_events
    on conflict do nothing
  ), events as (
    insert into telegram_gateway.outbox (account_id, kind, channel_id, message_id, version, posted_at)
    select account_id, 'message.created', channel_id, message_id, 1, posted_at from added where p_with_events
  )
  select count(*) into stored from added;
  duplicates := jsonb_array_length(p_messages) - stored;
  return next;
end
$$;

-- Statuses are the consumers' (and a person's, as the owner), imports the gateway's.
revoke execute on function telegram_gateway.upsert_message_status, telegram_gateway.restore_work
  from public, gateway, api, reader;
revoke execute on function telegram_gateway.bulk_upsert_messages from public, consumer, api, reader;
