import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../logger.js';
import { metrics } from '../metrics.js';
import { TelegramError, type TelegramPort } from './client.js';
import { Semaphore } from './semaphore.js';

/** Methods that Telegram limits together, as far as is known: a wait of one class leaves the others alone. */
export const METHOD_CLASSES = ['difference', 'history', 'account', 'join'] as const;
export type MethodClass = (typeof METHOD_CLASSES)[number];

export interface ClassLimits {
  readonly perSecond: number;
  /** Calls that may be made at once after a pause. */
  readonly burst: number;
  /** Turns under way at once: bursts of differences hit limits of the account. */
  readonly atOnce: number;
}

/** No limits are published; these stay well below what accounts were reported to be stopped for. */
export const DEFAULT_LIMITS: Readonly<Record<MethodClass, ClassLimits>> = {
  difference: { perSecond: 20, burst: 40, atOnce: 3 },
  history: { perSecond: 4, burst: 20, atOnce: 2 },
  account: { perSecond: 1, burst: 10, atOnce: 1 },
  // Waits of hours were reported for looking up names.
  join: { perSecond: 0.1, burst: 5, atOnce: 1 },
};

export interface FloodWaits {
  load(): Promise<ReadonlyMap<string, Date>>;
  save(methodClass: MethodClass, until: Date): Promise<void>;
}

export interface BudgetOptions {
  /** The connected port; null while there is none. */
  readonly port: () => TelegramPort | null;
  /** Where waits outlive the process. */
  readonly floodWaits: FloodWaits;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly limits?: Readonly<Record<MethodClass, ClassLimits>>;
}

/** One request at least `1 / perSecond` after the other, but for a burst. Each asker gets his time when he asks. */
class Pace {
  readonly #intervalMs: number;
  #next = 0;

  constructor(private readonly limits: ClassLimits) {
    this.#intervalMs = 1_000 / limits.perSecond;
  }

  /** How long to wait. */
  take(now: number): number {
    this.#next = Math.max(this.#next, now - this.limits.burst * this.#intervalMs) + this.#intervalMs;
    return this.#next - now;
  }
}

/**
 * Who may ask Telegram, and when: every call about channels goes through a turn.
 *
 * Promised: no class asks faster than its limits, nor before Telegram's own wait for it is over, also after a restart;
 * a wait of one class holds up no other; turns of a class come in the order in which they were asked for. Telegram's waits
 * are waited out before a turn and never inside one, where a channel's other work would stand still with it.
 * Not promised: that Telegram's limits are these. What it refuses is waited out.
 * On failure: a wait that cannot be stored is kept in memory alone, and said.
 */
export class RequestBudget {
  readonly #paces: Readonly<Record<MethodClass, Pace>>;
  readonly #slots: Readonly<Record<MethodClass, Semaphore>>;
  readonly #floodUntil = new Map<MethodClass, number>();
  /** The waits of before were read. */
  #restored: Promise<void> | null = null;

  constructor(private readonly options: BudgetOptions) {
    const limits = options.limits ?? DEFAULT_LIMITS;
    const each = <T>(make: (limits: ClassLimits) => T) => ({
      difference: make(limits.difference),
      history: make(limits.history),
      account: make(limits.account),
      join: make(limits.join),
    });
    this.#paces = each((one) => new Pace(one));
    this.#slots = each((one) => new Semaphore(one.atOnce));
  }

  /** Unix ms until which the class is not asked; in the past when it may be. */
  floodUntil(methodClass: MethodClass): number {
    return this.#floodUntil.get(methodClass) ?? 0;
  }

  /** Runs `work` when it is its turn; the first call of the turn may be made at once. */
  turn<T>(methodClass: MethodClass, work: (turn: Turn) => Promise<T>): Promise<T> {
    return this.#slots[methodClass].run(async () => {
      await (this.#restored ??= this.#restore());
      await this.pace(methodClass);
      await this.#waitForTelegram(methodClass);
      return work(new Turn(this, methodClass));
    });
  }

  /** Resolves when one more call keeps to the limits of the class, whatever Telegram's own wait for it. */
  async pace(methodClass: MethodClass): Promise<void> {
    const { signal } = this.options;
    const pauseMs = this.#paces[methodClass].take(performance.now());
    if (pauseMs > 0) await delay(pauseMs, undefined, { signal });
    signal.throwIfAborted();
  }

  /** What a call meets that comes while its class waits; null when it may be made. */
  refusal(methodClass: MethodClass): TelegramError | null {
    const seconds = Math.ceil(this.#leftMs(methodClass) / 1_000);
    return seconds > 0 ? new TelegramError('flood', `FLOOD_WAIT_${String(seconds)}`, seconds) : null;
  }

  get port(): TelegramPort | null {
    return this.options.port();
  }

  flooded(methodClass: MethodClass, { reason, seconds }: TelegramError): void {
    const until = Date.now() + (seconds ?? 1) * 1_000;
    this.#extend(methodClass, until);
    metrics.floodWaits.inc({ class: methodClass });
    this.options.logger.warn({ methodClass, reason, seconds }, 'Telegram asks to wait');
    this.options.floodWaits.save(methodClass, new Date(until)).catch((error: unknown) => {
      this.options.logger.warn({ err: error, methodClass }, 'a wait could not be stored');
    });
  }

  async #waitForTelegram(methodClass: MethodClass): Promise<void> {
    const { signal } = this.options;
    for (let ms = this.#leftMs(methodClass); ms > 0; ms = this.#leftMs(methodClass))
      await delay(ms, undefined, { signal });
  }

  #leftMs(methodClass: MethodClass): number {
    return this.floodUntil(methodClass) - Date.now();
  }

  async #restore(): Promise<void> {
    try {
      const stored = await this.options.floodWaits.load();
      for (const name of METHOD_CLASSES) this.#extend(name, stored.get(name)?.getTime() ?? 0);
    } catch (error) {
      // The next one tries again; without a database little is asked anyway.
      this.#restored = null;
      this.options.logger.debug({ err: error }, 'earlier waits cannot be read');
    }
  }

  #extend(methodClass: MethodClass, until: number): void {
    this.#floodUntil.set(methodClass, Math.max(until, this.floodUntil(methodClass)));
  }
}

/** The right to a first call now, and to each further one as soon as the budget allows. */
export class Turn {
  #fresh = true;

  constructor(
    private readonly budget: RequestBudget,
    private readonly methodClass: MethodClass,
  ) {}

  /**
   * Rejects with a `TelegramError`; a flood wait has then been noted. One that was noted meanwhile is not slept through:
   * whoever has the turn may hold up others, and comes again when the next turn has waited.
   */
  async call<T>(request: (port: TelegramPort) => Promise<T>): Promise<T> {
    if (!this.#fresh) await this.budget.pace(this.methodClass);
    this.#fresh = false;
    const refusal = this.budget.refusal(this.methodClass);
    if (refusal) throw refusal;
    const { port } = this.budget;
    if (!port) throw new TelegramError('transient', 'OFFLINE');
    try {
      return await request(port);
    } catch (error) {
      if (error instanceof TelegramError && error.kind === 'flood') this.budget.flooded(this.methodClass, error);
      throw error;
    }
  }
}
