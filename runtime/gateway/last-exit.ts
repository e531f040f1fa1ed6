import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { Logger } from '../logger.js';
import { metrics } from '../metrics.js';

const recordSchema = z.object({ code: z.string(), reason: z.string(), at: z.iso.datetime() });

/** Why a gateway ended for good. */
export interface LastExit {
  readonly code: 'TELEGRAM_AUTH_FATAL' | 'LEASE_LOST';
  /** A word, the same each time: Telegram's own name for it, or that of the fence. */
  readonly reason: string;
}

/**
 * What a process that ends for good leaves behind beside its session: nobody scrapes it any more, and the unit is not
 * started again. The next one shows it as `telegram_last_fatal_exit_timestamp_seconds`. On failure: one line, and no record.
 */
export class LastExitRecord {
  readonly #path: string;

  constructor(
    sessionFile: string,
    private readonly logger: Logger,
  ) {
    this.#path = `${sessionFile}.last-exit`;
  }

  /** Synchronous: the process is about to end. */
  write({ code, reason }: LastExit): void {
    try {
      const temporary = `${this.#path}.${String(process.pid)}.tmp`;
      writeFileSync(temporary, JSON.stringify({ code, reason, at: new Date().toISOString() }), { mode: 0o600 });
      renameSync(temporary, this.#path);
    } catch (error) {
      this.logger.warn({ err: error, file: this.#path }, 'why this gateway ends cannot be written down');
    }
  }

  /** Shows what an earlier process left. */
  show(): void {
    try {
      const { code, reason, at } = recordSchema.parse(JSON.parse(readFileSync(this.#path, 'utf8')));
      metrics.lastFatalExit.set({ code, reason }, Date.parse(at) / 1_000);
      this.logger.info({ code, reason, at }, 'an earlier gateway of this session ended for good');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      this.logger.warn({ err: error, file: this.#path }, 'why an earlier gateway ended cannot be read');
    }
  }
}
