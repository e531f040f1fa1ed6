import type { Client } from 'pg';
import { DEFAULT_GROUP } from '../../runtime/contract.js';
import { ACCOUNT, makeStage } from './copy-part.js';
import { copyBetween } from './copy.js';
import { inTransaction } from './databases.js';
import type { Journal } from './journal.js';
import { MESSAGE_COLUMNS, projection, STATE_COLUMNS } from './projection.js';
import { repetitions } from './source.js';

/**
 * What the old consumers had not finished becomes work of the default group, with an event for the broker where it is to be
 * tried: also what they were at, since they will never say so. Made once, after the comparison: from here on consumers of
 * this stack may take it.
 */
export async function makeWork(source: Client, target: Client, journal: Journal, schema: string): Promise<number> {
  const again = await repetitions(source, schema);
  await makeStage(target);
  return inTransaction(target, async () => {
    await target.query('truncate stage');
    const unfinished = `select ${MESSAGE_COLUMNS}, ${STATE_COLUMNS} from (${projection(schema, again)}) p where status <> 'processed'`;
    await copyBetween(source, unfinished, target, 'stage');
    const { rowCount } = await target.query(WORK);
    // Together with it: a kill in between must not hand the same work out again.
    await journal.record('work-made', { work: rowCount });
    return rowCount ?? 0;
  });
}

const WORK = `
with work as (
  insert into telegram_gateway.message_work (group_name, kind, channel_id, message_id, version, posted_at, account_id, status,
                                             attempts, last_error)
  select '${DEFAULT_GROUP}', 'message.created', channel_id, message_id, 1, posted_at, '${ACCOUNT}',
         case status when 'failed' then 'failed' else 'pending' end, attempts, last_error
    from stage order by channel_id, message_id
  on conflict do nothing
  returning channel_id, message_id, posted_at, status
), events as (
  insert into telegram_gateway.outbox (account_id, kind, channel_id, message_id, version, posted_at)
  select '${ACCOUNT}', 'message.created', channel_id, message_id, 1, posted_at from work where status = 'pending'
   order by channel_id, message_id
)
select from work`;
