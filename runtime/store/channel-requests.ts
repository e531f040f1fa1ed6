/** The gateway's side of `channel_requests`; the API's is in channel-admin.ts. */
import { SCHEMA } from '../contract.js';
import type { ChannelRequestStore, OpenRequest } from '../telegram/joining.js';
import type { Queryable, Statement } from './database.js';

/** More than the budget allows between two looks. */
const AT_ONCE = 10;

const OPEN: Statement = {
  name: 'channel_requests_open',
  text: `select request_id as "requestId", username from ${SCHEMA}.channel_requests
          where account_id = $1 and status = 'open' order by request_id limit ${String(AT_ONCE)}`,
};
const OWNER: Statement = {
  name: 'channel_other_owner',
  text: `select account_id as owner from ${SCHEMA}.channels where channel_id = $2 and account_id <> $1`,
};
const NOTE: Statement = {
  name: 'channel_request_note',
  text: `update ${SCHEMA}.channel_requests set detail = $2 where request_id = $1 and status = 'open'`,
};
const FINISH: Statement = {
  name: 'channel_request_finish',
  text: `update ${SCHEMA}.channel_requests set status = $2, channel_id = $3, detail = $4, finished_at = now()
          where request_id = $1 and status = 'open'`,
};

export function channelRequests(database: Queryable): ChannelRequestStore {
  return {
    open: async (accountId) => (await database.run<OpenRequest & object>(OPEN, [accountId])).rows,
    otherOwner: async (accountId, channelId) => {
      const { rows } = await database.run<{ owner: string }>(OWNER, [accountId, channelId]);
      return rows[0]?.owner ?? null;
    },
    note: async (requestId, detail) => {
      await database.run(NOTE, [requestId, detail]);
    },
    finish: async (requestId, end) => {
      const [channelId, detail] = end.status === 'done' ? [end.channelId, null] : [null, end.detail];
      await database.run(FINISH, [requestId, end.status, channelId, detail]);
    },
  };
}
