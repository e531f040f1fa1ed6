import { setMaxListeners } from 'node:events';
import { Api, TelegramClient } from 'telegram';
import { ConnectionTCPFull, UpdateConnectionState } from 'telegram/network/index.js';
import type { Logger } from '../logger.js';
import {
  TelegramError,
  type ChannelDifference,
  type ChannelInfo,
  type ChannelPage,
  type ChannelRef,
  type CommonDifference,
  type CommonState,
  type ConnectionState,
  type HistoryPage,
  type HistoryQuery,
  type ListingPlace,
  type MessagesById,
  type SelfInfo,
  type TelegramPort,
  type UpdateBatch,
} from './client.js';
import { classify } from './gramjs/classify.js';
import { within } from './gramjs/deadline.js';
import { listPage } from './gramjs/dialogs.js';
import './gramjs/fast-integers.js';
import {
  commonDifferenceRequest,
  differenceRequest,
  normaliseCommonDifference,
  normaliseDifference,
} from './gramjs/difference.js';
import {
  channelPtsOf,
  historyRequest,
  inputChannel,
  messagesRequest,
  normaliseHistory,
  normaliseMessagesById,
} from './gramjs/history.js';
import type { ClientInternals, Sender } from './gramjs/internals.js';
import { resolveChannel } from './gramjs/join.js';
import { LeanSession } from './gramjs/lean-session.js';
import { DebugLogger } from './gramjs/library-logger.js';
import { patchSender } from './gramjs/patches.js';
import { socketClass, type Endpoint } from './gramjs/socket.js';
import './gramjs/vector-repair.js';
import { Watchdog } from './gramjs/watchdog.js';
import { normaliseContainer } from './normalise.js';

export interface GramjsOptions {
  readonly apiId: number;
  readonly apiHash: string;
  /** Content of the session file; empty makes a new key that is not logged in. */
  readonly session: string;
  /** Dialled instead of Telegram; null dials Telegram. */
  readonly endpoint: Endpoint | null;
  readonly logger: Logger;
  /** Longest wait for an answer. @default 20000 */
  readonly callDeadlineMs?: number;
  /** Pause between two pings. @default 4000 */
  readonly pingIntervalMs?: number;
  /** Silence after a ping that ends the connection. @default 4000 */
  readonly pingDeadlineMs?: number;
}

/**
 * GramJS behind the port. One object is one connection: where the library would reconnect by itself (and lose what was
 * pushed meanwhile, or stop trying), this one says `disconnected` once and closes; its owner builds a new one.
 *
 * Promised: each call ends within its deadline; every error is a `TelegramError`; updates arrive undivided, in order and
 * synchronously; what cannot be read is reported; a silent server is noticed within ping interval + ping deadline.
 * Not promised: that every update is pushed, or pushed once. Only `pts` and the difference tell.
 */
export class GramjsTelegram implements TelegramPort {
  readonly #client: TelegramClient;
  readonly #session: LeanSession;
  readonly #closed = new AbortController();
  readonly #watchdog: Watchdog;
  readonly #callDeadlineMs: number;
  #connected = false;
  #ended = false;
  /** Why the last connect attempt of the library failed; it only says `false`. */
  #failure: unknown;
  #onUpdates: (batch: UpdateBatch) => void = () => undefined;
  #onState: (state: ConnectionState) => void = () => undefined;
  #onUnreadable: (where: string) => void = () => undefined;

  constructor(private readonly options: GramjsOptions) {
    this.#callDeadlineMs = options.callDeadlineMs ?? 20_000;
    // One listener a pending call.
    setMaxListeners(100, this.#closed.signal);
    this.#session = new LeanSession(options.session);
    this.#client = this.#createClient();
    this.#watchdog = new Watchdog({
      intervalMs: options.pingIntervalMs ?? 4_000,
      deadlineMs: options.pingDeadlineMs ?? 4_000,
      ping: (deadlineMs) => this.#ping(deadlineMs),
      onSilent: () => {
        this.#end('disconnected', 'SILENT');
      },
    });
  }

  onUpdates(listener: (batch: UpdateBatch) => void): void {
    this.#onUpdates = listener;
  }

  onState(listener: (state: ConnectionState) => void): void {
    this.#onState = listener;
  }

  onUnreadable(listener: (where: string) => void): void {
    this.#onUnreadable = listener;
  }

  async connect(deadlineMs: number): Promise<SelfInfo> {
    try {
      const self = await within(this.#open(), 'connect', deadlineMs, this.#closed.signal);
      this.#connected = true;
      this.#watchdog.start();
      this.#onState('connected');
      return self;
    } catch (error) {
      await this.close();
      throw classify(error);
    }
  }

  async getState(): Promise<CommonState> {
    const { pts, qts, date, seq } = await this.#invoke(new Api.updates.GetState());
    return { pts, qts, date, seq };
  }

  getChannels(place: ListingPlace | null): Promise<ChannelPage> {
    return listPage((request) => this.#invoke(request), place);
  }

  resolveChannel(username: string): Promise<ChannelInfo | null> {
    return resolveChannel((request) => this.#invoke(request), username);
  }

  async joinChannel(channel: ChannelRef): Promise<void> {
    await this.#invoke(new Api.channels.JoinChannel({ channel: inputChannel(channel) }));
  }

  async getChannelDifference(channel: ChannelRef, pts: number, limit: number): Promise<ChannelDifference> {
    return normaliseDifference(await this.#invoke(differenceRequest(channel, pts, limit)));
  }

  async getDifference(state: CommonState): Promise<CommonDifference> {
    return normaliseCommonDifference(await this.#invoke(commonDifferenceRequest(state)));
  }

  async getHistory(channel: ChannelRef, query: HistoryQuery): Promise<HistoryPage> {
    return normaliseHistory(await this.#invoke(historyRequest(channel, query)));
  }

  async getMessages(channel: ChannelRef, ids: readonly string[]): Promise<MessagesById> {
    return normaliseMessagesById(await this.#invoke(messagesRequest(channel, ids)));
  }

  async getChannelPts(channel: ChannelRef): Promise<number> {
    return channelPtsOf(await this.#invoke(new Api.channels.GetFullChannel({ channel: inputChannel(channel) })));
  }

  exportSession(): string {
    return this.#session.save();
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#ended = true;
    this.#watchdog.stop();
    // Ends sockets and pending calls at once, whatever the library is doing.
    this.#closed.abort(new TelegramError('transient', 'CLIENT_CLOSED'));
    // `disconnect()` alone would leave its loops running.
    await this.#client.destroy().catch(() => undefined);
  }

  async #open(): Promise<SelfInfo> {
    if (!(await this.#client.connect())) throw classify(this.#failure ?? new Error('connection refused'));
    const me = await this.#client.getMe();
    await this.#client.invoke(new Api.updates.GetState());
    return { id: me.id.toString(), firstName: me.firstName ?? '' };
  }

  async #invoke<R extends Api.AnyRequest>(request: R): Promise<R['__response']> {
    try {
      return await within(
        this.#client.invoke(request),
        (request as { className: string }).className,
        this.#callDeadlineMs,
        this.#closed.signal,
      );
    } catch (error) {
      throw classify(error);
    }
  }

  async #ping(deadlineMs: number): Promise<void> {
    const sender = (this.#client as unknown as ClientInternals)._sender;
    if (!sender) throw new TelegramError('transient', 'DISCONNECTED');
    await within(sender.send(this.#watchdog.request()), 'ping', deadlineMs, this.#closed.signal);
  }

  #createClient(): TelegramClient {
    const client = new TelegramClient(this.#session, this.options.apiId, this.options.apiHash, {
      connection: ConnectionTCPFull,
      networkSocket: socketClass({
        endpoint: this.options.endpoint,
        connectTimeoutMs: 10_000,
        closed: this.#closed.signal,
      }),
      // Without this the library delivers a container again that the server repeats.
      securityChecks: true,
      floodSleepThreshold: 0,
      connectionRetries: 1,
      retryDelay: 1,
      baseLogger: new DebugLogger(this.options.logger),
    });
    client.onError = (error) => {
      this.#failure = error;
      this.options.logger.debug({ err: error }, 'telegram library error');
      return Promise.resolve();
    };
    const internals = client as unknown as ClientInternals;
    // Its ping loop outlives the client and reconnects on its own; the watchdog pings instead.
    internals._loopStarted = true;
    // Grows by every user seen and is never read here.
    internals._entityCache.add = () => undefined;
    this.#watchSenders(internals);
    return client;
  }

  /** Every sender of the client, also one made by a move to another data centre, is prepared before it connects. */
  #watchSenders(client: ClientInternals): void {
    let current: Sender | undefined;
    Object.defineProperty(client, '_sender', {
      get: () => current,
      set: (sender: Sender | undefined) => {
        current = sender;
        if (sender) this.#prepare(client, sender);
      },
    });
  }

  #prepare(client: ClientInternals, sender: Sender): void {
    patchSender(sender, (where) => {
      if (!this.#ended) this.#onUnreadable(where);
    });
    sender.reconnect = () => {
      this.#end('disconnected', 'CONNECTION_LOST');
    };
    sender._reconnect = () => Promise.resolve();
    sender._updateCallback = (_client, update) => {
      if (!(update instanceof UpdateConnectionState)) this.#receive(update);
      else if (update.state === UpdateConnectionState.broken) this.#end('key-lost', 'AUTH_KEY_NOT_FOUND');
      else if (update.state === UpdateConnectionState.disconnected && this.#connected && !client._isSwitchingDc)
        this.#end('disconnected', 'CONNECTION_LOST');
    };
  }

  #receive(update: unknown): void {
    if (this.#ended) return;
    const batch = normaliseContainer(update);
    if (batch) this.#onUpdates(batch);
  }

  /** The end of this connection; said once, and only if `connect` had succeeded. */
  #end(state: 'disconnected' | 'key-lost', reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#watchdog.stop();
    this.#closed.abort(new TelegramError('transient', reason));
    void this.#client.destroy().catch(() => undefined);
    if (this.#connected) this.#onState(state);
  }
}
