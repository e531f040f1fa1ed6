import type { TestDatabase } from './services.js';

export interface FillOptions {
  readonly messages: number;
  readonly channels: number;
  /** Of the newest messages, how many wait for the group `default`. */
  readonly pending: number;
}

/** Rows made by the server itself: message `i` is in channel `i % channels + 1`, ten days up to now, evenly. */
export async function fill(database: TestDatabase, { messages, channels, pending }: FillOptions): Promise<void> {
  const stepS = (10 * 86_400) / messages;
  await database.query(
    `insert into telegram_gateway.messages (channel_id, message_id, posted_at, account_id, received_at, source, kind, text,
                                            media_type, metadata, raw)
     select i % $2 + 1, i, date_trunc('second', now() - ($1 - i) * make_interval(secs => $3)), 'test', now(), 'push',
            case when i % 100 = 0 then 'service' else 'message' end, 'message ' || i,
            case when i % 5 = 0 then 'photo' end,
            case when i % 1000 = 0 then '{"pinned": true}'::jsonb else '{}' end, ''
       from generate_series(1, $1::integer) i`,
    [messages, channels, stepS],
  );
  await database.query(
    `insert into telegram_gateway.message_work (group_name, kind, channel_id, message_id, version, posted_at, account_id)
     select 'default', 'message.created', channel_id, message_id, 1, posted_at, account_id
       from telegram_gateway.messages where message_id > $1 order by message_id`,
    [messages - pending],
  );
}

/** Outcomes of two hundred hosts, one a second, up to now. */
export async function fillOutcomes(database: TestDatabase, count: number): Promise<void> {
  await database.query(
    `insert into telegram_gateway.message_outcomes (at, group_name, kind, channel_id, message_id, version, account_id, status,
                                                    processed_by, attempts)
     select now() - i * interval '1 second', 'default', 'message.created', 1, i, 1, 'test', 'processed',
            'host' || i % 200 || ':7', 1
       from generate_series(1, $1::integer) i`,
    [count],
  );
}

/** Deletions in a channel of its own, one a second, up to now. */
export async function fillTombstones(database: TestDatabase, count: number): Promise<void> {
  await database.query(
    `insert into telegram_gateway.message_tombstones (channel_id, message_id, account_id, source, deleted_at)
     select 99, i, 'test', 'push', now() - i * interval '1 second' from generate_series(1, $1::integer) i`,
    [count],
  );
}

/** Statistics and visibility as autovacuum would bring them. */
export async function settle(database: TestDatabase): Promise<void> {
  for (const table of ['messages', 'message_work', 'message_outcomes', 'message_tombstones'])
    await database.query(`vacuum (analyze) telegram_gateway.${table}`);
}
