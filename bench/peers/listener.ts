import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** What a listener is told on its first line of stdin. */
export interface ListenerWish {
  /** MTProto port of the simulator, on the loopback. */
  readonly port: number;
  /** Its public RSA key, as base64 of the SPKI and as PEM (PKCS #1). */
  readonly publicKey: string;
  readonly publicKeyPem: string;
  /** A session that is logged in, for GramJS, and its key. */
  readonly session: string;
  readonly authKeyHex: string;
  /** Where it keeps what it wants to keep over a restart. */
  readonly folder: string;
}

export interface ListenerCommand {
  readonly file: string;
  readonly args: readonly string[];
}

/** Pause before an ended listener is started again: as the gateway's unit has it (`RestartSec=10s`). */
export const RESTART_MS = 10_000;

/** A listener as a service: whatever ends it, it is started again after a pause, with what it kept. */
export class Listener {
  /** How often each message was received, by `channel:message`. */
  readonly received = new Map<string, number>();
  /** Ends that nobody asked for. */
  crashes = 0;
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | undefined;
  #killed = false;
  #ended = false;
  readonly #ready = Promise.withResolvers<undefined>();

  constructor(
    private readonly command: ListenerCommand,
    private readonly wish: ListenerWish,
    private readonly restartMs = RESTART_MS,
  ) {}

  /** Resolves when it listens for the first time; rejects after `boundMs`. */
  async start(boundMs = 120_000): Promise<void> {
    const timer = setTimeout(() => {
      this.#ready.reject(new Error(`${this.command.file} does not listen within ${String(boundMs)} ms`));
    }, boundMs);
    this.#spawn();
    await this.#ready.promise.finally(() => {
      clearTimeout(timer);
    });
  }

  /** SIGKILL; it comes back by itself. */
  kill(): void {
    this.#killed = true;
    this.#child?.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (!child) return;
    const gone = once(child, 'close');
    child.kill('SIGKILL');
    await gone;
  }

  #spawn(): void {
    const child = spawn(this.command.file, [...this.command.args], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#child = child;
    this.#killed = false;
    // An end before the line was written is an end like any other.
    child.stdin.on('error', () => undefined);
    child.stdin.write(`${JSON.stringify(this.wish)}\n`);
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#hear(JSON.parse(line) as { ready?: true; channelId?: string; messageId?: string });
    });
    child.on('error', (error) => {
      this.#ready.reject(error);
    });
    child.on('close', () => {
      this.#child = null;
      if (this.#ended) return;
      if (!this.#killed) this.crashes += 1;
      this.#timer = setTimeout(() => {
        this.#spawn();
      }, this.restartMs);
    });
  }

  #hear({ ready, channelId, messageId }: { ready?: true; channelId?: string; messageId?: string }): void {
    if (ready) this.#ready.resolve(undefined);
    if (channelId === undefined || messageId === undefined) return;
    const key = `${channelId}:${messageId}`;
    this.received.set(key, (this.received.get(key) ?? 0) + 1);
  }
}
