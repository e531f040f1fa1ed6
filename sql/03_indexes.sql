-- The six named indexes, each on the table where its query runs.
--
-- Purpose  claiming and watching work costs the same with ten thousand stored messages and with ten million, because
--          it looks at `message_work` alone; analysis finds its messages without reading chunks from end to end.
-- Lock     on a new database none that matters: the tables are empty.
-- Edition  any. An index on a hypertable is a template: each chunk has a copy of it. Compressed chunks (TSL) have none.
-- Cost     per pending row three small entries, gone with the row; per stored message one in each of the two on
--          `messages`. docs/sql.md has the measured sizes.

-- Claiming whatever waits, of every channel, in the order of arrival; also "how much waits, and since when".
--   where group_name = $1 and status = 'pending' order by created_at limit $2 for update skip locked
create index idx_telegram_messages_unprocessed
  on telegram_gateway.message_work (group_name, created_at)
  where status = 'pending';

-- Claims whose time is over.
--   where group_name = $1 and status = 'processing' and claimed_until < now()
create index idx_telegram_messages_processing
  on telegram_gateway.message_work (group_name, claimed_until)
  where status = 'processing';

-- Messages by what Telegram said of them.
--   where metadata @> '{"pinned": true}'
-- jsonb_path_ops knows containment alone, and is a fraction of the size of the default class.
create index idx_telegram_messages_metadata
  on telegram_gateway.messages using gin (metadata jsonb_path_ops);

-- Claiming in one channel, in the order of its messages. It holds all that a claim returns and that no claim changes, so
-- that looking without claiming need not touch the table; texts come from the hypertable, by full key.
--   where group_name = $1 and channel_id = $2 and status = 'pending'
--   order by posted_at, message_id, version limit $3 for update skip locked
create index idx_telegram_messages_polling_cover
  on telegram_gateway.message_work (group_name, channel_id, posted_at, message_id, version)
  include (kind, account_id)
  where status = 'pending';

-- What one machine did: workers are called `<host>:<process id>`.
--   where split_part(processed_by, ':', 1) = $1 and at >= $2
create index idx_telegram_messages_processed_by
  on telegram_gateway.message_outcomes (split_part(processed_by, ':', 1), at desc);

-- A channel's messages in a time range, newest first: pages of the API, and analysis by channel.
--   where channel_id = $1 and posted_at >= $2 and posted_at < $3 order by posted_at desc, message_id desc
create index idx_telegram_messages_analytics
  on telegram_gateway.messages (channel_id, posted_at desc, message_id desc);
