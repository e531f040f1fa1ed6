import { createLogger } from '../../../../runtime/logger.js';
import { Pipeline, type PipelineOptions } from '../../../../runtime/gateway/pipeline.js';
import type { StoredEvent } from '../../../../runtime/ingest/message-store.js';
import type { Simulator, SimulatorOptions } from '../../../../runtime/simulator/simulator.js';
import { startSimulator } from '../../../support/simulator.js';
import type { TelegramError } from '../../../../runtime/telegram/client.js';
import { GramjsTelegram, type GramjsOptions } from '../../../../runtime/telegram/gramjs.js';
import { MemoryStore } from './memory-store.js';
import { waitFor } from './wait-for.js';

export const logger = createLogger('test', 'silent');

/** The adapter, pointed at a simulator in this process and logged in. */
export function adapterFor(simulator: Simulator, options: Partial<GramjsOptions> = {}): GramjsTelegram {
  return new GramjsTelegram({
    apiId: 1,
    apiHash: 'simulator',
    session: simulator.session,
    endpoint: { host: '127.0.0.1', port: simulator.mtprotoPort },
    logger,
    ...options,
  });
}

type Tuning = Pick<PipelineOptions, 'capacity' | 'intervals' | 'backfillDepth' | 'retryMs' | 'requests'>;

/** Impatient: what takes half a minute in earnest is done at once. */
export const IMPATIENT = { pollMs: 50, auditMs: 50, reloadMs: 20, tickMs: 5, pauseMs: 50 } as const;

/** Simulator, pipeline and store, with everything to be torn down in one place. */
export class Bench {
  readonly stored: StoredEvent[] = [];
  readonly fatal: TelegramError[] = [];
  pipeline: Pipeline;

  private constructor(
    readonly simulator: Simulator,
    readonly store: MemoryStore,
    private readonly tuning: Tuning,
  ) {
    this.pipeline = this.#createPipeline();
  }

  static async start(simulated: SimulatorOptions = {}, tuning: Tuning = {}): Promise<Bench> {
    const bench = new Bench(await startSimulator({ channels: 2, ...simulated }), new MemoryStore(), tuning);
    await bench.go();
    return bench;
  }

  async go(): Promise<void> {
    this.pipeline.start();
    await waitFor('every channel is read', () => this.pipeline.channelsKnown && this.quiet);
  }

  /** The gateway ends and another one begins, with what the store knows. */
  async restart(whileAway: () => void | Promise<void>): Promise<void> {
    await this.replace(whileAway);
    await waitFor('every channel is read', () => this.pipeline.channelsKnown && this.quiet);
  }

  /** The same, waiting for nothing. */
  async replace(whileAway: () => void | Promise<void>): Promise<void> {
    await this.pipeline.close();
    await whileAway();
    this.pipeline = this.#createPipeline();
    this.pipeline.start();
  }

  get quiet(): boolean {
    return this.pipeline.workers.every((worker) => worker.idle);
  }

  /** Ids of the simulator's channels. */
  get channels(): readonly [number, number] {
    const [first, second] = this.simulator.world.channels;
    if (!first || !second) throw new Error('two channels expected');
    return [first.id, second.id];
  }

  /** Posts texts, returns the message ids. */
  post(channel: number, ...texts: readonly string[]): string[] {
    return texts.map((text) => this.simulator.post(channel, { text }).messageId);
  }

  /** What the world holds of a channel. */
  truth(channel: number): string[] {
    return [...this.simulator.world.channel(channel).messages.keys()].map(String);
  }

  async untilStored(channel: number, ids: readonly string[]): Promise<void> {
    await waitFor(`${String(ids.length)} messages stored`, () => {
      const have = new Set(this.store.ids(channel));
      return ids.every((id) => have.has(id));
    });
  }

  async close(): Promise<void> {
    this.store.release();
    this.store.offline = false;
    await this.pipeline.close();
    await this.simulator.close();
  }

  #createPipeline(): Pipeline {
    return new Pipeline({
      accountId: 'default',
      createPort: () => adapterFor(this.simulator),
      store: this.store,
      sinks: [(stored) => void this.stored.push(...stored)],
      logger,
      onFatal: (error) => void this.fatal.push(error),
      ...this.tuning,
      intervals: { tickMs: 5, reloadMs: 20, ...this.tuning.intervals },
    });
  }
}
