/**
 * What a group that polls asks the database for, beside the claims of work.ts.
 *
 * Promised: what `takeDueWork` returns is under this worker's lease, and nobody else's, until the lease ends and is not
 *   renewed; what is not finished by then is somebody's again, one try poorer.
 */
import { SCHEMA } from '../contract.js';
import type { EventSource, TelegramEvent } from '../events.js';
import type { Queryable, Statement } from './database.js';
import { storedEvent, type EventRow } from './event-of.js';

/** How long taken work stays with a worker that vanished. */
export const DEFAULT_VISIBILITY_MS = 30_000;

/** A lease need not be on disk when it is answered: one that a crash of the server swallows has ended early. */
const TAKE: Statement = {
  name: 'work_take',
  text: `select kind, channel_id, message_id, version, posted_at, account_id, received_at, edited_at, source, text, media_type
           from set_config('synchronous_commit', 'off', true),
                ${SCHEMA}.get_unprocessed_messages_optimized(null, $2, $1, $3, $4::integer * interval '1 ms')`,
};

const GIVE_BACK: Statement = {
  name: 'work_give_back',
  text: `update ${SCHEMA}.message_work set status = 'pending', claimed_by = null, claimed_until = null, fence = fence + 1
          where group_name = $1 and status = 'processing' and claimed_by = $2`,
};

/** A row that another transaction holds needs no lease meanwhile: it is skipped, because its lock would be waited for. */
const RENEW: Statement = {
  name: 'work_renew',
  text: `with held as (
           select ctid from ${SCHEMA}.message_work
            where group_name = $1 and status = 'processing' and claimed_by = $2 for update skip locked
         )
         update ${SCHEMA}.message_work w set claimed_until = clock_timestamp() + $3::integer * interval '1 ms'
           from held where w.ctid = held.ctid`,
};

const CHANNELS: Statement = { name: 'work_channels', text: `select channel_id from ${SCHEMA}.channels` };

const REGISTER: Statement = {
  name: 'group_register',
  text: `insert into ${SCHEMA}.consumer_groups as g (group_name, mode) values ($1, $2)
         on conflict (group_name) do update set mode = excluded.mode where g.mode <> excluded.mode`,
};

interface WorkRow extends EventRow {
  readonly received_at: Date | null;
  readonly edited_at: Date | null;
  readonly source: EventSource | null;
  readonly text: string | null;
  readonly media_type: string | null;
}

export interface Lease {
  readonly group: string;
  readonly worker: string;
  /** Events at most. */
  readonly limit: number;
  /** How long they are this worker's, in ms. */
  readonly visibilityMs: number;
}

/** Takes the events of the group that have waited longest, with their content: one look into the database. */
export async function takeDueWork(database: Queryable, lease: Lease): Promise<readonly TelegramEvent[]> {
  const { group, worker, limit, visibilityMs } = lease;
  const { rows } = await database.run<WorkRow>(TAKE, [group, limit, worker, visibilityMs]);
  return rows.map(toEvent);
}

/** Ends the leases of a worker that stops: their events are due at once, and no try is counted. */
export async function giveBackWork(database: Queryable, group: string, worker: string): Promise<number> {
  return (await database.run(GIVE_BACK, [group, worker])).rowCount;
}

/** Begins the leases of a worker anew, for as long as they are still its own. */
export async function renewLeases(database: Queryable, lease: Omit<Lease, 'limit'>): Promise<number> {
  const { group, worker, visibilityMs } = lease;
  return (await database.run(RENEW, [group, worker, visibilityMs])).rowCount;
}

/** Ids of all channels that have ever been read. */
export async function knownChannels(database: Queryable): Promise<readonly string[]> {
  const { rows } = await database.run<{ channel_id: string }>(CHANNELS, []);
  return rows.map((row) => row.channel_id);
}

/** From its first registration on, a group gets work for every event; what was stored before is none of its. */
export async function registerGroup(database: Queryable, group: string, mode: string): Promise<void> {
  await database.run(REGISTER, [group, mode]);
}

/** Where retention has taken the message itself, the text is empty and the times are those of the work. */
function toEvent(row: WorkRow): TelegramEvent {
  return storedEvent(row, {
    received_at: row.received_at ?? row.posted_at ?? new Date(0),
    edited_at: row.edited_at,
    text: row.text ?? '',
    media_type: row.media_type,
    source: row.source ?? 'push',
  });
}
