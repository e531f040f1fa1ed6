import { setTimeout as delay } from 'node:timers/promises';

/** Requests of several clients, each made again and again; every failure is kept with its client and time. */
export class Traffic {
  readonly requests: Record<string, number> = {};
  readonly failures: string[] = [];
  readonly #running: Promise<void>[] = [];
  #stopped = false;

  /** Begins a client: one request at a time, with a pause after each. */
  client(name: string, pauseMs: number, request: () => Promise<unknown>): void {
    this.requests[name] = 0;
    this.#running.push(this.#repeat(name, pauseMs, request));
  }

  /** Resolves when every client has finished its last request. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  async #repeat(name: string, pauseMs: number, request: () => Promise<unknown>): Promise<void> {
    while (!this.#stopped) {
      try {
        await request();
      } catch (error) {
        this.failures.push(
          `${new Date().toISOString()} ${name}: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
      this.requests[name] = (this.requests[name] ?? 0) + 1;
      await delay(pauseMs);
    }
  }
}
