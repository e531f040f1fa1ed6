/**
 * New credentials without a restart.
 *
 * Promised: on SIGHUP the file is read again; every part proves its new login before it uses it, goes on with the former
 *   one until then, and lets go of that without failing what is under way. `epoch` tells when no connection of the process
 *   uses a former login any more.
 * Not promised: when. A service that is away is waited for.
 * On failure: a file that cannot be read leaves the old credentials in force.
 */
import type { CredentialStore } from './credentials.js';
import type { Logger } from './logger.js';
import { metrics } from './metrics.js';

/**
 * Takes one part of the process over to the credentials of now. Resolves when nothing of it uses former ones, or when
 * `signal` says that there are newer ones still.
 */
export type ChangeOver = (signal: AbortSignal) => Promise<void>;

export interface ReloadOptions {
  readonly credentials: CredentialStore;
  readonly parts: readonly ChangeOver[];
  readonly logger: Logger;
  /** Told before and after the file is read. */
  readonly notify?: (phase: 'reading' | 'read') => void;
}

export class CredentialReload {
  #newer = new AbortController();
  #epoch: number | null = null;

  constructor(private readonly options: ReloadOptions) {
    this.#settle();
  }

  /** Epoch of the credentials that all connections use; null while they change over, and in a file without one. */
  get epoch(): number | null {
    return this.#epoch;
  }

  listen(): this {
    process.on('SIGHUP', () => {
      this.reload();
    });
    return this;
  }

  /** A file that has not changed changes nothing. */
  reload(): void {
    const { credentials, logger, notify } = this.options;
    notify?.('reading');
    try {
      if (credentials.reload()) {
        logger.info('credentials read again');
        void this.#changeOver();
      }
    } catch (error) {
      logger.error({ err: error }, 'credentials cannot be read again: the old ones stay in force');
    }
    notify?.('read');
  }

  async #changeOver(): Promise<void> {
    const { parts, logger } = this.options;
    this.#newer.abort();
    this.#newer = new AbortController();
    this.#epoch = null;
    const { signal } = this.#newer;
    const started = performance.now();
    try {
      await Promise.all(parts.map((part) => part(signal)));
    } catch (error) {
      logger.error({ err: error }, 'a part did not change over to the new credentials');
      return;
    }
    if (signal.aborted) return;
    this.#settle();
    logger.info(
      { epoch: this.#epoch, ms: Math.round(performance.now() - started) },
      'new credentials in use everywhere',
    );
  }

  #settle(): void {
    this.#epoch = this.options.credentials.current.epoch ?? null;
    if (this.#epoch !== null) metrics.credentialEpoch.set(this.#epoch);
  }
}
