/**
 * The right to write for an account, fenced: each holder has a number of its own, and every commit names it.
 *
 * Promised: of two gateways of one account, on whatever machines, only the one that took the lease last can commit; the
 *   other one's commit stores nothing and fails with LEASE_LOST.
 * Not promised: that a holder learns of it before its next commit or renewal.
 * Times are the database's: the clocks of the machines do not matter.
 */
import { SCHEMA } from '../contract.js';
import { RuntimeError } from '../errors.js';
import type { Queryable, Statement } from './database.js';

/** Who may write, as every commit tells it. */
export interface Fence {
  readonly accountId: string;
  /** A bigint, in decimal. */
  readonly epoch: string;
}

/** Taken unless another machine renewed it a short while ago; a machine may always take over from itself. */
const TAKE: Statement = {
  name: 'lease_take',
  text: `
insert into ${SCHEMA}.account_state as s (account_id, lease_owner, lease_epoch, lease_until)
values ($1, $2, 1, clock_timestamp() + $3 * interval '1 millisecond')
on conflict (account_id) do update
   set lease_owner = excluded.lease_owner, lease_epoch = s.lease_epoch + 1, lease_until = excluded.lease_until,
       updated_at = now()
 where s.lease_until is null or s.lease_until < clock_timestamp()
    or split_part(s.lease_owner, ' ', 1) = split_part(excluded.lease_owner, ' ', 1)
returning lease_epoch,
          -- As it was before this statement: another machine held it, and never gave it back.
          exists (select from ${SCHEMA}.account_state before
                   where before.account_id = $1 and before.lease_until is not null
                     and split_part(before.lease_owner, ' ', 1) <> split_part($2, ' ', 1)) as bereaved`,
};

const HOLDER: Statement = {
  name: 'lease_holder',
  text: `select lease_owner, lease_epoch, extract(epoch from lease_until - clock_timestamp())::float8 * 1000 as left_ms
           from ${SCHEMA}.account_state where account_id = $1`,
};

const RENEW: Statement = {
  name: 'lease_renew',
  text: `update ${SCHEMA}.account_state
            set lease_until = clock_timestamp() + $3 * interval '1 millisecond', updated_at = now()
          where account_id = $1 and lease_epoch = $2`,
};

const RELEASE: Statement = {
  name: 'lease_release',
  text: `update ${SCHEMA}.account_state set lease_until = null, updated_at = now()
          where account_id = $1 and lease_epoch = $2`,
};

/** Waits for a takeover that is under way, and makes one wait that comes later. */
const CHECK: Statement = {
  name: 'lease_check',
  text: `select from ${SCHEMA}.account_state where account_id = $1 and lease_epoch = $2 for share`,
};

/** The same inside a statement: `$account` and `$epoch` are the numbers of its parameters; a null epoch is no fence. */
export function leaseQuery(account: number, epoch: number): string {
  return `select from ${SCHEMA}.account_state
   where account_id = $${String(account)}::text and lease_epoch = $${String(epoch)}::bigint for share`;
}

/** Another machine has it, for so long unless it renews. */
export interface LeaseHeld {
  readonly taken: false;
  readonly owner: string;
  readonly epoch: string;
  readonly leftMs: number;
}

export interface LeaseTaken {
  readonly taken: true;
  readonly fence: Fence;
  /** Another machine let it run out without giving it back: it may be alive, and learns of its loss when it renews. */
  readonly bereaved: boolean;
}

export type LeaseAttempt = LeaseTaken | LeaseHeld;

/** `owner` is `<machine> <anything>`: the machine decides who may take over at once. */
export async function takeLease(
  database: Queryable,
  accountId: string,
  owner: string,
  ttlMs: number,
): Promise<LeaseAttempt> {
  for (;;) {
    const { rows } = await database.run<{ lease_epoch: string; bereaved: boolean }>(TAKE, [accountId, owner, ttlMs]);
    if (rows[0]) return { taken: true, fence: { accountId, epoch: rows[0].lease_epoch }, bereaved: rows[0].bereaved };
    const holder = await database.run<{ lease_owner: string; lease_epoch: string; left_ms: number | null }>(HOLDER, [
      accountId,
    ]);
    const [held] = holder.rows;
    // Given up between the two looks: it is free now.
    if (!held || held.left_ms === null) continue;
    return { taken: false, owner: held.lease_owner, epoch: held.lease_epoch, leftMs: Math.max(0, held.left_ms) };
  }
}

/** False when another gateway has taken the account over. */
export async function renewLease(database: Queryable, { accountId, epoch }: Fence, ttlMs: number): Promise<boolean> {
  const { rowCount } = await database.run(RENEW, [accountId, epoch, ttlMs]);
  return rowCount === 1;
}

/** The next gateway need not wait. Nothing happens to a lease that is another's by now. */
export async function releaseLease(database: Queryable, { accountId, epoch }: Fence): Promise<void> {
  await database.run(RELEASE, [accountId, epoch]);
}

/** Holds the lease until the end of the transaction, or throws. */
export async function checkLease(tx: Queryable, fence: Fence): Promise<void> {
  const { rowCount } = await tx.run(CHECK, [fence.accountId, fence.epoch]);
  if (rowCount !== 1) throw leaseLost(fence);
}

export function leaseLost({ accountId, epoch }: Fence): RuntimeError {
  return new RuntimeError(
    'LEASE_LOST',
    `another gateway has taken over account ${accountId}: this one held epoch ${epoch}`,
  );
}
