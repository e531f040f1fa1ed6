/**
 * A Telegram data centre for development and tests: real MTProto (layer 198) over TCP, one account, broadcast channels.
 *
 * Promised: what a client sees follows from one append-only log per channel, which the control API shows in full; every
 *   call is answered, and one that is not implemented is named in the statistics; with a state folder, keys, ids and
 *   pts survive a kill.
 * Not promised, and different from Telegram: one data centre and one salt a key; a session ends with its connection
 *   and nothing unacknowledged is sent again; no rate limits but injected ones; the common box (pts, qts) never moves.
 * On failure: a client that breaks the protocol loses its connection, a method that throws answers 500 INTERNAL.
 */
import { createServer, type AddressInfo, type Server } from 'node:net';
import { createLogger, type Logger } from '../logger.js';
import type { Channel, MediaKind, WorldEvent } from './channel.js';
import { Connection, type DataCentre } from './connection.js';
import { createControl } from './control.js';
import { Faults } from './faults.js';
import { Generator } from './generator.js';
import { Keyring } from './keyring.js';
import { publicKeyBase64, sessionString, type SimulatorKeys } from './keys.js';
import { pace } from './pace.js';
import { Publisher } from './publisher.js';
import { Dispatcher } from './rpc.js';
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

export interface NewPost {
  readonly text: string;
  readonly media?: MediaKind | null;
  /** Pushes the same update twice. */
  readonly duplicate?: boolean;
}

/** What became of one post. */
export interface PostReceipt {
  readonly channelId: string;
  readonly messageId: string;
  readonly pts: number;
  /** Write to the first socket, ms since the epoch with a fraction; null when nobody got it. */
  readonly pushedAt: number | null;
}

export interface BatchOptions {
  /** Posts per second. @default as fast as possible */
  readonly ratePerSecond?: number | undefined;
  /** Posts packed into one updates container. @default 1 */
  readonly perContainer?: number | undefined;
}

const MAX_BATCH = 100_000;

/** Starts a data centre with its control API. Both servers listen when the promise resolves. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = new Simulator(options);
  await simulator.listen();
  return simulator;
}

/** One simulated data centre: the world, who is connected to it, and the ways to change it. */
export class Simulator {
  readonly world: World;
  readonly faults: Faults;
  readonly keyring: Keyring;
  readonly stats = new Stats();
  readonly generator: Generator;
  readonly connections = new Set<Connection>();
  readonly #publisher: Publisher;
  readonly #dc: DataCentre;
  readonly #server: Server;
  readonly #control: ReturnType<typeof createControl>;
  readonly #closing = new AbortController();
  #controlPort = 0;

  constructor(private readonly options: SimulatorOptions) {
    const logger = options.logger ?? createLogger('telegram-simulator', 'silent');
    this.keyring = new Keyring({ stateDir: options.stateDir, keys: options.keys });
    this.world = new World({ ...options, channels: options.channels ?? 3 });
    this.#publisher = new Publisher(this.connections, this.stats);
    this.faults = new Faults({
      kick: () => {
        this.kick();
      },
      release: () => {
        this.#publisher.release(this.faults);
      },
    });
    this.generator = new Generator(
      this.world,
      (channel, post) => {
        this.post(channel.id, post);
        this.stats.generatedOne();
      },
      (options.seed ?? 1) + this.world.eventCount,
    );
    this.#dc = {
      world: this.world,
      keyring: this.keyring,
      faults: this.faults,
      stats: this.stats,
      logger,
      dispatcher: new Dispatcher(this.faults, this.stats, logger),
      address: { host: options.host ?? '127.0.0.1', port: 0 },
    };
    this.#server = this.#createServer();
    this.#control = createControl(this);
  }

  get mtprotoPort(): number {
    return this.#dc.address.port;
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
    return this.#server.listening;
  }

  get heldPushes(): number {
    return this.#publisher.heldCount;
  }

  async listen(): Promise<void> {
    const host = this.#dc.address.host;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.options.port ?? 0, host, resolve);
    });
    this.#dc.address.port = (this.#server.address() as AddressInfo).port;
    await this.#control.listen({ host, port: this.options.controlPort ?? 0 });
    this.#controlPort = (this.#control.server.address() as AddressInfo).port;
    this.generator.setRate(this.options.rate ?? 0);
  }

  post(channelId: number, post: NewPost): PostReceipt {
    const channel = this.world.channel(channelId);
    const event = this.world.post(channel, post.text, post.media ?? null);
    this.#publish(channel, [event], post.duplicate === true ? 2 : 1);
    return receipt(channel, event);
  }

  /**
   * Posts one after the other at the given rate; resolves when all are pushed. Waits for clients that lag behind by
   * more than their socket takes. Stops early when the simulator closes.
   */
  async postAll(channelId: number, posts: readonly NewPost[], options: BatchOptions = {}): Promise<PostReceipt[]> {
    if (posts.length > MAX_BATCH) throw new RangeError(`at most ${String(MAX_BATCH)} posts at once`);
    const channel = this.world.channel(channelId);
    const done: WorldEvent[] = [];
    let container: WorldEvent[] = [];
    const flush = (copies: number) => {
      if (container.length > 0) this.#publish(channel, container, copies);
      container = [];
    };
    const schedule = {
      rate: options.ratePerSecond ?? null,
      count: posts.length,
      skipLate: false,
      signal: this.#closing.signal,
      ready: () => this.#allCaughtUp(),
    };
    await pace(schedule, (index) => {
      const post = posts[index];
      if (post === undefined) return;
      if (post.duplicate === true) flush(1);
      const event = this.world.post(channel, post.text, post.media ?? null);
      container.push(event);
      done.push(event);
      if (post.duplicate === true || container.length >= (options.perContainer ?? 1))
        flush(post.duplicate === true ? 2 : 1);
    });
    flush(1);
    return done.map((event) => receipt(channel, event));
  }

  edit(channelId: number, messageId: number, text: string): WorldEvent {
    const channel = this.world.channel(channelId);
    const event = this.world.edit(channel, messageId, text);
    this.#publish(channel, [event], 1);
    return event;
  }

  remove(channelId: number, ids: readonly number[]): WorldEvent {
    const channel = this.world.channel(channelId);
    const event = this.world.remove(channel, ids);
    this.#publish(channel, [event], 1);
    return event;
  }

  /** Closes every client connection. */
  kick(): void {
    for (const connection of this.connections) connection.close();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.generator.stop();
    await this.#control.close();
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    this.kick();
    await closed;
    this.world.close();
  }

  #allCaughtUp(): Promise<unknown> | undefined {
    const behind = [...this.connections].flatMap((connection) => connection.caughtUp() ?? []);
    return behind.length === 0 ? undefined : Promise.race([Promise.all(behind), aborted(this.#closing.signal)]);
  }

  #publish(channel: Channel, events: readonly WorldEvent[], copies: number): void {
    for (const { type } of events) this.stats.events.inc({ type });
    this.#publisher.publish(this.faults, channel, events, copies);
  }

  #createServer(): Server {
    return createServer((socket) => {
      socket.on('error', () => {
        socket.destroy();
      });
      if (this.faults.refusing) {
        socket.destroy();
        return;
      }
      const connection = new Connection(this.#dc, socket);
      this.connections.add(connection);
      this.stats.accepted++;
      this.stats.connections.set(this.connections.size);
      socket.on('close', () => {
        this.connections.delete(connection);
        this.stats.connections.set(this.connections.size);
      });
    });
  }
}

const aborted = (signal: AbortSignal) =>
  new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true });
  });

function receipt(channel: Channel, event: WorldEvent): PostReceipt {
  const messageId = event.type === 'delete' ? 0 : event.message.id;
  return { channelId: String(channel.id), messageId: String(messageId), pts: event.pts, pushedAt: event.pushedAt };
}
