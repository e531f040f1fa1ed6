-- Compression, retention and refreshing: TimescaleDB's own jobs on TSL, the project's scheduler on Apache.
--
-- Purpose  apply_policies() sets the jobs to the wished days (TSL), refresh_aggregate() brings a plain view up to date
--          (Apache). The scheduler (runtime/maintenance) calls both on either edition, so nobody has to know which it is.
-- Lock     apply_policies: short, and only when something differs. refresh_aggregate: none that stops readers.
-- Edition  see above.
-- Cost     apply_policies: milliseconds. A refresh on Apache reads every stored message.

-- TimescaleDB runs a job as the owner of its table, and refuses one that may not log in. The owner has no password, so
-- SCRAM lets nobody in as it.
do $$
begin
  if telegram_gateway.timescale_edition() = 'tsl' then
    reset role;
    alter role telegram_owner login;
    set local role telegram_owner;
  end if;
end
$$;

do $$
begin
  if telegram_gateway.timescale_edition() = 'tsl' then
    alter table telegram_gateway.messages set (
      timescaledb.compress, timescaledb.compress_segmentby = 'channel_id',
      timescaledb.compress_orderby = 'posted_at desc, message_id desc');
    alter table telegram_gateway.message_versions set (
      timescaledb.compress, timescaledb.compress_segmentby = 'channel_id',
      timescaledb.compress_orderby = 'posted_at desc, message_id desc, version desc');
    alter table telegram_gateway.message_outcomes set (
      timescaledb.compress, timescaledb.compress_segmentby = 'group_name',
      timescaledb.compress_orderby = 'at desc');
  end if;
end
$$;

-- Lets a table forget after so many days; 0: never. Leaves alone what is right already.
create function telegram_gateway.set_retention(p_relation regclass, p_days integer) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  wanted constant interval := make_interval(days => nullif(p_days, 0));
  present interval;
begin
  select (j.config ->> 'drop_after')::interval into present
    from timescaledb_information.jobs j
   where j.proc_name = 'policy_retention' and format('%I.%I', j.hypertable_schema, j.hypertable_name)::regclass = p_relation;
  if present is not distinct from wanted then
    return;
  end if;
  perform public.remove_retention_policy(p_relation, if_exists => true);
  if wanted is not null then
    perform public.add_retention_policy(p_relation, wanted);
  end if;
end
$$;

-- Refreshed are the buckets that have changed, but none that retention has emptied: a refresh would erase them.
create function telegram_gateway.set_refresh(p_view regclass, p_days integer, p_every interval) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  -- One bucket less than retention keeps; a policy wants two and the one that is not over.
  wanted constant interval := case when p_days > 0 then greatest(make_interval(days => p_days) - p_every, 3 * p_every) end;
  job    record;
begin
  -- A plain view, made under the Apache edition, has no policy: refresh_aggregates() serves it.
  if (select relkind from pg_class where oid = p_view) = 'm' then
    return;
  end if;
  select (j.config ->> 'start_offset')::interval as present into job
    from timescaledb_information.jobs j
    join _timescaledb_catalog.continuous_agg a on a.mat_hypertable_id = (j.config ->> 'mat_hypertable_id')::integer
   where j.proc_name = 'policy_refresh_continuous_aggregate'
     and format('%I.%I', a.user_view_schema, a.user_view_name)::regclass = p_view;
  if found and job.present is not distinct from wanted then
    return;
  end if;
  perform public.remove_continuous_aggregate_policy(p_view, if_exists => true);
  perform public.add_continuous_aggregate_policy(
    p_view, start_offset => wanted, end_offset => p_every, schedule_interval => p_every);
end
$$;

-- The jobs as wished; 0 days keeps for ever. On Apache nothing: cleanup_old_messages() and refresh_aggregate() do it.
create function telegram_gateway.apply_policies(p_messages_days integer default 0, p_outcomes_days integer default 30)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if telegram_gateway.timescale_edition() <> 'tsl' then
    return;
  end if;
  -- Edits come mostly within two days; what comes later is written beside the compressed rows.
  perform public.add_compression_policy('telegram_gateway.messages', interval '7 days', if_not_exists => true);
  perform public.add_compression_policy('telegram_gateway.message_versions', interval '14 days', if_not_exists => true);
  perform public.add_compression_policy('telegram_gateway.message_outcomes', interval '7 days', if_not_exists => true);
  perform telegram_gateway.set_retention('telegram_gateway.messages', p_messages_days);
  perform telegram_gateway.set_retention('telegram_gateway.message_versions', p_messages_days);
  perform telegram_gateway.set_retention('telegram_gateway.message_outcomes', p_outcomes_days);
  perform telegram_gateway.set_refresh('telegram_gateway.messages_hourly', p_messages_days, interval '1 hour');
  perform telegram_gateway.set_refresh('telegram_gateway.messages_daily', p_messages_days, interval '1 day');
end
$$;

-- Brings a plain view up to date, while others read it; false for a continuous aggregate, which has a policy.
create function telegram_gateway.refresh_aggregate(p_view regclass) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_view not in ('telegram_gateway.messages_hourly'::regclass, 'telegram_gateway.messages_daily'::regclass) then
    raise invalid_parameter_value
      using message = format('view: expected messages_hourly or messages_daily, got %s', p_view);
  end if;
  if (select relkind from pg_class where oid = p_view) <> 'm' then
    return false;
  end if;
  execute format('refresh materialized view concurrently %s', p_view);
  return true;
end
$$;

-- What the scheduler does and when; the row is locked while its task runs, so one process runs it, however many there are.
create table telegram_gateway.maintenance_tasks (
  task         text        not null,
  every        interval    not null,
  due_at       timestamptz not null default now(),
  succeeded_at timestamptz,
  -- Of the last run; null when it succeeded.
  last_error   text,
  constraint maintenance_tasks_pk primary key (task)
);
insert into telegram_gateway.maintenance_tasks (task, every)
values ('policies', '1 day'), ('refresh_hourly', '1 hour'), ('refresh_daily', '1 day'), ('retention', '1 day');
revoke insert, update, delete on telegram_gateway.maintenance_tasks from gateway, consumer;
grant select on telegram_gateway.maintenance_tasks to monitor;

comment on table telegram_gateway.maintenance_tasks is 'What the scheduler does and when.';

revoke execute on function telegram_gateway.set_retention, telegram_gateway.set_refresh
  from public, gateway, consumer, api, reader;
revoke execute on function telegram_gateway.apply_policies, telegram_gateway.refresh_aggregate
  from public, gateway, consumer, reader;

select telegram_gateway.apply_policies();
