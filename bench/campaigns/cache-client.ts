import type { Redis } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import type { Ended } from '../chaos/recovery.js';

/** What a client of the cache saw of one trouble. */
export interface CacheSeen {
  /** From the trouble to the first write that came through after one that failed; null when none failed. */
  readonly promotedMs: number | null;
  readonly writes: number;
  readonly errors: number;
  /** Written, confirmed, and gone afterwards. */
  readonly lost: number;
}

interface Write {
  readonly at: number;
  readonly doneAt: number;
  readonly confirmed: boolean;
}

const EVERY_MS = 50;
/** Longer than any campaign. */
const TTL_S = 7_200;
const PREFIX = 'telegram:campaign:';

/** Writes an entry every 50 ms through the Sentinels, as any client of the cache does, and remembers what became of it. */
export class CacheClient {
  readonly #writes: Write[] = [];
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();
  #lost = new Set<number>();

  constructor(private readonly redis: Redis) {}

  start(): void {
    this.#running = this.#run();
  }

  /** Ends the writing and looks which entries are still there. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    for (const [n, { confirmed }] of this.#writes.entries())
      if (confirmed && (await this.redis.exists(PREFIX + String(n))) === 0) this.#lost.add(n);
    for (const n of this.#writes.keys()) await this.redis.unlink(PREFIX + String(n));
  }

  seen({ from }: Ended, until: number): CacheSeen {
    const own = [...this.#writes.entries()].filter(([, { at }]) => at >= from && at < until);
    const failed = own.findIndex(([, { confirmed }]) => !confirmed);
    const again = own.slice(failed).find(([, { confirmed }]) => confirmed);
    return {
      promotedMs: failed < 0 || !again ? null : again[1].doneAt - from,
      writes: own.length,
      errors: own.filter(([, { confirmed }]) => !confirmed).length,
      lost: own.filter(([n]) => this.#lost.has(n)).length,
    };
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const at = Date.now();
      const confirmed = await this.redis.set(PREFIX + String(this.#writes.length), at, 'EX', TTL_S).then(
        () => true,
        () => false,
      );
      this.#writes.push({ at, doneAt: Date.now(), confirmed });
      await delay(EVERY_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }
}
