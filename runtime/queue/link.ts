/**
 * One login's way to the broker: a connection that comes back by itself, a confirm channel and, for a consumer, its
 * channel. A change of credentials makes another link and lets this one finish.
 */
import type { Channel, ChannelModel, ConsumeMessage, RecoveringChannelModel } from 'amqplib';
import type { Logger } from '../logger.js';
import { Answers } from './answers.js';
import { openBroker, type BrokerOptions } from './connection.js';
import { Publisher } from './publisher.js';

export interface LinkOptions {
  readonly broker: BrokerOptions;
  readonly logger: Logger;
  /** Looks for what is needed on a new connection; while it fails, the next attempt follows. */
  readonly prepare: (model: ChannelModel) => Promise<void>;
  /** After each connect, once publishing is possible. */
  readonly onReady: () => void;
  /** Unacknowledged deliveries at once. */
  readonly prefetch: number;
}

/** Queue to consume, and who answers its deliveries; a rejection leaves one unanswered. */
export interface Consumption {
  readonly queue: string;
  readonly receive: (answers: Answers, message: ConsumeMessage) => Promise<void>;
}

export class BrokerLink {
  readonly publisher = new Publisher();
  readonly #working = new Set<Promise<void>>();
  #broker: Promise<RecoveringChannelModel> | null = null;
  #model: ChannelModel | null = null;
  #consumption: Consumption | null = null;
  /** The connection that the consumer is on, or is about to be on. */
  #consuming: ChannelModel | null = null;
  #consumer: { channel: Channel; tag: string } | null = null;
  #stopping = false;

  constructor(private readonly options: LinkOptions) {}

  /** Resolves when the broker could be used for the first time, and goes on trying until then; rejects on `close`. */
  async connect(): Promise<void> {
    this.#broker ??= openBroker(this.options.broker, this.options.logger, (model) => this.#setUp(model));
    await (await this.#broker).waitForConnect();
  }

  /** Consumes from now on, on this connection and on each that follows. */
  async consume(consumption: Consumption): Promise<void> {
    this.#consumption = consumption;
    if (this.#model) await this.#consume(this.#model, consumption);
  }

  /** Takes no more deliveries and waits for the handlers that run; what was not looked at yet is delivered again elsewhere. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const consumer = this.#consumer;
    this.#consumer = null;
    await consumer?.channel.cancel(consumer.tag).catch(() => undefined);
    await Promise.allSettled(this.#working);
    // Closed apart from the connection: only so is it certain that the last acks have left.
    await consumer?.channel.close().catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.stop();
    await (await this.#broker)?.close();
  }

  async #setUp(model: ChannelModel): Promise<void> {
    await this.options.prepare(model);
    await this.publisher.open(model, () => {
      this.#restart(model);
    });
    this.#model = model;
    model.on('close', () => {
      if (this.#model !== model) return;
      this.#model = null;
      this.#consumer = null;
    });
    if (this.#consumption) await this.#consume(model, this.#consumption);
    this.options.onReady();
  }

  /** A channel that the broker closed takes the connection with it: recovery then makes everything anew. */
  #restart(model: ChannelModel): void {
    if (this.#model === model && !this.#stopping) void model.close().catch(() => undefined);
  }

  async #consume(model: ChannelModel, { queue, receive }: Consumption): Promise<void> {
    if (this.#stopping || this.#consuming === model) return;
    this.#consuming = model;
    const channel = await model.createChannel();
    channel.on('error', () => undefined);
    channel.on('close', () => {
      this.#restart(model);
    });
    await channel.prefetch(this.options.prefetch);
    const answers = new Answers(channel);
    const { consumerTag } = await channel.consume(queue, (message) => {
      // The broker ends a consumer with null when its queue is gone.
      if (message) this.#receive(answers, message, receive);
      else this.#restart(model);
    });
    this.#consumer = { channel, tag: consumerTag };
  }

  #receive(answers: Answers, message: ConsumeMessage, receive: Consumption['receive']): void {
    // Undelivered as far as we are concerned: the broker hands it out again when the channel closes.
    if (this.#stopping) return;
    answers.delivered(message);
    const work = receive(answers, message)
      // Thrown when the channel is gone: the broker delivers again.
      .catch((error: unknown) => {
        this.options.logger.debug({ err: error }, 'delivery was not answered');
      })
      .finally(() => this.#working.delete(work));
    this.#working.add(work);
  }
}
