import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { RuntimeError } from '../errors.js';
import type { Logger } from '../logger.js';
import { leaseLost, type Fence, type LeaseAttempt, type LeaseHeld } from '../store/lease.js';
import { bootId } from '../telegram/session-lock.js';

/** The lease of an account, in the database. */
export interface LeaseStore {
  take(accountId: string, owner: string, ttlMs: number): Promise<LeaseAttempt>;
  renew(fence: Fence, ttlMs: number): Promise<boolean>;
  release(fence: Fence): Promise<void>;
}

export interface LeaseKeeperOptions {
  readonly accountId: string;
  readonly store: LeaseStore;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Ends this process: another gateway writes for the account now. */
  readonly onLost: (error: RuntimeError) => void;
  /** The machine counts as dead when it has not renewed for so long. @default 20000 */
  readonly ttlMs?: number;
  /** @default 5000 */
  readonly renewMs?: number;
  /** From the answer that the lease is lost until the connection to Telegram is closed, at most. @default 2000 */
  readonly leaveMs?: number;
  /** `<machine> <anything>`. @default of this machine and process */
  readonly owner?: string;
}

const RENEW_MS = 5_000;
const LEAVE_MS = 2_000;
/** How often a database that is away is asked again. */
const RETRY_MS = 1_000;

/**
 * Holds the right to serve an account, across machines: two connections with one session make Telegram revoke it, and two
 * writers would store everything twice.
 *
 * Promised: `take` resolves only when no other machine has renewed its lease lately; on the same machine the session lock
 * has told already that the last gateway is dead, so nothing is waited for. Whoever loses the lease learns of it at its next
 * commit, or within `renewMs`, and leaves Telegram first of all; the one that took it over connects no sooner than that.
 * Not promised: that a machine leaves Telegram which cannot reach the database that the other one reaches (it keeps its
 * connection, as in any outage of the database), or whose process is frozen: it stores nothing, and that is all.
 * On failure: it waits for a database that is away; SESSION_IN_USE when a gateway of another machine goes on renewing.
 */
export class LeaseKeeper {
  #fence: Fence | null = null;
  #released = false;
  readonly #ttlMs: number;

  constructor(private readonly options: LeaseKeeperOptions) {
    this.#ttlMs = options.ttlMs ?? 20_000;
  }

  /** Null until the lease was taken. */
  get fence(): Fence | null {
    return this.#fence;
  }

  /** Rejects with an `AbortError` when the process is asked to stop first. */
  async take(): Promise<void> {
    const { logger, signal } = this.options;
    let first: LeaseHeld | null = null;
    for (;;) {
      const attempt = await this.#attempt();
      if (attempt.taken) {
        this.#fence = attempt.fence;
        logger.info({ ...attempt.fence }, 'this gateway serves the account');
        void this.#renew(attempt.fence);
        if (attempt.bereaved) await this.#leaveTimeToLeave();
        return;
      }
      // It is alive if it renews while we watch.
      if (first?.epoch === attempt.epoch)
        throw new RuntimeError('SESSION_IN_USE', `the account is served by ${attempt.owner}`);
      first = attempt;
      logger.warn({ owner: attempt.owner, waitMs: attempt.leftMs }, 'another machine held this account a moment ago');
      await delay(attempt.leftMs + 100, undefined, { signal });
    }
  }

  /** The next gateway, on whatever machine, need not wait. */
  async release(): Promise<void> {
    this.#released = true;
    if (this.#fence) await this.options.store.release(this.#fence);
  }

  /** Telegram revokes a session that two machines use at once. */
  async #leaveTimeToLeave(): Promise<void> {
    const { logger, signal, renewMs = RENEW_MS, leaveMs = LEAVE_MS } = this.options;
    logger.warn(
      { waitMs: renewMs + leaveMs },
      'another machine let its lease run out: waiting for it to leave Telegram',
    );
    await delay(renewMs + leaveMs, undefined, { signal });
  }

  async #attempt(): Promise<LeaseAttempt> {
    const { accountId, store, logger, signal, owner = thisProcess() } = this.options;
    for (let said = false; ; said = true) {
      try {
        return await store.take(accountId, owner, this.#ttlMs);
      } catch (error) {
        if (!said) logger.warn({ err: error }, 'the lease cannot be taken: waiting for the database');
        await delay(RETRY_MS, undefined, { signal });
      }
    }
  }

  async #renew(fence: Fence): Promise<void> {
    const { store, signal, logger, onLost, renewMs = RENEW_MS } = this.options;
    const ended = () => signal.aborted || this.#released;
    for (;;) {
      await delay(renewMs, undefined, { signal }).catch(() => undefined);
      if (ended()) return;
      // A database that is away gives the account to nobody.
      const held = await store.renew(fence, this.#ttlMs).catch((error: unknown) => {
        logger.debug({ err: error }, 'the lease cannot be renewed');
        return true;
      });
      if (held) continue;
      if (!ended()) onLost(leaseLost(fence));
      return;
    }
  }
}

/** A container has a host name of its own, and shares the boot with its neighbours. */
function thisProcess(): string {
  return `${bootId()}@${hostname()} pid ${String(process.pid)}`;
}
