/**
 * The longer way of a batch: reads what is stored of its messages, decides (versioning.ts), writes; one transaction.
 *
 * Promised: as commit-batch.ts. Between reading and writing nothing changes: the fence is held until the end of the
 *   transaction, and a channel's batches come one after the other.
 * On failure: the transaction is rolled back.
 */
import { SCHEMA } from '../contract.js';
import type { CommitResult, IngestBatch, IngestDeletion, IngestMessage } from '../ingest/message-store.js';
import { cleanMessage, isoSeconds } from './clean-message.js';
import { cursorColumns, cursorUpsert, MESSAGE_COLUMNS, messageColumns } from './columns.js';
import type { Database, Queryable, Statement } from './database.js';
import { checkLease, type Fence } from './lease.js';
import { writeMarks } from './channel-marks.js';
import { readStoredState } from './stored-state.js';
import { decide, type Decision, type NewVersion } from './versioning.js';

const WRITE: Statement = {
  name: 'commit_changes',
  text: `
with facts as (
  insert into ${SCHEMA}.messages (${MESSAGE_COLUMNS})
  select * from unnest((select $1::text[]), $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::text[],
                       $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::text[], $12::timestamptz[],
                       $13::jsonb[], $14::bytea[])
), versions as (
  insert into ${SCHEMA}.message_versions (account_id, channel_id, message_id, posted_at, version, edited_at, received_at,
                                          source, text, media_type, metadata, raw, content_sha256)
  select * from unnest((select $19::text[]), $20::bigint[], $21::bigint[], $22::timestamptz[], $23::integer[],
                       $24::timestamptz[], $25::timestamptz[], $26::text[], $27::text[], $28::text[], $29::jsonb[],
                       $30::bytea[], $31::bytea[])
), tombstones as (
  insert into ${SCHEMA}.message_tombstones (account_id, channel_id, message_id, deleted_at, source)
  select * from unnest((select $32::text[]), $33::bigint[], $34::bigint[], $35::timestamptz[], $36::text[])
), events as (
  select * from unnest((select $37::text[]), $38::text[], $39::bigint[], $40::bigint[], $41::integer[], $42::timestamptz[])
    with ordinality as e (account_id, kind, channel_id, message_id, version, posted_at, position)
), work as (
  insert into ${SCHEMA}.message_work (group_name, kind, channel_id, message_id, version, posted_at, account_id)
  select g.group_name, e.kind, e.channel_id, e.message_id, e.version, e.posted_at, e.account_id
    from events e cross join ${SCHEMA}.consumer_groups g
   where g.active
  on conflict do nothing
), cursors as (${cursorUpsert(SCHEMA, 15)}
)
insert into ${SCHEMA}.outbox (account_id, kind, channel_id, message_id, version, posted_at)
select account_id, kind, channel_id, message_id, version, posted_at from events order by position
returning outbox_id`,
};

export async function commitChanges(
  database: Pick<Database, 'transaction'>,
  batch: IngestBatch,
  fence: Fence | null,
): Promise<CommitResult> {
  const { messages, deletions = [], cursors, marks = [] } = batch;
  return database.transaction(async (tx) => {
    if (fence) await checkLease(tx, fence);
    const stored = await readStoredState(tx, messages, deletions, cursors);
    const decision = decide(messages, deletions, stored);
    const ids = await write(tx, decision, cursors);
    await writeMarks(tx, marks);
    const events = decision.events.map((event, index) => ({ outboxId: ids[index] ?? '', event }));
    return { stored: events, duplicates: decision.duplicates };
  });
}

/** Returns the outbox ids, in the order of the events. */
async function write(tx: Queryable, decision: Decision, cursors: IngestBatch['cursors']): Promise<readonly string[]> {
  const { facts, versions, tombstones, events } = decision;
  if (events.length === 0 && cursors.length === 0) return [];
  const { rows } = await tx.run<{ outbox_id: string }>(WRITE, [
    ...messageColumns(facts),
    ...cursorColumns(cursors),
    ...versionColumns(versions),
    ...tombstoneColumns(tombstones),
    events.map((event) => event.accountId),
    events.map((event) => event.kind),
    events.map((event) => event.channelId),
    events.map((event) => event.messageId),
    events.map((event) => event.version),
    events.map((event) => event.postedAt),
  ]);
  return rows.map((row) => row.outbox_id);
}

function versionColumns(versions: readonly NewVersion[]): readonly unknown[] {
  const clean = versions.map(({ item }) => cleanMessage(item.message));
  const column = (value: (item: IngestMessage) => unknown) => versions.map(({ item }) => value(item));
  return [
    column((item) => item.accountId),
    column((item) => item.message.channelId),
    column((item) => item.message.messageId),
    column((item) => isoSeconds(item.message.date)),
    versions.map(({ version }) => version),
    column((item) => (item.message.editDate === null ? null : isoSeconds(item.message.editDate))),
    column((item) => item.receivedAt.toISOString()),
    column((item) => item.source),
    clean.map(({ text }) => text),
    clean.map(({ mediaType }) => mediaType),
    clean.map(({ metadata }) => metadata),
    column((item) => item.message.raw),
    versions.map(({ hash }) => hash),
  ];
}

function tombstoneColumns(tombstones: readonly IngestDeletion[]): readonly unknown[] {
  const column = (value: (item: IngestDeletion) => unknown) => tombstones.map(value);
  return [
    column((item) => item.accountId),
    column((item) => item.channelId),
    column((item) => item.messageId),
    column((item) => item.receivedAt.toISOString()),
    column((item) => item.source),
  ];
}
