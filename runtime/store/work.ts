/**
 * The work rows of a group, inside the consumer's transaction.
 *
 * Promised: while the transaction is open, nobody else claims these rows; `finishWork` removes exactly what was claimed
 *   (by fence) and appends the outcomes, or throws, so that the effects roll back with it.
 * Not promised: anything once the transaction has ended.
 */
import { RETRY_DELAYS_MS, SCHEMA } from '../contract.js';
import { eventId, type TelegramEvent } from '../events.js';
import type { Queryable, Statement } from './database.js';

/** Without a worker what the broker delivered; with one what was polled, see sql/13_claims_by_key.sql. */
const CLAIM: Statement = {
  name: 'work_claim',
  text: `select channel_id, message_id, version, kind, fence, given_up, busy from ${SCHEMA}.claim_work($1, $2, $3, $4, $5, $6)`,
};

const FINISH: Statement = {
  name: 'work_finish',
  text: `select ${SCHEMA}.finish_work($1, $2, $3, $4, $5, $6, $7, $8) as finished`,
};

/**
 * The last failure keeps the row, as `failed`, and is told in the history; an earlier one counts, and nobody polls the row
 * before the pause is over.
 */
const FAIL: Statement = {
  name: 'work_fail',
  text: `
with marked as (
  update ${SCHEMA}.message_work
     set status = case when $6 or attempts >= cardinality($9::integer[]) then 'failed' else 'pending' end,
         attempts = attempts + 1, fence = fence + 1, claimed_by = null, last_error = $7,
         claimed_until = case when not $6 then clock_timestamp() + ($9::integer[])[attempts + 1] * interval '1 ms' end
   where group_name = $1 and channel_id = $2 and message_id = $3 and version = $4 and kind = $5
  returning *
)
insert into ${SCHEMA}.message_outcomes (at, group_name, kind, channel_id, message_id, version, posted_at, account_id,
                                        status, processed_by, attempts)
select clock_timestamp(), group_name, kind, channel_id, message_id, version, posted_at, account_id, 'failed', $8, attempts
  from marked where status = 'failed'`,
};

const MAX_ERROR_LENGTH = 1_000;

/**
 * `claimed` belongs to the caller until his transaction ends, and `givenUp` says that its tries were used up; `busy` belongs
 * to another worker; `gone` was finished before. Of polled work, whatever is not for the caller is `gone`.
 */
export type Claim =
  | { readonly state: 'claimed'; readonly fence: string; readonly givenUp: boolean }
  | { readonly state: 'busy' | 'gone' };

/** By event id. */
export type Claims = ReadonlyMap<string, Claim>;

export interface FinishedWork {
  readonly event: TelegramEvent;
  readonly fence: string;
  /** The consumer's clock when the handler began. */
  readonly startedAt: Date;
}

interface ClaimRow {
  readonly channel_id: string;
  readonly message_id: string;
  readonly version: number;
  readonly kind: TelegramEvent['kind'];
  readonly fence: string;
  readonly given_up: boolean;
  readonly busy: boolean;
}

/** One claim an event id: of events that the broker delivered. The events are distinct. */
export async function claimWork(tx: Queryable, group: string, events: readonly TelegramEvent[]): Promise<Claims> {
  const { rows } = await tx.run<ClaimRow>(CLAIM, [group, ...keyColumns(events), null]);
  return claimsOf(events, rows);
}

/** The same of events that were polled. */
export async function claimDueWork(
  tx: Queryable,
  group: string,
  worker: string,
  events: readonly TelegramEvent[],
): Promise<Claims> {
  const { rows } = await tx.run<ClaimRow>(CLAIM, [group, ...keyColumns(events), worker]);
  return claimsOf(events, rows);
}

function claimsOf(events: readonly TelegramEvent[], rows: readonly ClaimRow[]): Claims {
  const claims = new Map<string, Claim>(events.map((event) => [event.id, { state: 'gone' }]));
  for (const { kind, channel_id, message_id, version, fence, busy, given_up: givenUp } of rows) {
    const id = eventId(kind, channel_id, message_id, version);
    claims.set(id, busy ? { state: 'busy' } : { state: 'claimed', fence, givenUp });
  }
  return claims;
}

export async function finishWork(
  tx: Queryable,
  group: string,
  worker: string,
  finished: readonly FinishedWork[],
): Promise<void> {
  const { rows } = await tx.run<{ finished: number }>(FINISH, [
    group,
    ...keyColumns(finished.map((item) => item.event)),
    finished.map((item) => item.fence),
    finished.map((item) => item.startedAt.toISOString()),
    worker,
  ]);
  if (rows[0]?.finished !== finished.length)
    throw new Error('a work row was lost to another worker before it was finished');
}

export interface FailedWork {
  readonly event: TelegramEvent;
  readonly error: string;
  /** No further try follows, however many there were. */
  readonly final: boolean;
}

/**
 * Outside the handler's transaction, which has been rolled back. True when the event was given up: this was its last try, or
 * one more than `RETRY_DELAYS_MS` has pauses, counted over both paths.
 */
export async function failWork(
  database: Queryable,
  group: string,
  worker: string,
  failed: FailedWork,
): Promise<boolean> {
  const { event, final, error } = failed;
  const { channelId, messageId, version, kind } = event;
  const reason = error.slice(0, MAX_ERROR_LENGTH).replaceAll('\0', '').toWellFormed();
  const key = [channelId, messageId, version, kind];
  const { rowCount } = await database.run(FAIL, [group, ...key, final, reason, worker, RETRY_DELAYS_MS]);
  return rowCount === 1;
}

export type EventKey = Pick<TelegramEvent, 'kind' | 'channelId' | 'messageId' | 'version'>;

/** A column each of channel, message, version and kind, for `unnest`. */
export function keyColumns(events: readonly EventKey[]): readonly unknown[] {
  return [
    events.map((event) => event.channelId),
    events.map((event) => event.messageId),
    events.map((event) => event.version),
    events.map((event) => event.kind),
  ];
}
