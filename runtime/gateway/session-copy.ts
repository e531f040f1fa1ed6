import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../logger.js';
import { sealSession } from '../telegram/session-seal.js';

export interface SessionCopyOptions {
  /** Of the backup; public. */
  readonly sealingKey: string;
  /** Stores a sealed session in the place of the last one. */
  readonly save: (sealed: Buffer) => Promise<void>;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** @default 60000 */
  readonly retryMs?: number;
}

/**
 * Keeps a copy of the session where the backup finds it, sealed for whoever holds the key of the backups.
 *
 * Promised: the newest session that was offered is stored in the end, however long the database is away; nothing waits for it.
 */
export class SessionCopy {
  #wanted: string | null = null;
  #running = false;

  constructor(private readonly options: SessionCopyOptions) {}

  offer(session: string): void {
    this.#wanted = session;
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    const { sealingKey, save, logger, signal, retryMs = 60_000 } = this.options;
    this.#running = true;
    while (this.#wanted !== null && !signal.aborted) {
      const session: string = this.#wanted;
      try {
        await save(sealSession(sealingKey, session));
        // Another one may have been offered meanwhile.
        if (this.#wanted === session) this.#wanted = null;
      } catch (error) {
        logger.warn({ err: error }, 'the session cannot be copied for the backup yet');
        await delay(retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
    this.#running = false;
  }
}
