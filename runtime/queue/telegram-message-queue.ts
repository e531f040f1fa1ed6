/**
 * Publishing and consuming events on RabbitMQ.
 *
 * Promised: `publishMessage` resolves when a queue holds the event on disk. A delivery is acknowledged only after its
 *   handler resolved; one that failed comes back after each delay of `RETRY_DELAYS_MS`, then stands in the dead letters.
 * Not promised: order after a retry; that an event comes once. Handlers drop repeats by `event.id`.
 * On failure: the connection comes back by itself, with its channels and consumers; unacknowledged deliveries come again.
 *
 *   handler                                         | answer to the broker
 *   ------------------------------------------------|--------------------------------------------------------------
 *   resolves                                        | ack
 *   throws, tries left                              | copy to the retry queue, its confirm, then ack
 *   throws, no tries left                           | reject without requeue: dead letters
 *   throws `PostponeError`                          | as a retry, but not counted
 *   throws `AbandonError`                           | none; the broker delivers again when the channel closes
 *   body not understood, or channel not subscribed  | reject without requeue: dead letters
 *   retry queue does not take the copy              | reject with requeue (never nack: it would not count as a delivery)
 *   connection lost, process killed                 | none; the broker delivers again, 20 times at most
 */
import type { Channel, ChannelModel, ConsumeMessage, RecoveringChannelModel } from 'amqplib';
import {
  ATTEMPT_HEADER,
  EXCHANGE,
  RETRY_DELAYS_MS,
  RETRY_DELAY_HEADER,
  RETRY_EXCHANGE,
  groupQueue,
  routingKey,
} from '../contract.js';
import type { TelegramEvent } from '../events.js';
import type { Logger } from '../logger.js';
import { metrics } from '../metrics.js';
import { openBroker, type BrokerOptions } from './connection.js';
import { attemptOf, decodeEvent, encodeEvent } from './envelope.js';
import { PublishError, Publisher } from './publisher.js';
import { checkTopology, declareTopology } from './topology.js';

export interface Delivery {
  /** Tries that this group has made before. */
  readonly attempt: number;
  /** When this try fails, no other follows. */
  readonly last: boolean;
}

export type EventHandler = (event: TelegramEvent, delivery: Delivery) => Promise<void>;

/** Somebody else is at it: come back later, and do not count this as a try. */
export class PostponeError extends Error {}

/** The process ends before the handler could run. */
export class AbandonError extends Error {}

interface Failure {
  readonly message: ConsumeMessage;
  readonly event: TelegramEvent;
  readonly error: unknown;
}

/** Subscribes to all channels that no other handler of this process names. */
export const EVERY_CHANNEL = '*';

export interface QueueOptions {
  readonly broker: BrokerOptions;
  readonly logger: Logger;
  /** Group to consume as; null for a process that only publishes. @default null */
  readonly group?: string | null;
  /** Unacknowledged deliveries at once. @default 200 */
  readonly prefetch?: number;
  /** Declares the topology instead of checking it. @default false */
  readonly declare?: boolean;
}

export class TelegramMessageQueue {
  readonly #publisher = new Publisher();
  readonly #handlers = new Map<string, EventHandler>();
  readonly #working = new Set<Promise<void>>();
  readonly #group: string | null;
  #broker: RecoveringChannelModel | null = null;
  #model: ChannelModel | null = null;
  /** The connection that the consumer is on, or is about to be on. */
  #consuming: ChannelModel | null = null;
  #consumer: { channel: Channel; tag: string } | null = null;
  #stopping = false;
  readonly #listeners: (() => void)[] = [];

  constructor(private readonly options: QueueOptions) {
    this.#group = options.group ?? null;
  }

  /** True while events can be published. */
  get connected(): boolean {
    return this.#publisher.ready;
  }

  /** Called after each connect, once publishing is possible. */
  onConnected(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Connects and finds the topology; resolves when both worked for the first time, and goes on trying until then. */
  async initialize(): Promise<void> {
    this.#broker ??= await openBroker(this.options.broker, this.options.logger, (model) => this.#setUp(model));
    await this.#broker.waitForConnect();
  }

  /** Rejects with `PublishError`. Events are sent in the order of the calls. */
  async publishMessage(event: TelegramEvent): Promise<void> {
    try {
      await this.#publisher.publish(EXCHANGE, routingKey(event.channelId), encodeEvent(event), {
        messageId: event.id,
        type: event.kind,
        contentType: 'application/json',
        timestamp: Math.floor(Date.parse(event.receivedAt) / 1_000),
      });
      metrics.published.inc();
    } catch (error) {
      if (error instanceof PublishError && error.reason === 'returned') metrics.unroutable.inc();
      throw error;
    }
  }

  /**
   * Handles the events of one channel, or of `EVERY_CHANNEL`, from the group's queue. The queue holds what the group is
   * bound to; a channel of it without a handler goes to the dead letters, so subscribe before `initialize`.
   */
  async subscribeToChannel(channelId: string, handler: EventHandler): Promise<void> {
    if (this.#group === null) throw new Error('a queue without a group cannot be subscribed to');
    this.#handlers.set(channelId, handler);
    if (this.#model) await this.#consume(this.#model, this.#group);
  }

  /** Takes no more deliveries and waits for the handlers that run. */
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
    await this.#broker?.close();
  }

  async #setUp(model: ChannelModel): Promise<void> {
    await (this.options.declare === true ? declareTopology : checkTopology)(model, this.#group);
    await this.#publisher.open(model, () => {
      this.#restart(model);
    });
    this.#model = model;
    model.on('close', () => {
      if (this.#model !== model) return;
      this.#model = null;
      this.#consumer = null;
    });
    if (this.#handlers.size > 0 && this.#group !== null) await this.#consume(model, this.#group);
    for (const listener of this.#listeners) listener();
  }

  /** A channel that the broker closed takes the connection with it: recovery then makes everything anew. */
  #restart(model: ChannelModel): void {
    if (this.#model === model && !this.#stopping) void model.close().catch(() => undefined);
  }

  async #consume(model: ChannelModel, group: string): Promise<void> {
    if (this.#stopping || this.#consuming === model) return;
    this.#consuming = model;
    const channel = await model.createChannel();
    channel.on('error', () => undefined);
    channel.on('close', () => {
      this.#restart(model);
    });
    await channel.prefetch(this.options.prefetch ?? 200);
    const { consumerTag } = await channel.consume(groupQueue(group), (message) => {
      // The broker ends a consumer with null when its queue is gone.
      if (message) this.#receive(channel, group, message);
      else this.#restart(model);
    });
    this.#consumer = { channel, tag: consumerTag };
  }

  #receive(channel: Channel, group: string, message: ConsumeMessage): void {
    // Undelivered as far as we are concerned: the broker hands it out again when the channel closes.
    if (this.#stopping) return;
    const work = this.#handle(channel, group, message)
      // Thrown when the channel is gone: the broker delivers again.
      .catch((error: unknown) => {
        this.options.logger.debug({ err: error }, 'delivery was not answered');
      })
      .finally(() => this.#working.delete(work));
    this.#working.add(work);
  }

  async #handle(channel: Channel, group: string, message: ConsumeMessage): Promise<void> {
    let event: TelegramEvent;
    try {
      event = decodeEvent(message.content);
    } catch (error) {
      this.#deadLetter(channel, message, 'decode', error);
      return;
    }
    const handler = this.#handlers.get(event.channelId) ?? this.#handlers.get(EVERY_CHANNEL);
    if (!handler) {
      this.#deadLetter(channel, message, 'unsubscribed', new Error(`no handler for channel ${event.channelId}`));
      return;
    }
    try {
      await handler(event, { attempt: attemptOf(message), last: attemptOf(message) >= RETRY_DELAYS_MS.length });
    } catch (error) {
      await this.#failed(channel, group, { message, event, error });
      return;
    }
    channel.ack(message);
  }

  async #failed(channel: Channel, group: string, { message, event, error }: Failure): Promise<void> {
    if (error instanceof AbandonError) return;
    const attempt = attemptOf(message);
    const postponed = error instanceof PostponeError;
    const delayMs = RETRY_DELAYS_MS[postponed ? 0 : attempt];
    if (delayMs === undefined) {
      this.#deadLetter(channel, message, 'handler', error);
      return;
    }
    if (!postponed)
      this.options.logger.warn({ err: error, event: event.id, attempt }, 'handler failed, trying again later');
    try {
      // A fresh copy: its routing key, the name of the group's queue, brings it back from the retry queue.
      await this.#publisher.publish(RETRY_EXCHANGE, groupQueue(group), message.content, {
        messageId: event.id,
        type: event.kind,
        contentType: 'application/json',
        headers: { [ATTEMPT_HEADER]: postponed ? attempt : attempt + 1, [RETRY_DELAY_HEADER]: String(delayMs) },
      });
    } catch (refused) {
      this.options.logger.warn({ err: refused, event: event.id }, 'retry queue did not take a message');
      channel.reject(message, true);
      return;
    }
    channel.ack(message);
  }

  #deadLetter(channel: Channel, message: ConsumeMessage, stage: string, error: unknown): void {
    metrics.failed.inc({ stage });
    this.options.logger.error({ err: error, messageId: message.properties.messageId as unknown, stage }, 'dead letter');
    channel.reject(message, false);
  }
}
