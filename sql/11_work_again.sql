-- Work that is due once more, for a group that waits at its queue; and work without a date, which is forgotten like any other.
--
-- Purpose  an event that one group is to handle again goes to the queue of that group alone: the others would take it for
--          sent again, and those that had given it up would begin anew.
-- Lock     the outbox, for a moment exclusively.
-- Edition  any.
-- Cost     milliseconds: the column is empty at first.

alter table telegram_gateway.outbox add column group_name text;
comment on column telegram_gateway.outbox.group_name is 'The one group whose queue it goes to; null: the exchange, for all.';

-- As in 06_upsert_helpers.sql. New: `pending` brings the event to the group's queue again, if the group has one.
create or replace function telegram_gateway.upsert_message_status(
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
  elsif p_status = 'pending' then
    insert into telegram_gateway.outbox (account_id, kind, channel_id, message_id, version, posted_at, group_name)
    select c.account_id, c.kind, c.channel_id, c.message_id, c.version, c.posted_at, c.group_name
      from unnest(changed) c
      join telegram_gateway.consumer_groups g on g.group_name = c.group_name and g.mode <> 'poll'
     order by c.channel_id, c.message_id, c.version;
  end if;
  return changed is not null;
end
$$;

-- As in 05_performance_functions.sql. New: of a deletion of a message never seen, which has no date, it is the day it was stored.
create or replace function telegram_gateway.cleanup_old_messages(p_days integer)
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

  delete from telegram_gateway.message_work where coalesce(posted_at, created_at) < horizon;
  get diagnostics removed = row_count;
  relation := 'message_work'; return next;
end
$$;
