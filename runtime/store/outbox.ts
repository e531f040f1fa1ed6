import { SCHEMA } from '../contract.js';
import { EVENT_KINDS } from '../events.js';
import type { StoredEvent } from '../ingest/message-store.js';
import type { Queryable, Statement } from './database.js';
import { readEvents, type OutboxRow } from './outbox-facts.js';

/**
 * Oldest first. SKIP LOCKED leaves out the rows whose deletion is on its way, in this process or in one that is
 * just being replaced. Rows of other accounts belong to their own gateways, rows of other kinds to a newer release that
 * knows how to publish them.
 */
const CLAIM: Statement = {
  name: 'outbox_claim',
  text: `select outbox_id, account_id, kind, channel_id, message_id, version, posted_at, group_name
           from ${SCHEMA}.outbox
          where account_id = $1 and kind = any ($5) and created_at <= clock_timestamp() - $2 * interval '1 millisecond'
            and outbox_id <> all ($3::bigint[])
          order by outbox_id limit $4
            for update skip locked`,
};

/**
 * It need not be on disk when it is answered: what a crash of the server brings back is published
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
  const claimed = await database.run<OutboxRow>(CLAIM, [accountId, minAgeMs, exclude, limit, EVENT_KINDS]);
  const found = await readEvents(database, claimed.rows);
  const events: StoredEvent[] = [];
  const orphans: string[] = [];
  for (const row of claimed.rows) {
    const event = found.get(row.outbox_id);
    if (event) events.push({ outboxId: row.outbox_id, event, group: row.group_name });
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
