import { IngestBatcher } from '../ingest/batch.js';
import { Committer, type AfterCommitSink } from '../ingest/commit.js';
import type { MessageStore } from '../ingest/message-store.js';
import type { Logger } from '../logger.js';
import { metrics } from '../metrics.js';
import { Backlog } from '../telegram/backlog.js';
import { ChannelWorker } from '../telegram/channel-worker.js';
import type { TelegramError, TelegramPort } from '../telegram/client.js';
import { TelegramConnection } from '../telegram/connection.js';
import { ChannelDiscovery } from '../telegram/discovery.js';
import { Recovery } from '../telegram/recovery.js';
import { UpdateIngress } from '../telegram/updates.js';

/** A commit that hangs longer than any timeout of the database client: the pipeline is stuck, not waiting. */
const STUCK_MS = 60_000;
/** Longest wait for the commit in flight when the gateway stops. */
const DRAIN_MS = 5_000;

export interface PipelineOptions {
  readonly accountId: string;
  readonly createPort: () => TelegramPort;
  readonly store: MessageStore;
  readonly sinks: readonly AfterCommitSink[];
  readonly logger: Logger;
  readonly onFatal: (error: TelegramError) => void;
  /** After every connect; the session may have changed. */
  readonly onConnected?: (port: TelegramPort) => void;
  /** Waiting updates of one channel at most. @default 10000 */
  readonly capacity?: number;
}

/**
 * Telegram → channel workers → batches → store: the parts of the gateway put together.
 *
 * Promised: what Telegram delivered is committed, or is fetched again by a difference after the next connect or start.
 * Not promised yet: edits, deletions, gaps that Telegram no longer keeps, channels that are not pushed.
 */
export class Pipeline {
  readonly #stop = new AbortController();
  readonly #committer: Committer;
  readonly #batcher: IngestBatcher;
  readonly #ingress: UpdateIngress;
  readonly #discovery: ChannelDiscovery;
  readonly #connection: TelegramConnection;
  #fatal = false;

  constructor(private readonly options: PipelineOptions) {
    const { accountId, store, logger } = options;
    const signal = this.#stop.signal;
    this.#committer = new Committer({ store, sinks: options.sinks, logger, signal });
    this.#batcher = new IngestBatcher({ commit: (batch) => this.#committer.commit(batch) });
    this.#connection = this.#createConnection();
    this.#ingress = this.#createIngress();
    this.#discovery = new ChannelDiscovery({ accountId, store, ingress: this.#ingress, logger, signal });
  }

  start(): void {
    this.#connection.start();
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
        this.#discovery.refresh(port, () => this.#connection.current === port);
        this.options.onConnected?.(port);
      },
      onFatal: (error) => {
        this.#onFatal(error);
      },
    });
  }

  #createIngress(): UpdateIngress {
    const { accountId, logger, capacity } = this.options;
    const backlog = new Backlog();
    const recovery = new Recovery({ port: () => this.#connection.current, logger, signal: this.#stop.signal });
    return new UpdateIngress({
      logger,
      createWorker: (channel) =>
        new ChannelWorker({
          accountId,
          channel,
          pts: channel.pts,
          submit: (submission) => this.#batcher.submit(submission),
          recovery,
          backlog,
          logger,
          onFatal: (error) => {
            this.#onFatal(error);
          },
          ...(capacity === undefined ? {} : { capacity }),
        }),
      onUnknown: (channel) => {
        const port = this.#connection.current;
        if (port) this.#discovery.announce(channel, port, () => this.#connection.current === port);
      },
    });
  }

  #onFatal(error: TelegramError): void {
    if (this.#fatal) return;
    this.#fatal = true;
    this.options.onFatal(error);
  }
}
