import { IngestBatcher } from '../ingest/batch.js';
import { Committer, type AfterCommitSink } from '../ingest/commit.js';
import type { MessageStore, StoredChannel } from '../ingest/message-store.js';
import type { Logger } from '../logger.js';
import { metrics } from '../metrics.js';
import { Backlog } from '../telegram/backlog.js';
import { ChannelState } from '../telegram/channel-state.js';
import { ChannelWorker } from '../telegram/channel-worker.js';
import type { TelegramError, TelegramPort } from '../telegram/client.js';
import { CommonBox } from '../telegram/common-box.js';
import { TelegramConnection } from '../telegram/connection.js';
import { readDifference } from '../telegram/difference.js';
import { ChannelDiscovery } from '../telegram/discovery.js';
import { joinChannels, type ChannelRequestStore } from '../telegram/joining.js';
import { RequestBudget } from '../telegram/request-budget.js';
import type { RetryPauses } from '../telegram/retry.js';
import { UpdateIngress } from '../telegram/updates.js';
import { Upkeep, type UpkeepIntervals } from '../telegram/upkeep.js';
import { ChannelStandings } from './channel-standings.js';

/** A commit that hangs longer than any timeout of the database client: the pipeline is stuck, not waiting. */
const STUCK_MS = 60_000;
/** Longest wait for the commit in flight when the gateway stops. */
const DRAIN_MS = 5_000;

export interface PipelineOptions {
  readonly accountId: string;
  readonly createPort: () => TelegramPort;
  readonly store: MessageStore;
  /** Channels that people ask for. @default none */
  readonly requests?: ChannelRequestStore;
  readonly sinks: readonly AfterCommitSink[];
  readonly logger: Logger;
  readonly onFatal: (error: TelegramError) => void;
  /** Another gateway writes for this account now. */
  readonly onLeaseLost?: (error: Error) => void;
  /** After every connect; the session may have changed. */
  readonly onConnected?: (port: TelegramPort) => void;
  /** Waiting updates of one channel at most. @default 10000 */
  readonly capacity?: number;
  /** Ids before the newest that are read of a channel seen for the first time. @default 0 */
  readonly backfillDepth?: number;
  readonly intervals?: UpkeepIntervals;
  readonly retryMs?: RetryPauses;
}

/**
 * Telegram → channel workers → batches → store: the parts of the gateway put together.
 *
 * Promised: what Telegram delivered is committed, or is fetched again; what it did not deliver is looked for.
 */
export class Pipeline {
  readonly #stop = new AbortController();
  readonly #backlog = new Backlog();
  readonly #committer: Committer;
  readonly #batcher: IngestBatcher;
  readonly #connection: TelegramConnection;
  readonly #budget: RequestBudget;
  readonly #ingress: UpdateIngress;
  readonly #discovery: ChannelDiscovery;
  readonly #commonBox: CommonBox;
  readonly #upkeep: Upkeep;
  readonly #standings: ChannelStandings;
  #fatal = false;

  constructor(private readonly options: PipelineOptions) {
    const { accountId, store, logger, sinks, onLeaseLost } = options;
    const signal = this.#stop.signal;
    this.#committer = new Committer({ store, sinks, logger, signal, ...(onLeaseLost && { onLeaseLost }) });
    this.#batcher = new IngestBatcher({ commit: (batch) => this.#committer.commit(batch) });
    this.#connection = this.#createConnection();
    const port = () => this.#connection.current;
    const floodWaits = {
      load: () => store.loadFloodWaits(accountId),
      save: (methodClass: string, until: Date) => store.saveFloodWait(accountId, methodClass, until),
    };
    this.#budget = new RequestBudget({ port, floodWaits, logger, signal });
    this.#ingress = this.#createIngress();
    const common = { accountId, store, logger, signal, budget: this.#budget };
    const { retryMs } = options;
    const first = { depth: options.backfillDepth ?? 0 };
    this.#standings = new ChannelStandings({ accountId, store, logger, signal });
    this.#discovery = new ChannelDiscovery({
      ...common,
      ingress: this.#ingress,
      port,
      first,
      ...(retryMs && { retryMs }),
    });
    this.#commonBox = this.#createCommonBox();
    this.#upkeep = new Upkeep({
      ...common,
      workers: () => this.workers,
      online: () => port() !== null,
      reload: () => this.#discovery.load(),
      account: () => {
        this.#readAccount();
      },
      ...(options.intervals && { intervals: options.intervals }),
    });
  }

  start(): void {
    this.#connection.start();
    this.#upkeep.start();
    this.#join();
  }

  get connected(): boolean {
    return this.#connection.current !== null;
  }

  get connectionDetail(): string {
    return this.#connection.detail;
  }

  /** True once the channels were listed and their workers started. */
  get channelsKnown(): boolean {
    return this.#discovery.ready;
  }

  get workers(): readonly ChannelWorker[] {
    return this.#ingress.workers;
  }

  /** Since when commits fail; null while they work. */
  get databaseFailingSince(): Date | null {
    return this.#committer.failingSince;
  }

  /** False when a commit neither ends nor fails: only a restart helps. A database that is away is not that. */
  get alive(): boolean {
    return (this.#committer.attemptAgeMs ?? 0) < STUCK_MS;
  }

  /** No more updates, then the commit in flight, then the rest; what only waited is fetched at the next start. */
  async close(): Promise<void> {
    await this.#connection.close();
    this.#ingress.close();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, DRAIN_MS);
    });
    await Promise.race([this.#batcher.drained(), late]);
    clearTimeout(timer);
    this.#stop.abort();
  }

  #createConnection(): TelegramConnection {
    const { createPort, logger } = this.options;
    return new TelegramConnection({
      createPort,
      logger,
      onUpdates: (batch) => {
        this.#ingress.accept(batch);
      },
      onUnreadable: (where) => {
        metrics.unreadable.inc();
        this.#ingress.markAllDirty(`unreadable ${where}`);
      },
      onOnline: (port) => {
        // Whatever was pushed while we were away is lost: each connect begins with the difference of every channel.
        this.#ingress.markAllDirty('connected');
        this.#readAccount();
        this.options.onConnected?.(port);
      },
      onFatal: (error) => {
        this.#onFatal(error);
      },
    });
  }

  #createIngress(): UpdateIngress {
    return new UpdateIngress({
      logger: this.options.logger,
      createWorker: (channel) => this.#createWorker(channel),
      onUnknown: (channel) => {
        this.#discovery.announce(channel);
      },
      onStanding: () => {
        this.#discovery.refresh();
      },
    });
  }

  #createWorker(channel: StoredChannel): ChannelWorker {
    const { accountId, logger, capacity, retryMs } = this.options;
    const submit = this.#batcher.submit.bind(this.#batcher);
    return new ChannelWorker({
      state: new ChannelState({ accountId, channel, submit, logger }),
      readOn: (state, turn) => readDifference(state, turn, logger),
      budget: this.#budget,
      backlog: this.#backlog,
      logger,
      gone: channel.status === 'gone',
      onGone: (gone) => {
        const status = gone ? 'gone' : 'active';
        logger.warn({ channelId: channel.id, status }, gone ? 'Telegram refuses this channel' : 'channel is back');
        this.#standings.set(channel.id, status);
      },
      onFatal: (error) => {
        this.#onFatal(error);
      },
      ...(capacity !== undefined && { capacity }),
      ...(retryMs && { retryMs }),
    });
  }

  #createCommonBox(): CommonBox {
    const { accountId, store, logger } = this.options;
    return new CommonBox({
      ...{ accountId, store, logger, budget: this.#budget },
      onUpdates: (batch) => {
        this.#ingress.accept(batch);
      },
      onUnknown: (why) => {
        this.#ingress.markAllDirty(why);
        this.#discovery.refresh();
      },
    });
  }

  #join(): void {
    const { accountId, requests, logger, intervals } = this.options;
    if (!requests) return;
    void joinChannels({
      ...{ accountId, requests, logger, budget: this.#budget, signal: this.#stop.signal },
      online: () => this.connected,
      onJoined: () => {
        this.#discovery.refresh();
      },
      ...(intervals?.reloadMs !== undefined && { lookMs: intervals.reloadMs }),
    });
  }

  /** The list of channels, and what the common box tells of them. */
  #readAccount(): void {
    this.#discovery.refresh();
    void this.#commonBox.catchUp();
  }

  #onFatal(error: TelegramError): void {
    if (this.#fatal) return;
    this.#fatal = true;
    this.options.onFatal(error);
  }
}
