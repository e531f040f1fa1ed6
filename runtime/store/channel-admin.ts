/**
 * What people see of channels and wish of them. A wish is written where the gateway of the account reads it: pausing, history and
 * verifying in the channel's own row, which it looks at every few seconds, and joining in `channel_requests`.
 */
import { SCHEMA } from '../contract.js';
import type { Queryable, Statement } from './database.js';

export interface ChannelView {
  readonly channelId: string;
  readonly accountId: string;
  readonly title: string;
  readonly username: string | null;
  readonly status: string;
  readonly lastMessageId: string | null;
  /** Ids above `untilId` and below `nextId` are still to be read from the history; null when nothing is. */
  readonly backfill: { readonly nextId: string; readonly untilId: string } | null;
  readonly backfillFinishedAt: string | null;
  /** Every id up to this one was compared with Telegram. */
  readonly verifiedUpToId: string | null;
  readonly verifiedAt: string | null;
}

export interface ChannelRequest {
  readonly requestId: string;
  readonly accountId: string;
  readonly username: string;
  readonly status: string;
  readonly channelId: string | null;
  readonly detail: string | null;
  readonly requestedAt: string;
  readonly finishedAt: string | null;
}

const COLUMNS = `channel_id, account_id, title, username, status, last_message_id, backfill_next_id, backfill_until_id,
  backfill_finished_at, reconciled_message_id, reconciled_at`;
const REQUEST = 'request_id, account_id, username, status, channel_id, detail, requested_at, finished_at';

const LIST: Statement = {
  name: 'channels_list',
  text: `select ${COLUMNS} from ${SCHEMA}.channels where channel_id > $1 order by channel_id limit $2`,
};
const ONE: Statement = {
  name: 'channel_one',
  text: `select ${COLUMNS} from ${SCHEMA}.channels where channel_id = $1`,
};
/** Left and gone are what Telegram says: only the gateway changes that. */
const SET_STATUS: Statement = {
  name: 'channel_status',
  text: `update ${SCHEMA}.channels set status = $2, updated_at = now()
          where channel_id = $1 and status in ('active', 'paused') returning ${COLUMNS}`,
};
/** Only where none is being read: the gateway, which moves the marks page by page, would write its own over them. */
const BACKFILL: Statement = {
  name: 'channel_backfill',
  text: `update ${SCHEMA}.channels
            set backfill_until_id = $2::bigint, backfill_next_id = coalesce($3::bigint, last_message_id + 1), updated_at = now()
          where channel_id = $1 and backfill_next_id is null and coalesce($3::bigint, last_message_id + 1) > $2::bigint + 1
         returning ${COLUMNS}`,
};
const VERIFY: Statement = {
  name: 'channel_verify',
  text: `update ${SCHEMA}.channels set reconciled_message_id = $2::bigint, updated_at = now()
          where channel_id = $1 and last_message_id > $2::bigint returning ${COLUMNS}`,
};
const REQUESTS: Statement = {
  name: 'channel_requests_list',
  text: `select ${REQUEST} from ${SCHEMA}.channel_requests order by request_id desc limit $1`,
};
/** The same wish again is the wish that is open. */
const ADD: Statement = {
  name: 'channel_request_add',
  text: `insert into ${SCHEMA}.channel_requests as r (account_id, username, requested_by) values ($1, $2, $3)
         on conflict (account_id, username) where status = 'open' do update set username = r.username
         returning ${REQUEST}`,
};
const ACCOUNT: Statement = {
  name: 'account_one',
  text: `select 1 as one from ${SCHEMA}.accounts where account_id = $1`,
};

interface ChannelRow {
  readonly channel_id: string;
  readonly account_id: string;
  readonly title: string;
  readonly username: string | null;
  readonly status: string;
  readonly last_message_id: string | null;
  readonly backfill_next_id: string | null;
  readonly backfill_until_id: string | null;
  readonly backfill_finished_at: Date | null;
  readonly reconciled_message_id: string | null;
  readonly reconciled_at: Date | null;
}

interface RequestRow {
  readonly request_id: string;
  readonly account_id: string;
  readonly username: string;
  readonly status: string;
  readonly channel_id: string | null;
  readonly detail: string | null;
  readonly requested_at: Date;
  readonly finished_at: Date | null;
}

/** By id, after `afterId`. */
export async function listChannels(
  database: Queryable,
  afterId: string,
  limit: number,
): Promise<readonly ChannelView[]> {
  return (await database.run<ChannelRow>(LIST, [afterId, limit])).rows.map(toView);
}

export async function channel(database: Queryable, channelId: string): Promise<ChannelView | null> {
  return first(await database.run<ChannelRow>(ONE, [channelId]));
}

/** Null when there is no such channel, or when the account has left it. */
export async function setStatus(
  database: Queryable,
  channelId: string,
  status: 'active' | 'paused',
): Promise<ChannelView | null> {
  return first(await database.run<ChannelRow>(SET_STATUS, [channelId, status]));
}

/**
 * Ids above `untilId` and below `nextId`, `nextId` being by default above all known ones. Null: no channel, no such ids, or
 * a history that is being read already.
 */
export async function wishBackfill(
  database: Queryable,
  channelId: string,
  range: { readonly untilId: string; readonly nextId: string | null },
): Promise<ChannelView | null> {
  return first(await database.run<ChannelRow>(BACKFILL, [channelId, range.untilId, range.nextId]));
}

/** Compare ids with Telegram's anew, from above `fromId`. Null: no channel, or nothing above it. */
export async function wishVerify(database: Queryable, channelId: string, fromId: string): Promise<ChannelView | null> {
  return first(await database.run<ChannelRow>(VERIFY, [channelId, fromId]));
}

/** Newest first. */
export async function listRequests(database: Queryable, limit: number): Promise<readonly ChannelRequest[]> {
  return (await database.run<RequestRow>(REQUESTS, [limit])).rows.map(toRequest);
}

/** Null when there is no such account. */
export async function requestChannel(
  database: Queryable,
  wish: { readonly accountId: string; readonly username: string; readonly by: string },
): Promise<ChannelRequest | null> {
  if ((await database.run(ACCOUNT, [wish.accountId])).rowCount === 0) return null;
  const { rows } = await database.run<RequestRow>(ADD, [wish.accountId, wish.username, wish.by]);
  return rows[0] ? toRequest(rows[0]) : null;
}

function first({ rows }: { readonly rows: readonly ChannelRow[] }): ChannelView | null {
  return rows[0] ? toView(rows[0]) : null;
}

function toView(row: ChannelRow): ChannelView {
  const { backfill_next_id: nextId, backfill_until_id: untilId } = row;
  return {
    channelId: row.channel_id,
    accountId: row.account_id,
    title: row.title,
    username: row.username,
    status: row.status,
    lastMessageId: row.last_message_id,
    backfill: nextId === null || untilId === null ? null : { nextId, untilId },
    backfillFinishedAt: row.backfill_finished_at?.toISOString() ?? null,
    verifiedUpToId: row.reconciled_message_id,
    verifiedAt: row.reconciled_at?.toISOString() ?? null,
  };
}

function toRequest(row: RequestRow): ChannelRequest {
  return {
    requestId: row.request_id,
    accountId: row.account_id,
    username: row.username,
    status: row.status,
    channelId: row.channel_id,
    detail: row.detail,
    requestedAt: row.requested_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
  };
}
