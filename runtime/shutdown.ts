import type { Logger } from './logger.js';

/** Part of the time that is left which one closer may take: then the others still get theirs. */
const SHARE = 2 / 3;

/**
 * The whole shutdown policy. Promised: closers run once, in reverse order of registration, and the process ends within
 * the deadline, with the code that was asked for, also when a part hangs (it is named and left behind); a second signal
 * ends the process at once. Not promised: that work begun after the signal completes.
 */
export class Shutdown {
  readonly #controller = new AbortController();
  readonly #closers: { name: string; close: () => Promise<void> }[] = [];
  #running: Promise<void> | undefined;

  constructor(
    private readonly logger: Logger,
    private readonly deadlineMs: number,
  ) {}

  /** Aborted as soon as the process is asked to stop. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Closers run last registered first. */
  onClose(name: string, close: () => Promise<void>): void {
    this.#closers.push({ name, close });
  }

  /** Stops on SIGTERM and SIGINT. */
  listen(): void {
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.on(name, () => {
        if (this.#running) process.exit(1);
        this.logger.info({ signal: name }, 'stopping');
        void this.stop(0);
      });
    }
  }

  /** Closes everything and ends the process with the given code. */
  async stop(exitCode: number): Promise<void> {
    this.#running ??= this.#closeAll();
    await this.#running;
    process.exit(exitCode);
  }

  async #closeAll(): Promise<void> {
    const endsAt = performance.now() + this.deadlineMs;
    this.#controller.abort();
    for (const { name, close } of this.#closers.reverse()) {
      try {
        await within(close(), (endsAt - performance.now()) * SHARE);
      } catch (error) {
        this.logger.warn({ err: error, part: name }, 'part did not close cleanly');
      }
    }
  }
}

/** Rejects after `ms`; what `work` does afterwards is ignored. */
async function within(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`not closed within ${String(Math.round(ms))} ms`));
    }, ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
