import { SCHEMA } from '../contract.js';
import type { CommonState } from '../telegram/client.js';
import type { Queryable, Statement } from './database.js';

const LOAD_BOX: Statement = {
  name: 'common_state_load',
  text: `select pts, qts, date, seq from ${SCHEMA}.account_state where account_id = $1 and pts is not null`,
};

const SAVE_BOX: Statement = {
  name: 'common_state_save',
  text: `
insert into ${SCHEMA}.account_state (account_id, pts, qts, date, seq) values ($1, $2, $3, $4, $5)
on conflict (account_id) do update
   set pts = excluded.pts, qts = excluded.qts, date = excluded.date, seq = excluded.seq, updated_at = now()`,
};

const LOAD_FLOOD_WAITS: Statement = {
  name: 'flood_waits_load',
  text: `select method_class, flood_until from ${SCHEMA}.account_flood_waits
          where account_id = $1 and flood_until > clock_timestamp()`,
};

const SAVE_FLOOD_WAIT: Statement = {
  name: 'flood_wait_save',
  text: `
insert into ${SCHEMA}.account_flood_waits as w (account_id, method_class, flood_until) values ($1, $2, $3)
on conflict (account_id, method_class) do update set flood_until = greatest(w.flood_until, excluded.flood_until)`,
};

/** Null until the common box was read for the first time. */
export async function loadCommonState(database: Queryable, accountId: string): Promise<CommonState | null> {
  const { rows } = await database.run<{ pts: number; qts: number; date: number; seq: number }>(LOAD_BOX, [accountId]);
  return rows[0] ?? null;
}

export async function saveCommonState(
  database: Queryable,
  accountId: string,
  { pts, qts, date, seq }: CommonState,
): Promise<void> {
  await database.run(SAVE_BOX, [accountId, pts, qts, date, seq]);
}

/** Waits that are not over, by class of method. */
export async function loadFloodWaits(database: Queryable, accountId: string): Promise<ReadonlyMap<string, Date>> {
  const { rows } = await database.run<{ method_class: string; flood_until: Date }>(LOAD_FLOOD_WAITS, [accountId]);
  return new Map(rows.map((row) => [row.method_class, row.flood_until]));
}

export async function saveFloodWait(
  database: Queryable,
  accountId: string,
  methodClass: string,
  until: Date,
): Promise<void> {
  await database.run(SAVE_FLOOD_WAIT, [accountId, methodClass, until.toISOString()]);
}
