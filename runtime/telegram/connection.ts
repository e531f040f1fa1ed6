import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../logger.js';
import { metrics } from '../metrics.js';
import { TelegramError, type ConnectionState, type SelfInfo, type TelegramPort, type UpdateBatch } from './client.js';

/** Pauses before the next attempt; the last one repeats. */
const BACKOFF_MS = [250, 1_000, 2_000, 5_000, 10_000, 30_000] as const;
/** A connection that lasted this long resets the pauses. */
const STABLE_MS = 30_000;

export interface ConnectionOptions {
  readonly createPort: () => TelegramPort;
  readonly logger: Logger;
  /** Longest wait for handshake and login. @default 15000 */
  readonly connectDeadlineMs?: number;
  /** How often the account is asked whether it is still valid; Telegram also wants to hear of a client. @default 60000 */
  readonly checkMs?: number;
  readonly onUpdates: (batch: UpdateBatch) => void;
  readonly onUnreadable: (where: string) => void;
  readonly onOnline: (port: TelegramPort, self: SelfInfo) => void;
  /** The session is of no more use; nothing is tried again. */
  readonly onFatal: (error: TelegramError) => void;
}

/**
 * Keeps one connected port: builds a new one whenever the last one ended.
 *
 * Promised: `onOnline` is called after every connect, also a repeated one: what was pushed in between is lost and must
 * be fetched; there is never more than one port. Not promised: that a port which is `current` still works.
 * On failure: growing pauses, for ever; an error that only a new login mends ends the attempts.
 */
export class TelegramConnection {
  readonly #stop = new AbortController();
  readonly #stopped = new Promise<null>((resolve) => {
    this.#stop.signal.addEventListener('abort', () => {
      resolve(null);
    });
  });
  #current: TelegramPort | null = null;
  #loop: Promise<void> = Promise.resolve();
  #detail = 'not started';

  constructor(private readonly options: ConnectionOptions) {}

  /** The connected port; null while there is none. */
  get current(): TelegramPort | null {
    return this.#current;
  }

  /** One line for the operator. */
  get detail(): string {
    return this.#detail;
  }

  start(): void {
    this.#detail = 'connecting';
    this.#loop = this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#current?.close();
    await this.#loop;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#closing()) {
      const startedAt = performance.now();
      try {
        await this.#connectOnce();
        failures = performance.now() - startedAt > STABLE_MS ? 0 : failures + 1;
      } catch (error) {
        if (error instanceof TelegramError && error.kind === 'auth-fatal') {
          this.#fatal(error);
          return;
        }
        if (this.#closing()) return;
        failures += 1;
        const pauseMs = error instanceof TelegramError && error.kind === 'flood' ? (error.seconds ?? 1) * 1_000 : 0;
        this.#detail = error instanceof Error ? error.message : String(error);
        this.options.logger.warn({ err: error, attempt: failures }, 'no connection to Telegram');
        await this.#pause(pauseMs);
      }
      await this.#pause(BACKOFF_MS[Math.min(failures, BACKOFF_MS.length) - 1] ?? BACKOFF_MS[0]);
    }
  }

  /** Connects, and returns when that connection has ended. */
  async #connectOnce(): Promise<void> {
    const { logger, connectDeadlineMs = 15_000 } = this.options;
    const port = this.options.createPort();
    const ended = this.#listen(port);
    const stop = (): void => void port.close();
    this.#stop.signal.addEventListener('abort', stop, { once: true });
    try {
      const self = await port.connect(connectDeadlineMs);
      this.#online(port, self);
      const check = this.#checkAccount(port);
      const state = await Promise.race([ended, check.failed, this.#stopped]);
      check.stop();
      if (state) logger.warn({ state }, 'connection to Telegram ended');
    } finally {
      this.#stop.signal.removeEventListener('abort', stop);
      this.#current = null;
      this.#detail = 'connecting again';
      metrics.connectionState.set(0);
      await port.close();
    }
  }

  #listen(port: TelegramPort): Promise<ConnectionState> {
    port.onUpdates(this.options.onUpdates);
    port.onUnreadable(this.options.onUnreadable);
    return new Promise((resolve) => {
      port.onState((state) => {
        if (state !== 'connected') resolve(state);
      });
    });
  }

  #online(port: TelegramPort, self: SelfInfo): void {
    this.#current = port;
    this.#detail = 'connected';
    metrics.connectionState.set(1);
    this.options.logger.info({ userId: self.id }, 'connected to Telegram');
    this.options.onOnline(port, self);
  }

  /** A revoked session shows only when something is asked of it. */
  #checkAccount(port: TelegramPort): { failed: Promise<never>; stop: () => void } {
    let timer: NodeJS.Timeout | undefined;
    const failed = new Promise<never>((_resolve, reject) => {
      timer = setInterval(() => {
        port.getState().catch((error: unknown) => {
          if (error instanceof TelegramError && error.kind === 'auth-fatal') reject(error);
        });
      }, this.options.checkMs ?? 60_000);
    });
    return {
      failed,
      stop: () => {
        clearInterval(timer);
      },
    };
  }

  #closing(): boolean {
    return this.#stop.signal.aborted;
  }

  #fatal(error: TelegramError): void {
    this.#detail = error.reason;
    this.options.onFatal(error);
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0) await delay(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }
}
