-- What a person or a dashboard asks first: is work being done, are the channels well, how does the database feel.
--
-- Purpose  live values, computed when the view is read; nothing to refresh.
-- Lock     none but a reader's.
-- Edition  any.
-- Cost     message_processing_stats and performance_metrics_realtime read the work rows and the last five minutes;
--          channel_health_summary, per channel, the last hour and the newest message. docs/sql.md has measured times.

-- One row a consumer group.
create view telegram_gateway.message_processing_stats as
select g.group_name, g.mode, g.active,
       coalesce(w.pending, 0)          as pending,
       coalesce(w.processing, 0)       as processing,
       -- Claimed and not finished in time; the next claim gives them back.
       coalesce(w.expired, 0)          as expired,
       coalesce(w.failed, 0)           as failed,
       extract(epoch from clock_timestamp() - w.oldest_pending_at)::float8 as oldest_pending_seconds,
       coalesce(o.processed, 0)        as processed_last_5_minutes,
       coalesce(o.failed, 0)           as failed_last_5_minutes,
       coalesce(o.processed, 0) / 300.0::float8 as processed_per_second,
       o.last_processed_at
  from telegram_gateway.consumer_groups g
  left join (select group_name,
                    count(*) filter (where status = 'pending')    as pending,
                    count(*) filter (where status = 'processing') as processing,
                    count(*) filter (where status = 'processing' and claimed_until < clock_timestamp()) as expired,
                    count(*) filter (where status = 'failed')     as failed,
                    min(created_at) filter (where status = 'pending') as oldest_pending_at
               from telegram_gateway.message_work group by group_name) w using (group_name)
  left join (select group_name,
                    count(*) filter (where status = 'processed') as processed,
                    count(*) filter (where status = 'failed')    as failed,
                    max(at) filter (where status = 'processed')  as last_processed_at
               from telegram_gateway.message_outcomes
              where at > now() - interval '5 minutes' group by group_name) o using (group_name);

comment on view telegram_gateway.message_processing_stats is 'Work by consumer group, and what was done lately.';

-- One row a channel, with the word that sums it up:
--   paused, left, gone   as its status says
--   failing              work on its messages was given up
--   recovering           history is still to be read
--   behind               something has waited for more than a minute
--   ok
create view telegram_gateway.channel_health_summary as
select c.channel_id, c.account_id, c.title, c.username, c.status,
       case when c.status <> 'active' then c.status
            when w.failed > 0 then 'failing'
            when c.backfill_next_id is not null then 'recovering'
            when w.oldest_pending_at < clock_timestamp() - interval '1 minute' then 'behind'
            else 'ok' end              as health,
       c.pts, c.last_message_id,
       -- Null when nothing was posted for a week.
       newest.posted_at                as last_posted_at,
       extract(epoch from clock_timestamp() - newest.posted_at)::float8 as silent_seconds,
       hour.messages                   as messages_last_hour,
       coalesce(w.pending, 0)          as pending,
       coalesce(w.failed, 0)           as failed,
       extract(epoch from clock_timestamp() - w.oldest_pending_at)::float8 as oldest_pending_seconds,
       c.backfill_next_id - c.backfill_until_id as backfill_left,
       -- Messages that this release cannot read.
       coalesce(holes.messages, 0)     as unreadable,
       c.reconciled_at, c.updated_at
  from telegram_gateway.channels c
  left join lateral (select m.posted_at from telegram_gateway.messages m
                      where m.channel_id = c.channel_id and m.posted_at > now() - interval '7 days'
                      order by m.posted_at desc limit 1) newest on true
  cross join lateral (select count(*) as messages from telegram_gateway.messages m
                       where m.channel_id = c.channel_id and m.posted_at > now() - interval '1 hour') hour
  left join (select channel_id,
                    count(*) filter (where status <> 'failed') as pending,
                    count(*) filter (where status = 'failed')  as failed,
                    min(created_at) filter (where status <> 'failed') as oldest_pending_at
               from telegram_gateway.message_work group by channel_id) w using (channel_id)
  left join (select channel_id, count(*) as messages from telegram_gateway.message_holes group by channel_id) holes
         using (channel_id);

comment on view telegram_gateway.channel_health_summary is 'Each channel, how far it is read, and whether it is well.';

-- One row a figure, so that a new figure is no new column.
create view telegram_gateway.performance_metrics_realtime as
with work as (
  select count(*) filter (where status = 'pending')    as pending,
         count(*) filter (where status = 'processing') as processing,
         count(*) filter (where status = 'failed')     as failed,
         min(created_at) filter (where status = 'pending') as oldest
    from telegram_gateway.message_work
), waiting as (
  select count(*) as pending, min(created_at) as oldest from telegram_gateway.outbox
), lately as (
  select count(*) as messages,
         percentile_cont(0.95) within group (order by extract(epoch from stored_at - received_at)::float8)
           filter (where source = 'push') as commit_p95
    from telegram_gateway.messages where posted_at > now() - interval '1 minute'
), done as (
  select count(*) filter (where status = 'processed') as processed, count(*) filter (where status = 'failed') as failed
    from telegram_gateway.message_outcomes where at > now() - interval '1 minute'
), server as (
  select numbackends, blks_hit, blks_read, deadlocks, temp_bytes from pg_catalog.pg_stat_database
   where datname = current_database()
), sessions as (
  select count(*) filter (where state = 'active') as active,
         count(*) filter (where wait_event_type = 'Lock') as blocked,
         extract(epoch from max(clock_timestamp() - xact_start))::float8 as oldest_transaction
    from pg_catalog.pg_stat_activity where datname = current_database() and backend_type = 'client backend'
)
select f.metric, f.value::float8 as value, f.unit
  from work, waiting, lately, done, server, sessions,
       lateral (values
         ('messages_posted_last_minute', lately.messages::float8,  'messages'),
         ('commit_latency_p95',       lately.commit_p95,           'seconds'),
         ('processed_last_minute',    done.processed,              'events'),
         ('failed_last_minute',       done.failed,                 'events'),
         ('work_pending',             work.pending,                'events'),
         ('work_processing',          work.processing,             'events'),
         ('work_failed',              work.failed,                 'events'),
         ('work_oldest_pending_age',  extract(epoch from clock_timestamp() - work.oldest),    'seconds'),
         ('outbox_pending',           waiting.pending,             'events'),
         ('outbox_oldest_age',        extract(epoch from clock_timestamp() - waiting.oldest), 'seconds'),
         ('connections',              server.numbackends,          'connections'),
         ('sessions_active',          sessions.active,             'sessions'),
         ('sessions_blocked',         sessions.blocked,            'sessions'),
         ('oldest_transaction_age',   sessions.oldest_transaction, 'seconds'),
         ('cache_hit_ratio',          server.blks_hit / nullif(server.blks_hit + server.blks_read, 0)::float8, 'ratio'),
         ('deadlocks',                server.deadlocks,            'deadlocks since the statistics began'),
         ('temporary_files',          server.temp_bytes,           'bytes since the statistics began'),
         ('database_size',            pg_catalog.pg_database_size(current_database()), 'bytes')
       ) as f (metric, value, unit);

comment on view telegram_gateway.performance_metrics_realtime is 'The figures of this moment; a value that does not exist now is null.';

revoke insert, update, delete on telegram_gateway.message_processing_stats, telegram_gateway.channel_health_summary,
  telegram_gateway.performance_metrics_realtime from gateway, consumer, api;
-- Monitoring sees figures, not messages.
grant select on telegram_gateway.message_processing_stats, telegram_gateway.channel_health_summary,
  telegram_gateway.performance_metrics_realtime to monitor;
