/**
 * A Telegram data centre for development and tests: real MTProto (layer 198) over TCP, two accounts, broadcast channels.
 *
 * Promised: what a client sees follows from one append-only log per channel, which the control API shows in full; every
 *   call is answered (unless a fault says otherwise), and one that is not implemented is named in the statistics; with a
 *   state folder, keys, ids and pts survive a kill.
 * Not promised, and different from Telegram: one data centre answers for all five; a session ends with its connection
 *   and nothing unacknowledged is sent again; no rate limits but injected ones; phone numbers that nobody has are
 *   invalid.
 * On failure: a client that breaks the protocol loses its connection, a method that throws answers 500 INTERNAL.
 */
import type { AddressInfo } from 'node:net';
import { Api } from 'telegram/tl';
import { createLogger, type Logger } from '../logger.js';
import { Acceptor } from './acceptor.js';
import { Accounts } from './accounts/accounts.js';
import { Logins } from './accounts/logins.js';
import type { WorldEvent } from './channel.js';
import { unixSeconds } from './clock.js';
import type { Connection } from './connection.js';
import { createControl } from './control/index.js';
import { Editor, type BatchOptions, type NewPost, type PostReceipt } from './editor.js';
import { Faults } from './faults.js';
import { Gaps } from './gaps.js';
import { Generator } from './generator.js';
import { Keyring } from './keyring.js';
import { publicKeyBase64, sessionString, type SimulatorKeys } from './keys.js';
import { Publisher } from './publisher.js';
import { Dispatcher } from './rpc.js';
import { Shown } from './shown.js';
import { Stats } from './stats.js';
import { World, type WorldOptions } from './world.js';

export interface SimulatorOptions extends Partial<Omit<WorldOptions, 'stateDir'>> {
  /** Address both servers listen on. @default 127.0.0.1 */
  readonly host?: string;
  /** MTProto port. @default 0, any free one */
  readonly port?: number;
  /** HTTP control port. @default 0, any free one */
  readonly controlPort?: number;
  /** Keeps keys and world there. @default memory only */
  readonly stateDir?: string | undefined;
  /** Generated posts per second. @default 0 */
  readonly rate?: number;
  /** Seed of the generator. @default 1 */
  readonly seed?: number;
  /** @default stored or newly made ones */
  readonly keys?: SimulatorKeys | undefined;
  readonly logger?: Logger;
}

/** Starts a data centre with its control API. Both servers listen when the promise resolves. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = new Simulator(options);
  await simulator.listen();
  return simulator;
}

/** One simulated data centre: the world, who is connected to it, and the ways to change it. */
export class Simulator {
  readonly world: World;
  readonly accounts = new Accounts();
  readonly logins = new Logins();
  readonly faults: Faults;
  readonly gaps = new Gaps();
  readonly shown = new Shown();
  readonly keyring: Keyring;
  readonly stats = new Stats();
  readonly editor: Editor;
  readonly generator: Generator;
  readonly connections = new Set<Connection>();
  readonly #publisher: Publisher;
  readonly #acceptor: Acceptor;
  readonly #control: ReturnType<typeof createControl>;
  readonly #closing = new AbortController();
  readonly #address: { readonly host: string; port: number };
  #controlPort = 0;

  constructor(private readonly options: SimulatorOptions) {
    const logger = options.logger ?? createLogger('telegram-simulator', 'silent');
    this.#address = { host: options.host ?? '127.0.0.1', port: 0 };
    this.keyring = new Keyring({ stateDir: options.stateDir, keys: options.keys });
    this.world = new World({ ...options, channels: options.channels ?? 3 });
    this.faults = new Faults({
      kick: () => {
        this.kick();
      },
      release: () => {
        this.#publisher.release();
      },
    });
    this.#publisher = new Publisher(this.connections, this.faults, this.stats);
    this.editor = new Editor(this.world, this.accounts, this.#publisher, this.stats, {
      signal: this.#closing.signal,
      ready: () => this.#allCaughtUp(),
    });
    this.generator = new Generator(
      this.world,
      (channel, post) => {
        this.post(channel.id, post);
        this.stats.generatedOne();
      },
      (options.seed ?? 1) + this.world.eventCount,
    );
    const dispatcher = new Dispatcher(this.#centre(), this.stats, logger);
    const { keyring, faults, stats } = this;
    this.#acceptor = new Acceptor({ keyring, faults, stats, logger, dispatcher }, this.connections);
    this.#control = createControl(this, logger);
  }

  get mtprotoPort(): number {
    return this.#address.port;
  }

  get controlPort(): number {
    return this.#controlPort;
  }

  get keys(): SimulatorKeys {
    return this.keyring.keys;
  }

  /** What a client needs to trust this data centre. */
  get publicKey(): string {
    return publicKeyBase64(this.keys.rsaPrivateKeyPem);
  }

  /** A session that is logged in. */
  get session(): string {
    return sessionString(this.keys.authKeyHex);
  }

  get listening(): boolean {
    return this.#acceptor.listening;
  }

  get heldPushes(): number {
    return this.#publisher.heldCount;
  }

  async listen(): Promise<void> {
    const { host } = this.#address;
    this.#address.port = await this.#acceptor.listen(this.options.port ?? 0, host);
    await this.#control.listen({ host, port: this.options.controlPort ?? 0 });
    this.#controlPort = (this.#control.server.address() as AddressInfo).port;
    this.generator.setRate(this.options.rate ?? 0);
  }

  post(channelId: number, post: NewPost): PostReceipt {
    return this.editor.post(channelId, post);
  }

  postAll(channelId: number, posts: readonly NewPost[], options: BatchOptions = {}): Promise<PostReceipt[]> {
    return this.editor.postAll(channelId, posts, options);
  }

  edit(channelId: number, messageId: number, text: string): WorldEvent {
    return this.editor.edit(channelId, messageId, text);
  }

  remove(channelId: number, ids: readonly number[]): WorldEvent {
    return this.editor.remove(channelId, ids);
  }

  /** Somebody scans a QR code with an app that is logged in. False when there is no such token any more. */
  acceptLogin(token: Buffer, userId: number): boolean {
    const state = this.logins.accept(token, this.accounts.get(userId));
    if (state === undefined) return false;
    const update = new Api.UpdateShort({ update: new Api.UpdateLoginToken(), date: unixSeconds() }).getBytes();
    for (const connection of this.connections) if (connection.keyId === state.keyId) connection.push([update]);
    return true;
  }

  /** Ends every session of an account, as "terminate all sessions" does. Gives how many there were. */
  revoke(userId: number): number {
    return this.keyring.revoke(userId);
  }

  /** Closes every client connection. */
  kick(): void {
    this.#acceptor.kick();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.generator.stop();
    this.#publisher.close();
    await this.#control.close();
    await this.#acceptor.close();
    this.world.close();
  }

  #centre() {
    return {
      world: this.world,
      accounts: this.accounts,
      logins: this.logins,
      faults: this.faults,
      gaps: this.gaps,
      shown: this.shown,
      address: this.#address,
      tell: (userId: number, text: string) => {
        this.editor.tell(userId, text);
      },
      setMember: (channelId: number, userId: number, state: 'member' | 'left') => {
        this.editor.setMember(channelId, userId, state);
      },
    };
  }

  #allCaughtUp(): Promise<unknown> | undefined {
    const behind = [...this.connections].flatMap((connection) => connection.caughtUp() ?? []);
    return behind.length === 0 ? undefined : Promise.race([Promise.all(behind), aborted(this.#closing.signal)]);
  }
}

const aborted = (signal: AbortSignal) =>
  new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true });
  });
