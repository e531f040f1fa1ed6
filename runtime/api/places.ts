import { RuntimeError } from '../errors.js';

/** A bound on what holds a connection for as long as its reader likes. */
export class Places {
  #taken = 0;

  constructor(
    private readonly most: number,
    private readonly what: string,
  ) {}

  /** Takes a place, or says that the API is busy. Returns the way to give it back, which may be called twice. */
  take(): () => void {
    if (this.#taken >= this.most)
      throw new RuntimeError('API_BUSY', `there are ${String(this.most)} ${this.what} already`);
    this.#taken += 1;
    let held = true;
    return () => {
      if (held) this.#taken -= 1;
      held = false;
    };
  }
}
