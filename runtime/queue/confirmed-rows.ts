import type { Logger } from '../logger.js';

/** Nobody waits for it; the longer, the fewer transactions beside the ones that carry messages. */
const FLUSH_AFTER_MS = 100;
const RETRY_AFTER_MS = 500;

/**
 * Removes confirmed rows in batches. A row whose removal fails is tried again; should the process end before, it is
 * published once more, which consumers drop.
 */
export class ConfirmedRows {
  #ids: string[] = [];
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: { remove(ids: readonly string[]): Promise<void> },
    private readonly logger: Logger,
    private readonly removed: (ids: readonly string[]) => void,
  ) {}

  add(...ids: string[]): void {
    this.#ids.push(...ids);
    this.#schedule(FLUSH_AFTER_MS);
  }

  /** Waits for the removal under way, then removes what is left; what fails now is left to the next start. */
  async flush(): Promise<void> {
    await this.#running;
    await this.#remove();
    this.#cancel();
  }

  #cancel(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #schedule(delayMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#running = this.#running.then(() => this.#remove());
    }, delayMs);
  }

  async #remove(): Promise<void> {
    this.#cancel();
    const ids = this.#ids;
    if (ids.length === 0) return;
    this.#ids = [];
    try {
      await this.store.remove(ids);
    } catch (error) {
      this.logger.warn({ err: error, rows: ids.length }, 'confirmed rows could not be removed yet');
      this.#ids = [...ids, ...this.#ids];
      this.#schedule(RETRY_AFTER_MS);
      return;
    }
    this.removed(ids);
  }
}
