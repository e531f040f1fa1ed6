/**
 * Stores one batch: messages, work of each group, outbox rows and channel cursors in one prepared statement, so one
 * round trip and one fsync.
 *
 * Promised: all of the batch or none of it; a message is stored once, however often and in whatever company it comes;
 *   a deleted message does not come back; `stored` holds exactly what this call stored, in the order of the batch; a
 *   cursor never moves back, and not at all when the batch fails.
 * Not promised: that `stored` is complete when the reply was lost after a commit. Then the rows are in the outbox, and
 *   the sweeper publishes them.
 * On failure: nothing is stored, the caller repeats the batch as it is.
 */
import { ENVELOPE_VERSION, SCHEMA } from '../contract.js';
import { eventId, type TelegramEvent } from '../events.js';
import type { ChannelCursor, CommitResult, IngestBatch, IngestMessage } from '../ingest/message-store.js';
import { cleanJson, cleanText } from './clean-text.js';
import type { Queryable, Statement } from './database.js';

const KIND = 'message.created';

/**
 * The rows of `stored` come in the order in which they were inserted, and the outbox ids follow it: per channel the
 * outbox is in the order of the batch. The statement joins nothing back, so that its cached plan has no bad shape.
 *
 * `(select $1)` hides the length of the array from the planner: for a lone message it would else find a plan of its own a
 * little cheaper than the cached one, each time anew, and planning an insert into a hypertable takes as long as running it.
 */
const COMMIT_BATCH: Statement = {
  name: 'commit_batch',
  text: `
with input as (
  select * from unnest((select $1::text[]), $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::text[],
                       $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::text[], $12::timestamptz[],
                       $13::jsonb[], $14::bytea[])
    with ordinality as i (account_id, channel_id, message_id, posted_at, received_at, source, kind, text, sender_id,
                          grouped_id, media_type, edited_at, metadata, raw, position)
), stored as (
  insert into ${SCHEMA}.messages (account_id, channel_id, message_id, posted_at, received_at, source, kind, text,
                                  sender_id, grouped_id, media_type, edited_at, metadata, raw)
  select account_id, channel_id, message_id, posted_at, received_at, source, kind, text,
         sender_id, grouped_id, media_type, edited_at, metadata, raw
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
), cursors as (
  insert into ${SCHEMA}.channels as c (account_id, channel_id, pts, last_message_id)
  select * from unnest((select $15::text[]), $16::bigint[], $17::integer[], $18::bigint[])
  on conflict (channel_id) do update
     set pts = greatest(c.pts, excluded.pts),
         last_message_id = greatest(c.last_message_id, excluded.last_message_id),
         updated_at = now()
   where c.account_id = excluded.account_id
)
insert into ${SCHEMA}.outbox (account_id, kind, channel_id, message_id, version, posted_at)
select account_id, '${KIND}', channel_id, message_id, 1, posted_at from stored
returning outbox_id, channel_id, message_id`,
};

interface OutboxKey {
  readonly outbox_id: string;
  readonly channel_id: string;
  readonly message_id: string;
}

export async function commitBatch(database: Queryable, batch: IngestBatch): Promise<CommitResult> {
  if (batch.messages.length === 0 && batch.cursors.length === 0) return { stored: [], duplicates: 0 };
  // Of several copies in one batch the database keeps the first, and so does the map.
  const events = new Map<string, TelegramEvent>();
  for (const item of batch.messages) {
    const event = createdEvent(item);
    const key = `${event.channelId}:${event.messageId}`;
    if (!events.has(key)) events.set(key, event);
  }
  const { rows } = await database.run<OutboxKey>(COMMIT_BATCH, [
    ...messageColumns(batch.messages),
    ...cursorColumns(batch.cursors),
  ]);
  const stored = rows.flatMap((row) => {
    const event = events.get(`${row.channel_id}:${row.message_id}`);
    return event ? [{ outboxId: row.outbox_id, event }] : [];
  });
  return { stored, duplicates: batch.messages.length - stored.length };
}

function createdEvent({ accountId, message, source, receivedAt }: IngestMessage): TelegramEvent {
  return {
    v: ENVELOPE_VERSION,
    id: eventId(KIND, message.channelId, message.messageId, 1),
    kind: KIND,
    accountId,
    channelId: message.channelId,
    messageId: message.messageId,
    version: 1,
    postedAt: isoSeconds(message.date),
    receivedAt: receivedAt.toISOString(),
    text: cleanText(message.text),
    mediaType: message.mediaType === null ? null : cleanText(message.mediaType),
    source,
  };
}

function messageColumns(items: readonly IngestMessage[]): readonly unknown[] {
  const column = (value: (item: IngestMessage) => unknown) => items.map(value);
  return [
    column((item) => item.accountId),
    column((item) => item.message.channelId),
    column((item) => item.message.messageId),
    column((item) => isoSeconds(item.message.date)),
    column((item) => item.receivedAt.toISOString()),
    column((item) => item.source),
    column((item) => item.message.kind),
    column((item) => cleanText(item.message.text)),
    column((item) => item.message.senderId),
    column((item) => item.message.groupedId),
    column((item) => (item.message.mediaType === null ? null : cleanText(item.message.mediaType))),
    column((item) => (item.message.editDate === null ? null : isoSeconds(item.message.editDate))),
    column((item) => cleanJson(item.message.metadata)),
    column((item) => item.message.raw),
  ];
}

/** One row a channel: an upsert must not meet the same row twice in one statement. */
function cursorColumns(cursors: readonly ChannelCursor[]): readonly unknown[] {
  const furthest = new Map<string, ChannelCursor>();
  for (const cursor of cursors) {
    const other = furthest.get(cursor.channelId);
    furthest.set(cursor.channelId, other ? further(other, cursor) : cursor);
  }
  const rows = [...furthest.values()].sort((a, b) => Number(BigInt(a.channelId) - BigInt(b.channelId)));
  return [
    rows.map((row) => row.accountId),
    rows.map((row) => row.channelId),
    rows.map((row) => row.pts),
    rows.map((row) => row.lastMessageId),
  ];
}

function further(a: ChannelCursor, b: ChannelCursor): ChannelCursor {
  const ids = [a.lastMessageId, b.lastMessageId].filter((id) => id !== null).map(BigInt);
  const last = ids.reduce<bigint | null>((max, id) => (max === null || id > max ? id : max), null);
  return { ...b, pts: Math.max(a.pts, b.pts), lastMessageId: last === null ? null : last.toString() };
}

/** Telegram's dates are Unix seconds. */
function isoSeconds(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}
