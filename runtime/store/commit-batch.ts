/**
 * Stores one batch: messages, work of each group, outbox rows and channel cursors.
 *
 * Promised: all of the batch or none of it; a message is stored once, however often and in whatever company it comes;
 *   a deleted message does not come back; `stored` holds exactly what this call stored, in order; a cursor never moves
 *   back, and not at all when the batch fails; with a fence, nothing is stored once another gateway has taken over.
 * Not promised: that `stored` is complete when the reply was lost after a commit. Then the rows are in the outbox, and
 *   the sweeper publishes them.
 * On failure: nothing is stored, the caller repeats the batch as it is; LEASE_LOST when the fence is another's.
 *
 * A batch of copies that were never edited, which is nearly every one, is one prepared statement: one round trip, one
 * fsync. What may be an edit or a deletion takes the longer way of commit-changes.ts.
 */
import { SCHEMA } from '../contract.js';
import type { TelegramEvent } from '../events.js';
import type { CommitResult, IngestBatch } from '../ingest/message-store.js';
import { cursorColumns, cursorUpsert, MESSAGE_COLUMNS, messageColumns } from './columns.js';
import { commitChanges } from './commit-changes.js';
import type { Database, Statement } from './database.js';
import { messageEvent } from './event-of.js';
import { leaseLost, leaseQuery, type Fence } from './lease.js';
import { messageKey } from './versioning.js';

const KIND = 'message.created';

/**
 * The rows of `stored` come in the order in which they were inserted, and the outbox ids follow it: per channel the
 * outbox is in the order of the batch. The statement joins nothing back, so that its cached plan has no bad shape.
 *
 * `(select $1)` hides the length of the array from the planner: for a lone message it would else find a plan of its own a
 * little cheaper than the cached one, each time anew, and planning an insert into a hypertable takes as long as running it.
 *
 * A row of nulls says that the lease is another's.
 */
const COMMIT_BATCH: Statement = {
  name: 'commit_batch',
  text: `
with lease as (
  ${leaseQuery(19, 20)}
), input as (
  select * from unnest((select $1::text[]), $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::text[],
                       $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::text[], $12::timestamptz[],
                       $13::jsonb[], $14::bytea[])
    with ordinality as i (${MESSAGE_COLUMNS}, position)
   where $20::bigint is null or exists (select from lease)
), stored as (
  insert into ${SCHEMA}.messages (${MESSAGE_COLUMNS})
  select ${MESSAGE_COLUMNS}
    from input i
   where not exists (select from ${SCHEMA}.message_tombstones d
                      where d.channel_id = i.channel_id and d.message_id = i.message_id)
   order by position
  on conflict do nothing
  returning account_id, channel_id, message_id, posted_at
), work as (
  insert into ${SCHEMA}.message_work (group_name, kind, channel_id, message_id, version, posted_at, account_id)
  select g.group_name, '${KIND}', s.channel_id, s.message_id, 1, s.posted_at, s.account_id
    from stored s cross join ${SCHEMA}.consumer_groups g
   where g.active
  on conflict do nothing
), cursors as (${cursorUpsert(SCHEMA, 15, '$20::bigint is null or exists (select from lease)')}
), published as (
  insert into ${SCHEMA}.outbox (account_id, kind, channel_id, message_id, version, posted_at)
  select account_id, '${KIND}', channel_id, message_id, 1, posted_at from stored
  returning outbox_id, channel_id, message_id
)
select outbox_id, channel_id, message_id from published
union all
select null, null, null where $20::bigint is not null and not exists (select from lease)`,
};

interface OutboxKey {
  readonly outbox_id: string | null;
  readonly channel_id: string;
  readonly message_id: string;
}

/** Without a fence anybody may write: for tests and tools. */
export async function commitBatch(
  database: Pick<Database, 'run' | 'transaction'>,
  batch: IngestBatch,
  fence: Fence | null = null,
): Promise<CommitResult> {
  const { messages, deletions = [], cursors, marks = [] } = batch;
  if (messages.length + deletions.length + cursors.length + marks.length === 0) return { stored: [], duplicates: 0 };
  const plain =
    deletions.length === 0 && marks.length === 0 && messages.every(({ message }) => message.editDate === null);
  if (!plain) return commitChanges(database, batch, fence);
  // Of several copies in one batch the database keeps the first, and so does the map.
  const events = new Map<string, TelegramEvent>();
  for (const item of messages) {
    const key = messageKey(item.message.channelId, item.message.messageId);
    if (!events.has(key)) events.set(key, messageEvent(item, KIND, 1));
  }
  const { rows } = await database.run<OutboxKey>(COMMIT_BATCH, [
    ...messageColumns(messages),
    ...cursorColumns(cursors),
    fence?.accountId ?? null,
    fence?.epoch ?? null,
  ]);
  if (fence && rows.some((row) => row.outbox_id === null)) throw leaseLost(fence);
  const stored = rows.flatMap(({ outbox_id, channel_id, message_id }) => {
    const event = events.get(messageKey(channel_id, message_id));
    return event && outbox_id !== null ? [{ outboxId: outbox_id, event }] : [];
  });
  return { stored, duplicates: messages.length - stored.length };
}
