import { SCHEMA } from '../contract.js';
import type { ChannelStatus, FirstRead, StoredChannel } from '../ingest/message-store.js';
import type { ChannelInfo } from '../telegram/client.js';
import { cleanText } from './clean-text.js';
import type { Queryable, Statement } from './database.js';

const LOAD: Statement = {
  name: 'load_channels',
  text: `select channel_id, account_id, access_hash, title, username, pts, last_message_id, reconciled_message_id,
                backfill_next_id, backfill_until_id, status
           from ${SCHEMA}.channels where account_id = $1 order by channel_id`,
};

/**
 * The listed `pts` is where a new channel begins; one that has a `pts` keeps it, since only stored data may move it. What
 * is before the newest message of a new channel counts as complete, but for the `$8` newest ids, and what is above `unread_after`:
 * they are read from the history.
 * A channel of another account stays with its owner. A row that says the same already is not written.
 */
const UPSERT: Statement = {
  name: 'upsert_channels',
  text: `
with account as (
  insert into ${SCHEMA}.accounts (account_id) values ($1) on conflict do nothing
)
insert into ${SCHEMA}.channels as c (account_id, channel_id, access_hash, title, username, pts, last_message_id,
                                     reconciled_message_id, backfill_next_id, backfill_until_id)
select $1, channel_id, access_hash, title, username, pts, top, top,
       case when until < top then top + 1 end, case when until < top then until end
  from unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::integer[], $7::bigint[], $9::bigint[])
         as listed (channel_id, access_hash, title, username, pts, top, unread_after)
 cross join lateral (
   select least(case when $8::bigint > 0 then greatest(0, top - $8) end, unread_after) as until
 ) as first_read
on conflict (channel_id) do update
   set access_hash = excluded.access_hash, title = excluded.title, username = excluded.username,
       pts = coalesce(c.pts, excluded.pts),
       last_message_id = case when c.pts is null then excluded.last_message_id else c.last_message_id end,
       reconciled_message_id = case when c.pts is null then excluded.reconciled_message_id else c.reconciled_message_id end,
       backfill_next_id = case when c.pts is null then excluded.backfill_next_id else c.backfill_next_id end,
       backfill_until_id = case when c.pts is null then excluded.backfill_until_id else c.backfill_until_id end,
       status = case when c.status in ('left', 'gone') then 'active' else c.status end,
       updated_at = now()
 where c.account_id = excluded.account_id
   and ((c.access_hash, c.title, c.username) is distinct from (excluded.access_hash, excluded.title, excluded.username)
        or (c.pts is null and excluded.pts is not null) or c.status in ('left', 'gone'))`,
};

const ACCOUNT_SINCE: Statement = {
  name: 'account_since',
  text: `select created_at from ${SCHEMA}.accounts where account_id = $1`,
};

const SET_STATUS: Statement = {
  name: 'channels_set_status',
  text: `update ${SCHEMA}.channels set status = $3, updated_at = now()
          where account_id = $1 and channel_id = any ($2::bigint[]) and status <> 'paused' and status <> $3`,
};

/** Of more than `$4` the highest; an id is not a time, so every chunk that may hold one is looked into. */
const STORED_IDS: Statement = {
  name: 'channel_stored_ids',
  text: `select message_id from ${SCHEMA}.messages m
          where channel_id = $1 and message_id > $2 and message_id <= $3
            and not exists (select from ${SCHEMA}.message_tombstones t
                             where t.channel_id = m.channel_id and t.message_id = m.message_id)
          order by message_id desc limit $4`,
};

interface ChannelRow {
  readonly channel_id: string;
  readonly account_id: string;
  readonly access_hash: string | null;
  readonly title: string;
  readonly username: string | null;
  readonly pts: number | null;
  readonly last_message_id: string | null;
  readonly reconciled_message_id: string | null;
  readonly backfill_next_id: string | null;
  readonly backfill_until_id: string | null;
  readonly status: StoredChannel['status'];
}

/** Every channel of the account that can be addressed. */
export async function loadChannels(database: Queryable, accountId: string): Promise<readonly StoredChannel[]> {
  const { rows } = await database.run<ChannelRow>(LOAD, [accountId]);
  // One without an access hash is known by a cursor alone, and not listed yet.
  return rows.flatMap((row) => (row.access_hash === null ? [] : [toChannel(row, row.access_hash)]));
}

function toChannel(row: ChannelRow, accessHash: string): StoredChannel {
  const { backfill_next_id: nextId, backfill_until_id: untilId } = row;
  return {
    id: row.channel_id,
    accountId: row.account_id,
    accessHash,
    title: row.title,
    username: row.username,
    pts: row.pts,
    lastMessageId: row.last_message_id,
    reconciledId: row.reconciled_message_id,
    backfill: nextId === null || untilId === null ? null : { nextId, untilId },
    status: row.status,
  };
}

export async function loadAccountSince(database: Queryable, accountId: string): Promise<Date | null> {
  const { rows } = await database.run<{ created_at: Date }>(ACCOUNT_SINCE, [accountId]);
  return rows[0]?.created_at ?? null;
}

/** A channel that a person has paused stays so. */
export async function setChannelStatus(
  database: Queryable,
  accountId: string,
  channelIds: readonly string[],
  status: ChannelStatus,
): Promise<void> {
  await database.run(SET_STATUS, [accountId, channelIds, status]);
}

export interface IdRange {
  readonly channelId: string;
  /** Exclusive. */
  readonly after: string;
  /** Inclusive. */
  readonly upTo: string;
  readonly limit: number;
}

/** Ids of the range that are stored and not deleted, ascending. */
export async function storedIds(
  database: Queryable,
  { channelId, after, upTo, limit }: IdRange,
): Promise<readonly string[]> {
  const { rows } = await database.run<{ message_id: string }>(STORED_IDS, [channelId, after, upTo, limit]);
  return rows.map((row) => row.message_id).reverse();
}

export async function upsertChannels(
  database: Queryable,
  accountId: string,
  channels: readonly ChannelInfo[],
  first: FirstRead = { depth: 0 },
): Promise<void> {
  // The last word on a channel counts; an upsert must not meet the same row twice.
  const rows = [...new Map(channels.map((channel) => [channel.id, channel])).values()];
  await database.run(UPSERT, [
    accountId,
    rows.map((row) => row.id),
    rows.map((row) => row.accessHash),
    rows.map((row) => cleanText(row.title)),
    rows.map((row) => (row.username === null ? null : cleanText(row.username))),
    rows.map((row) => row.pts),
    rows.map((row) => row.topMessageId ?? null),
    first.depth,
    rows.map((row) => row.unreadAfterId ?? null),
  ]);
}
