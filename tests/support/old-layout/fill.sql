-- A generated source: :rows messages in 20 channels over :days days, with all that the old gateway wrote. Read by
-- tests/support/old-layout.ts, which puts the numbers in.
insert into telegram_gateway.sessions (name, user_id) values ('default', 1000);
insert into telegram_gateway.channels (channel_id, access_hash, title, username, pts, last_message_id, is_active)
select 1000 + n, 9007199254740993 + n, 'Channel ' || n, 'channel' || n, case when n % 2 = 0 then 500 + n end, 0, n <> 19
  from generate_series(0, 19) n;
insert into telegram_gateway.messages (channel_id, message_id, sender_id, grouped_id, content, media_type, metadata, posted_at,
                                       edited_at, deleted_at, created_at, status, processed_by, processed_at, attempts)
select 1000 + n % 20, n / 20 + 1, 5000000000 + n % 977, case when n % 50 = 0 then n end,
       'Message ' || n || ' with äöü, 😀 and ' || repeat('text ', (n % 30)::integer), case when n % 7 = 0 then 'photo' end,
       case when n % 3 = 0 then '{"views": 10, "entities": [{"type": "bold", "offset": 0}]}'::json end,
       posted_at, case when n % 100 = 0 then posted_at + interval '1 hour' end,
       case when n % 500 = 0 then posted_at + interval '2 hours' end, posted_at + interval '0.25 seconds',
       case when n > :rows - 1000 then (array['pending', 'processing', 'failed'])[n % 3 + 1] else 'processed' end,
       case when n <= :rows - 1000 then 'worker-' || n % 4 end,
       case when n <= :rows - 1000 then posted_at + interval '1.5 seconds' end, 1
  from (select n, date_trunc('second', now() - interval '1 day' * (1 + :days.0 * (:rows - n) / :rows)) as posted_at
          from generate_series(1, :rows) n) g;
update telegram_gateway.channels set last_message_id = :rows / 20;
-- After the rows: half the time.
create index messages_channel_idx on telegram_gateway.messages (channel_id, posted_at);
create index messages_status_idx on telegram_gateway.messages (status, posted_at) where status <> 'processed';
analyze telegram_gateway.messages;
