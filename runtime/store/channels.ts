import { SCHEMA } from '../contract.js';
import type { StoredChannel } from '../ingest/message-store.js';
import type { ChannelInfo } from '../telegram/client.js';
import { cleanText } from './clean-text.js';
import type { Queryable, Statement } from './database.js';

const LOAD: Statement = {
  name: 'load_channels',
  text: `select channel_id, account_id, access_hash, title, username, pts, last_message_id, status
           from ${SCHEMA}.channels where account_id = $1 order by channel_id`,
};

/**
 * The listed `pts` is where a new channel begins; one that has a `pts` keeps it, since only stored data may move it. A
 * channel of another account stays with its owner. A row that says the same already is not written.
 */
const UPSERT: Statement = {
  name: 'upsert_channels',
  text: `
with account as (
  insert into ${SCHEMA}.accounts (account_id) values ($1) on conflict do nothing
)
insert into ${SCHEMA}.channels as c (account_id, channel_id, access_hash, title, username, pts)
select $1, * from unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::integer[])
on conflict (channel_id) do update
   set access_hash = excluded.access_hash, title = excluded.title, username = excluded.username,
       pts = coalesce(c.pts, excluded.pts),
       status = case when c.status in ('left', 'gone') then 'active' else c.status end,
       updated_at = now()
 where c.account_id = excluded.account_id
   and ((c.access_hash, c.title, c.username) is distinct from (excluded.access_hash, excluded.title, excluded.username)
        or (c.pts is null and excluded.pts is not null) or c.status in ('left', 'gone'))`,
};

interface ChannelRow {
  readonly channel_id: string;
  readonly account_id: string;
  readonly access_hash: string | null;
  readonly title: string;
  readonly username: string | null;
  readonly pts: number | null;
  readonly last_message_id: string | null;
  readonly status: StoredChannel['status'];
}

/** Every channel of the account that can be addressed. */
export async function loadChannels(database: Queryable, accountId: string): Promise<readonly StoredChannel[]> {
  const { rows } = await database.run<ChannelRow>(LOAD, [accountId]);
  return rows.flatMap((row) =>
    // Known by a cursor alone, not listed yet.
    row.access_hash === null
      ? []
      : [
          {
            id: row.channel_id,
            accountId: row.account_id,
            accessHash: row.access_hash,
            title: row.title,
            username: row.username,
            pts: row.pts,
            lastMessageId: row.last_message_id,
            status: row.status,
          },
        ],
  );
}

export async function upsertChannels(
  database: Queryable,
  accountId: string,
  channels: readonly ChannelInfo[],
): Promise<void> {
  // The last word on a channel counts; an upsert must not meet the same row twice.
  const rows = [...new Map(channels.map((channel) => [channel.id, channel])).values()];
  await database.run(UPSERT, [
    accountId,
    rows.map((row) => row.id),
    rows.map((row) => row.accessHash),
    rows.map((row) => cleanText(row.title)),
    rows.map((row) => row.username),
    rows.map((row) => row.pts),
  ]);
}
