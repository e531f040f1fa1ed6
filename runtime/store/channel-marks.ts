import { SCHEMA } from '../contract.js';
import type { ChannelMarks } from '../ingest/message-store.js';
import type { Queryable, Statement } from './database.js';

/** What is not given stays; `$4` tells "no change" from "finished". */
const MOVE: Statement = {
  name: 'channel_marks',
  text: `
update ${SCHEMA}.channels
   set pts = coalesce($3::integer, pts),
       backfill_next_id = case when $4 then $5::bigint else backfill_next_id end,
       backfill_until_id = case when $4 then $6::bigint else backfill_until_id end,
       backfill_finished_at = case when $4 and $5::bigint is null then now() else backfill_finished_at end,
       reconciled_message_id = coalesce($7::bigint, reconciled_message_id),
       reconciled_at = case when $7::bigint is null then reconciled_at else now() end,
       updated_at = now()
 where account_id = $1 and channel_id = $2`,
};

const ADD_HOLES: Statement = {
  name: 'holes_add',
  text: `insert into ${SCHEMA}.message_holes (account_id, channel_id, message_id)
         select $1, $2, * from unnest($3::bigint[]) on conflict do nothing`,
};

const REMOVE_HOLES: Statement = {
  name: 'holes_remove',
  text: `delete from ${SCHEMA}.message_holes where channel_id = $1 and message_id = any ($2::bigint[])`,
};

const LOAD_HOLES: Statement = {
  name: 'holes_load',
  text: `select channel_id, message_id from ${SCHEMA}.message_holes where account_id = $1 order by channel_id, message_id`,
};

export async function writeMarks(tx: Queryable, marks: readonly ChannelMarks[]): Promise<void> {
  for (const { accountId, channelId, pts, backfill, reconciledId, holes = [], mended = [] } of marks) {
    if (pts !== undefined || backfill !== undefined || reconciledId !== undefined)
      await tx.run(MOVE, [
        accountId,
        channelId,
        pts ?? null,
        backfill !== undefined,
        backfill?.nextId ?? null,
        backfill?.untilId ?? null,
        reconciledId ?? null,
      ]);
    // One that was tried once more and refused again is in both.
    if (mended.length > 0) await tx.run(REMOVE_HOLES, [channelId, mended]);
    if (holes.length > 0) await tx.run(ADD_HOLES, [accountId, channelId, holes]);
  }
}

export async function loadHoles(
  database: Queryable,
  accountId: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await database.run<{ channel_id: string; message_id: string }>(LOAD_HOLES, [accountId]);
  const holes = new Map<string, string[]>();
  for (const { channel_id, message_id } of rows) holes.set(channel_id, [...(holes.get(channel_id) ?? []), message_id]);
  return holes;
}
