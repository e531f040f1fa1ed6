-- What the database holds of all that was stored until :until (seconds since 1970): the same on the server that was backed up
-- and on one that was restored from it.
set timezone = 'UTC';
with bound as (
  select to_timestamp(:until) as until
),
channels as (
  select channel_id, count(*) as messages
    from telegram_gateway.messages, bound
   where stored_at <= until
   group by channel_id
),
edges as (
  (select m.* from telegram_gateway.messages m, bound where stored_at <= until order by posted_at desc, message_id desc limit 25)
  union
  (select m.* from telegram_gateway.messages m, bound where stored_at <= until order by posted_at, message_id limit 25)
)
select json_build_object(
  'until', :until,
  'channels', (select coalesce(json_object_agg(channel_id, messages order by channel_id), '{}') from channels),
  'samples', (select coalesce(json_object_agg(
                       format('%s/%s', channel_id, message_id), md5(edges::text) order by channel_id, message_id), '{}')
                from edges),
  'hypertables', (select count(*) from timescaledb_information.hypertables),
  'jobs', (select count(*) from timescaledb_information.jobs where hypertable_name is not null),
  'aggregates', (select count(*) from timescaledb_information.continuous_aggregates),
  'tables', (select count(*) from pg_tables where schemaname = 'telegram_gateway')
);
