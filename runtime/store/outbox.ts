import { ENVELOPE_VERSION, SCHEMA } from '../contract.js';
import { eventId, type EventKind, type TelegramEvent } from '../events.js';
import type { StoredEvent } from '../ingest/message-store.js';
import type { Queryable, Statement } from './database.js';

/**
 * Oldest first. SKIP LOCKED leaves out the rows whose deletion is on its way, in this process or in one that is
 * just being replaced. Rows of other accounts belong to their own gateways, rows of other kinds to a newer release that
 * knows how to publish them.
 */
const CLAIM: Statement = {
  name: 'outbox_claim',
  text: `select outbox_id, kind, channel_id, message_id, version, posted_at
           from ${SCHEMA}.outbox
          where account_id = $1 and kind = 'message.created' and created_at <= clock_timestamp() - $2 * interval '1 millisecond'
            and outbox_id <> all ($3::bigint[])
          order by outbox_id limit $4
            for update skip locked`,
};

/** Planned anew each time: with the bounds as constants all but a few chunks are left out of the plan. */
const FACTS: Statement = {
  name: 'outbox_facts',
  prepared: false,
  text: `select account_id, channel_id, message_id, posted_at, received_at, text, media_type, source
           from ${SCHEMA}.messages
          where posted_at between $1 and $2
            and (channel_id, message_id) in (select * from unnest($3::bigint[], $4::bigint[]))`,
};

/**
 * The one statement that need not be on disk when it is answered: what a crash of the server brings back is published
 * once more. It saves a sync of the log for each batch, which every other commit would wait for.
 */
const REMOVE: Statement = {
  name: 'outbox_remove',
  text: `delete from ${SCHEMA}.outbox using set_config('synchronous_commit', 'off', true)
          where outbox_id = any ($1::bigint[])`,
};

const STATS: Statement = {
  name: 'outbox_stats',
  text: `select count(*)::integer as pending,
                coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8 as age
           from ${SCHEMA}.outbox where account_id = $1`,
};

interface OutboxRow {
  readonly outbox_id: string;
  readonly kind: EventKind;
  readonly channel_id: string;
  readonly message_id: string;
  readonly version: number;
  readonly posted_at: Date | null;
}

interface FactRow {
  readonly account_id: string;
  readonly channel_id: string;
  readonly message_id: string;
  readonly posted_at: Date;
  readonly received_at: Date;
  readonly text: string;
  readonly media_type: string | null;
  readonly source: TelegramEvent['source'];
}

export interface ClaimOptions {
  readonly accountId: string;
  /** Younger rows are left to the stream that has just stored them. */
  readonly minAgeMs: number;
  readonly limit: number;
  /** Rows that the caller holds already. */
  readonly exclude: readonly string[];
}

export interface ClaimedRows {
  readonly events: readonly StoredEvent[];
  /** Rows whose message is gone (retention): there is nothing left to publish. */
  readonly orphans: readonly string[];
}

/** Outbox rows with their events, in the order of the outbox. */
export async function claimOutbox(database: Queryable, options: ClaimOptions): Promise<ClaimedRows> {
  const { accountId, minAgeMs, exclude, limit } = options;
  const claimed = await database.run<OutboxRow>(CLAIM, [accountId, minAgeMs, exclude, limit]);
  const facts = await readFacts(database, claimed.rows);
  const events: StoredEvent[] = [];
  const orphans: string[] = [];
  for (const row of claimed.rows) {
    const fact = facts.get(`${row.channel_id}:${row.message_id}`);
    if (fact) events.push({ outboxId: row.outbox_id, event: toEvent(row, fact) });
    else orphans.push(row.outbox_id);
  }
  return { events, orphans };
}

export async function removeFromOutbox(database: Queryable, ids: readonly string[]): Promise<void> {
  await database.run(REMOVE, [ids]);
}

/** Rows not yet confirmed, and the age of the oldest in seconds. */
export async function outboxStats(database: Queryable, accountId: string): Promise<{ pending: number; age: number }> {
  const { rows } = await database.run<{ pending: number; age: number }>(STATS, [accountId]);
  return rows[0] ?? { pending: 0, age: 0 };
}

async function readFacts(database: Queryable, rows: readonly OutboxRow[]): Promise<ReadonlyMap<string, FactRow>> {
  const times = rows.flatMap((row) => (row.posted_at === null ? [] : [row.posted_at.getTime()]));
  if (times.length === 0) return new Map();
  const facts = await database.run<FactRow>(FACTS, [
    new Date(Math.min(...times)).toISOString(),
    new Date(Math.max(...times)).toISOString(),
    rows.map((row) => row.channel_id),
    rows.map((row) => row.message_id),
  ]);
  return new Map(facts.rows.map((fact) => [`${fact.channel_id}:${fact.message_id}`, fact]));
}

function toEvent(row: OutboxRow, fact: FactRow): TelegramEvent {
  return {
    v: ENVELOPE_VERSION,
    id: eventId(row.kind, row.channel_id, row.message_id, row.version),
    kind: row.kind,
    accountId: fact.account_id,
    channelId: row.channel_id,
    messageId: row.message_id,
    version: row.version,
    postedAt: fact.posted_at.toISOString(),
    receivedAt: fact.received_at.toISOString(),
    text: fact.text,
    mediaType: fact.media_type,
    source: fact.source,
  };
}
