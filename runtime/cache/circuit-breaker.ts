/**
 * Stops asking a service that is there and does not answer.
 *
 *   closed --(`failures` in a row)--> open --(`openMs` over)--> one trial --(answered)--> closed
 *                                       ^-----------------------(failed)------'
 *
 * Promised: while it is open nobody waits, and one call at a time finds out whether the service is back.
 */
export interface BreakerOptions {
  /** Failures in a row that open it. @default 3 */
  readonly failures?: number;
  /** How long it stays open before a trial, in ms. @default 1000 */
  readonly openMs?: number;
  /** Whether an error says that nobody answered; a refusal is an answer. */
  readonly isFailure: (error: unknown) => boolean;
}

export class CircuitOpenError extends Error {
  constructor() {
    super('not asked: it has not answered lately');
    this.name = 'CircuitOpenError';
  }
}

export class CircuitBreaker {
  #failures = 0;
  /** On the clock of `performance.now()`. */
  #openUntil = 0;
  readonly #most: number;
  readonly #openMs: number;
  readonly #isFailure: (error: unknown) => boolean;

  constructor({ failures = 3, openMs = 1_000, isFailure }: BreakerOptions) {
    this.#most = failures;
    this.#openMs = openMs;
    this.#isFailure = isFailure;
  }

  /** True while a call would be refused. */
  get open(): boolean {
    return this.#failures >= this.#most && performance.now() < this.#openUntil;
  }

  /** Rejects with what `work` rejects with, or with `CircuitOpenError` without having called it. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.open) throw new CircuitOpenError();
    // The first after the pause is the trial: whoever comes while it runs is refused.
    if (this.#failures >= this.#most) this.#openUntil = performance.now() + this.#openMs;
    try {
      const result = await work();
      this.#failures = 0;
      return result;
    } catch (error) {
      if (this.#isFailure(error)) this.#failed();
      else this.#failures = 0;
      throw error;
    }
  }

  #failed(): void {
    this.#failures += 1;
    if (this.#failures >= this.#most) this.#openUntil = performance.now() + this.#openMs;
  }
}
