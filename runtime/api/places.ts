import { RuntimeError } from '../errors.js';

/** Gives a place back; more than once does no more. */
export type GiveBack = () => void;

/** A bound on what holds memory or a connection for as long as its reader likes. */
export class Places {
  #taken = 0;
  readonly #waiting = new Set<() => void>();

  constructor(
    private readonly most: number,
    private readonly what: string,
  ) {}

  /** Takes a place, or says that the API is busy. */
  take(): GiveBack {
    if (this.#taken >= this.most) throw this.#busy();
    this.#taken += 1;
    return this.#hold();
  }

  /** Takes a place after waiting for it, first come first served; after `patienceMs` milliseconds the API is busy. */
  async wait(patienceMs: number): Promise<GiveBack> {
    if (this.#taken < this.most) return this.take();
    await new Promise<void>((resolve, reject) => {
      const mine = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(mine);
        reject(this.#busy());
      }, patienceMs);
      this.#waiting.add(mine);
    });
    return this.#hold();
  }

  #hold(): GiveBack {
    let held = true;
    return () => {
      if (held) this.#pass();
      held = false;
    };
  }

  /** To the one who has waited longest, without being free in between, so that nobody overtakes. */
  #pass(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#taken -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }

  #busy(): RuntimeError {
    return new RuntimeError('API_BUSY', `there are ${String(this.most)} ${this.what} already`);
  }
}
