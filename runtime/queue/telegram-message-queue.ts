/**
 * Publishing and consuming events on RabbitMQ.
 *
 * Promised: `publishMessage` resolves when a queue holds the event on disk. A delivery is acknowledged only after its
 *   handler resolved; one that failed comes back after each delay of `RETRY_DELAYS_MS`, then stands in the dead letters.
 *   `changeOver` takes the login of now into use without losing or repeating anything and without changing the order in
 *   which events leave.
 * Not promised: order after a retry; that an event comes once. Handlers drop repeats by `event.id`.
 * On failure: the connection comes back by itself, with its channels and consumers; unacknowledged deliveries come again.
 *
 *   handler                                         | answer to the broker
 *   ------------------------------------------------|--------------------------------------------------------------
 *   resolves                                        | ack
 *   throws, tries left                              | copy to the retry queue, its confirm, then ack
 *   throws, no tries left                           | reject without requeue: dead letters
 *   throws `PostponeError`                          | as a retry, but not counted
 *   throws `GivenUpError`                           | reject without requeue: dead letters
 *   throws `AbandonError`                           | none; the broker delivers again when the channel closes
 *   body not understood, or channel not subscribed  | reject without requeue: dead letters
 *   retry queue does not take the copy              | reject with requeue (never nack: it would not count as a delivery)
 *   connection lost, process killed                 | none; the broker delivers again, 20 times at most
 */
import type { ChannelModel, ConsumeMessage } from 'amqplib';
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
import type { Answers } from './answers.js';
import type { BrokerOptions } from './connection.js';
import { attemptOf, decodeEvent, encodeEvent } from './envelope.js';
import { BrokerLink } from './link.js';
import { PublishError, type Publisher } from './publisher.js';
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

/** No try is left, whatever this delivery's own count says. */
export class GivenUpError extends Error {}

/** The process ends before the handler could run. */
export class AbandonError extends Error {}

/** Where a delivery came from, and where its answer and its retry go. */
interface Line {
  readonly answers: Answers;
  readonly group: string;
  readonly publisher: Publisher;
}

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
  readonly #handlers = new Map<string, EventHandler>();
  readonly #group: string | null;
  readonly #listeners: (() => void)[] = [];
  #link: BrokerLink;
  /** Others than the present one: about to take its place, or finishing. */
  readonly #others = new Set<BrokerLink>();
  readonly #found = Promise.withResolvers<undefined>();

  constructor(private readonly options: QueueOptions) {
    this.#group = options.group ?? null;
    this.#link = this.#createLink();
    // Who never initializes need not hear that the queue was closed.
    this.#found.promise.catch(() => undefined);
  }

  /** True while events can be published. */
  get connected(): boolean {
    return this.#link.publisher.ready;
  }

  /** Called after each connect, once publishing is possible. */
  onConnected(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Connects and finds the topology; resolves when both worked for the first time, and goes on trying until then. */
  async initialize(): Promise<void> {
    this.#link.connect().catch(this.#found.reject);
    await this.#found.promise;
  }

  /**
   * Rejects with `PublishError`. Events are sent in the order of the calls. With `group`, it goes to the queue of that group
   * alone, by way of the shortest retry queue: a second later, and as a first try.
   */
  async publishMessage(event: TelegramEvent, group: string | null = null): Promise<void> {
    const exchange = group === null ? EXCHANGE : RETRY_EXCHANGE;
    const key = group === null ? routingKey(event.channelId) : groupQueue(group);
    try {
      await this.#link.publisher.publish(exchange, key, encodeEvent(event), {
        messageId: event.id,
        type: event.kind,
        contentType: 'application/json',
        timestamp: Math.floor(Date.parse(event.receivedAt) / 1_000),
        ...(group !== null && { headers: { [RETRY_DELAY_HEADER]: String(RETRY_DELAYS_MS[0]) } }),
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
    await this.#consume(this.#link);
  }

  /**
   * Connects with the login of now and, once that works, does everything on the new connection; resolves when the former
   * one has answered all it was given and has ended, or when `newer` says that there is another login still.
   */
  async changeOver(newer: AbortSignal): Promise<void> {
    const next = this.#createLink();
    this.#others.add(next);
    const giveUp = () => void next.close();
    newer.addEventListener('abort', giveUp, { once: true });
    const works = await next.connect().then(
      () => true,
      () => false,
    );
    newer.removeEventListener('abort', giveUp);
    this.#others.delete(next);
    if (!works || newer.aborted) {
      await next.close();
      return;
    }
    await this.#replaceBy(next);
  }

  /** Takes no more deliveries, waits for the handlers that run, and ends the connection. */
  async close(): Promise<void> {
    await Promise.all([this.#link, ...this.#others].map((link) => link.close()));
  }

  async #replaceBy(next: BrokerLink): Promise<void> {
    const former = this.#link;
    this.#others.add(former);
    this.#link = next;
    // What left on the former connection arrives before anything that leaves on the new one.
    next.publisher.hold();
    const ended = former.publisher.settled().then(() => {
      next.publisher.release();
      return former.close();
    });
    if (this.#handlers.size > 0) await this.#consume(next);
    await ended;
    this.#others.delete(former);
  }

  #createLink(): BrokerLink {
    const { broker, logger, prefetch = 200 } = this.options;
    const link = new BrokerLink({
      broker,
      logger,
      prefetch,
      prepare: (model) => this.#prepare(model),
      onReady: () => {
        this.#found.resolve(undefined);
        if (link === this.#link) for (const listener of this.#listeners) listener();
      },
    });
    return link;
  }

  #prepare(model: ChannelModel): Promise<void> {
    return (this.options.declare === true ? declareTopology : checkTopology)(model, this.#group);
  }

  async #consume(link: BrokerLink): Promise<void> {
    const group = this.#group;
    if (group === null) return;
    const receive = (answers: Answers, message: ConsumeMessage) =>
      this.#handle({ answers, group, publisher: link.publisher }, message);
    await link.consume({ queue: groupQueue(group), receive });
  }

  async #handle(line: Line, message: ConsumeMessage): Promise<void> {
    const { answers } = line;
    let event: TelegramEvent;
    try {
      event = decodeEvent(message.content);
    } catch (error) {
      this.#deadLetter(answers, message, 'decode', error);
      return;
    }
    const handler = this.#handlers.get(event.channelId) ?? this.#handlers.get(EVERY_CHANNEL);
    if (!handler) {
      this.#deadLetter(answers, message, 'unsubscribed', new Error(`no handler for channel ${event.channelId}`));
      return;
    }
    try {
      await handler(event, { attempt: attemptOf(message), last: attemptOf(message) >= RETRY_DELAYS_MS.length });
    } catch (error) {
      await this.#failed(line, { message, event, error });
      return;
    }
    await answers.ack(message);
  }

  async #failed({ answers, group, publisher }: Line, { message, event, error }: Failure): Promise<void> {
    if (error instanceof AbandonError) return;
    const attempt = attemptOf(message);
    const postponed = error instanceof PostponeError;
    const delayMs = RETRY_DELAYS_MS[postponed ? 0 : attempt];
    if (delayMs === undefined || error instanceof GivenUpError) {
      this.#deadLetter(answers, message, 'handler', error);
      return;
    }
    if (!postponed)
      this.options.logger.warn({ err: error, event: event.id, attempt }, 'handler failed, trying again later');
    try {
      // A fresh copy: its routing key, the name of the group's queue, brings it back from the retry queue.
      await publisher.publish(RETRY_EXCHANGE, groupQueue(group), message.content, {
        messageId: event.id,
        type: event.kind,
        contentType: 'application/json',
        headers: { [ATTEMPT_HEADER]: postponed ? attempt : attempt + 1, [RETRY_DELAY_HEADER]: String(delayMs) },
      });
    } catch (refused) {
      this.options.logger.warn({ err: refused, event: event.id }, 'retry queue did not take a message');
      answers.reject(message, true);
      return;
    }
    await answers.ack(message);
  }

  #deadLetter(answers: Answers, message: ConsumeMessage, stage: string, error: unknown): void {
    metrics.failed.inc({ stage });
    this.options.logger.error({ err: error, messageId: message.properties.messageId as unknown, stage }, 'dead letter');
    answers.reject(message, false);
  }
}
