import bigInt from 'big-integer';
import { randomBytes } from 'node:crypto';
import { Api } from 'telegram';

export interface WatchdogOptions {
  readonly intervalMs: number;
  readonly deadlineMs: number;
  readonly ping: (deadlineMs: number) => Promise<void>;
  readonly onSilent: () => void;
}

/**
 * Pings the server, one ping at a time. Acknowledgements leave with each ping, and a half-open connection is noticed
 * within interval + deadline (the library's own loop needs up to 40 s and cannot be stopped).
 */
export class Watchdog {
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(private readonly options: WatchdogOptions) {}

  start(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#beat(), this.options.intervalMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** The server drops the connection after a minute without one, so that a dead client leaves nothing behind. */
  request(): Api.PingDelayDisconnect {
    return new Api.PingDelayDisconnect({
      pingId: bigInt(randomBytes(6).toString('hex'), 16),
      disconnectDelay: Math.max(60, Math.ceil((this.options.intervalMs * 3) / 1_000)),
    });
  }

  async #beat(): Promise<void> {
    try {
      await this.options.ping(this.options.deadlineMs);
    } catch {
      if (!this.#stopped) this.options.onSilent();
      return;
    }
    this.start();
  }
}
