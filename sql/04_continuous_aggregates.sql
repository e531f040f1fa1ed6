-- Messages by hour and by day, ready counted.
--
-- Purpose  analysis over months without reading the messages: `messages_hourly`, and `messages_daily` from it.
-- Lock     only on objects that it creates.
-- Edition  TSL: continuous aggregates, which also count what came since the last refresh. Apache: materialized views of
--          the same columns, as fresh as their last refresh. Which edition it is, `timescale_edition()` tells.
--          Policies (TSL) and refreshing (Apache) are in 08_policies.sql.
-- Cost     TSL: a definition, filled by the policy. Apache: reads every stored message once.

create function telegram_gateway.timescale_edition() returns text
language sql stable parallel safe
return case current_setting('timescaledb.license', true) when 'timescale' then 'tsl' else 'apache' end;

comment on function telegram_gateway.timescale_edition() is '`tsl` or `apache`: what this server can do now.';

do $$
declare
  -- `real time`: rows newer than the last refresh are counted when the view is read.
  options constant text := case telegram_gateway.timescale_edition()
    when 'tsl' then 'with (timescaledb.continuous, timescaledb.materialized_only = false)' else '' end;
  -- A continuous aggregate cannot be filled inside a transaction.
  fill    constant text := case telegram_gateway.timescale_edition() when 'tsl' then 'with no data' else 'with data' end;
begin
  execute format($view$
    create materialized view telegram_gateway.messages_hourly %s as
    select public.time_bucket('1 hour', posted_at)         as bucket,
           account_id,
           channel_id,
           count(*)                                        as messages,
           count(*) filter (where kind = 'service')        as service_messages,
           count(*) filter (where media_type is not null)  as media_messages,
           sum(length(text))                               as characters,
           min(message_id)                                 as first_message_id,
           max(message_id)                                 as last_message_id
      from telegram_gateway.messages
     group by 1, 2, 3
      %s $view$, options, fill);

  execute format($view$
    create materialized view telegram_gateway.messages_daily %s as
    select public.time_bucket('1 day', bucket)             as bucket,
           account_id,
           channel_id,
           sum(messages)::bigint                           as messages,
           sum(service_messages)::bigint                   as service_messages,
           sum(media_messages)::bigint                     as media_messages,
           sum(characters)::bigint                         as characters,
           min(first_message_id)                           as first_message_id,
           max(last_message_id)                            as last_message_id
      from telegram_gateway.messages_hourly
     group by 1, 2, 3
      %s $view$, options, fill);

  -- Also what lets a plain view be refreshed while it is read.
  if telegram_gateway.timescale_edition() = 'apache' then
    create unique index messages_hourly_key on telegram_gateway.messages_hourly (channel_id, bucket, account_id);
    create unique index messages_daily_key on telegram_gateway.messages_daily (channel_id, bucket, account_id);
  end if;
end
$$;

revoke insert, update, delete on telegram_gateway.messages_hourly, telegram_gateway.messages_daily
  from gateway, consumer, api;

