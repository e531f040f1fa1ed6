/**
 * The events that outbox rows stand for: the rows hold keys only, the rest is read from the facts.
 *
 * The statements over hypertables are planned anew each time: with the bounds as constants all but a few chunks are left
 * out of the plan.
 */
import { SCHEMA } from '../contract.js';
import type { EventKind, TelegramEvent } from '../events.js';
import type { Queryable, Statement } from './database.js';
import { storedEvent, type EventFact, type EventRow } from './event-of.js';

export interface OutboxRow extends EventRow {
  readonly outbox_id: string;
  /** Null: for every group. */
  readonly group_name: string | null;
}

const CREATED: Statement = {
  name: 'outbox_facts',
  prepared: false,
  text: `select channel_id, message_id, 1 as version, received_at, edited_at, text, media_type, source
           from ${SCHEMA}.messages
          where posted_at between $1 and $2
            and (channel_id, message_id) in (select * from unnest($3::bigint[], $4::bigint[]))`,
};

const EDITED: Statement = {
  name: 'outbox_versions',
  prepared: false,
  text: `select channel_id, message_id, version, received_at, edited_at, text, media_type, source
           from ${SCHEMA}.message_versions
          where posted_at between $1 and $2
            and (channel_id, message_id, version) in (select * from unnest($3::bigint[], $4::bigint[], $5::integer[]))`,
};

const DELETED: Statement = {
  name: 'outbox_tombstones',
  text: `select channel_id, message_id, 0 as version, deleted_at as received_at, null::timestamptz as edited_at,
                '' as text, null as media_type, source
           from ${SCHEMA}.message_tombstones
          where (channel_id, message_id) in (select * from unnest($1::bigint[], $2::bigint[]))`,
};

interface FactRow extends EventFact {
  readonly channel_id: string;
  readonly message_id: string;
  readonly version: number;
}

/** By outbox id; a row whose facts are gone (retention) has none. */
export async function readEvents(
  database: Queryable,
  rows: readonly OutboxRow[],
): Promise<ReadonlyMap<string, TelegramEvent>> {
  const events = new Map<string, TelegramEvent>();
  for (const kind of ['message.created', 'message.edited', 'message.deleted'] as const) {
    const wanted = rows.filter((row) => row.kind === kind);
    if (wanted.length === 0) continue;
    const facts = new Map((await readFacts(database, kind, wanted)).map((fact) => [factKey(fact, fact.version), fact]));
    for (const row of wanted) {
      const fact = facts.get(factKey(row, kind === 'message.deleted' ? 0 : row.version));
      if (fact) events.set(row.outbox_id, storedEvent(row, fact));
    }
  }
  return events;
}

async function readFacts(
  database: Queryable,
  kind: EventKind,
  rows: readonly OutboxRow[],
): Promise<readonly FactRow[]> {
  const keys = [rows.map((row) => row.channel_id), rows.map((row) => row.message_id)];
  if (kind === 'message.deleted') return (await database.run<FactRow>(DELETED, keys)).rows;
  const times = rows.flatMap((row) => (row.posted_at === null ? [] : [row.posted_at.getTime()]));
  if (times.length === 0) return [];
  const bounds = [new Date(Math.min(...times)).toISOString(), new Date(Math.max(...times)).toISOString()];
  if (kind === 'message.created') return (await database.run<FactRow>(CREATED, [...bounds, ...keys])).rows;
  const versions = rows.map((row) => row.version);
  return (await database.run<FactRow>(EDITED, [...bounds, ...keys, versions])).rows;
}

function factKey(row: { readonly channel_id: string; readonly message_id: string }, version: number): string {
  return `${row.channel_id}:${row.message_id}:${String(version)}`;
}
