import { setImmediate as others, setTimeout as delay } from 'node:timers/promises';
import { RedisTelegramCache } from '../../runtime/cache/redis-telegram-cache.js';
import { Consumer } from '../../runtime/consumer/consumer.js';
import { DEFAULT_GROUP } from '../../runtime/contract.js';
import { IngestBatcher } from '../../runtime/ingest/batch.js';
import { Committer } from '../../runtime/ingest/commit.js';
import type { IngestMessage } from '../../runtime/ingest/message-store.js';
import { OutboxRelay } from '../../runtime/queue/outbox.js';
import { TelegramMessageQueue } from '../../runtime/queue/telegram-message-queue.js';
import { commitBatch } from '../../runtime/store/commit-batch.js';
import { claimOutbox, outboxStats, removeFromOutbox } from '../../runtime/store/outbox.js';
import type { Engines } from './engines.js';
import { Latencies, rateOf, type Latency, type Rate } from './measure.js';
import { ACCOUNT, containers, decode, ownShift, posts, postsOf } from './posts.js';
import { profiled, type Part } from './profile.js';

/** Sent and not handled yet, at most, while the sustained rate is measured. */
const OUTSTANDING = 2_000;

/** Every message alone: one row, one publish, one SET, each awaited; then one claim and one commit of its consumer. */
export async function naiveRate(engines: Engines, messages: number): Promise<Rate> {
  const { database, broker, redis, logger } = engines;
  const queue = new TelegramMessageQueue({ broker, logger, group: DEFAULT_GROUP, declare: true, prefetch: 1 });
  const received = new Map<string, () => void>();
  const consumer = consumerOf(engines, queue, (id) => received.get(id)?.());
  await consumer.start();
  await queue.initialize();
  try {
    return await rateOf(messages, engines.usage, async () => {
      for (const message of posts(messages)) {
        const { stored } = await commitBatch(database, { messages: [message], cursors: [] });
        const [row] = stored;
        if (!row) throw new Error('a message was not new');
        const handled = new Promise<void>((resolve) => received.set(row.event.id, resolve));
        await queue.publishMessage(row.event);
        await removeFromOutbox(database, [row.outboxId]);
        await redis.set(`telegram:msg:${row.event.channelId}:${row.event.messageId}`, row.event.text, 'EX', 60);
        await handled;
      }
    });
  } finally {
    await consumer.close();
  }
}

/** The gateway's and the consumer's own parts, from the bytes of a container to the handler's commit; in one process. */
export class WholePipeline {
  readonly #queue: TelegramMessageQueue;
  readonly #relay: OutboxRelay;
  readonly #batcher: IngestBatcher;
  readonly #consumer: Consumer;
  readonly #handled = new Map<string, () => void>();

  constructor(private readonly engines: Engines) {
    const { database, broker, redis, logger } = engines;
    this.#queue = new TelegramMessageQueue({ broker, logger, declare: true });
    this.#relay = new OutboxRelay({
      accountId: ACCOUNT,
      store: {
        claim: (options) => claimOutbox(database, options),
        remove: (ids) => removeFromOutbox(database, ids),
        stats: (accountId) => outboxStats(database, accountId),
      },
      queue: this.#queue,
      logger,
    });
    const cache = new RedisTelegramCache(redis);
    const committer = new Committer({
      store: { commitBatch: (batch) => commitBatch(database, batch) },
      sinks: [
        (stored) => {
          this.#relay.offer(stored);
        },
        (stored) => void cache.cacheMessages(stored.map(({ event }) => event)),
      ],
      logger,
      signal: new AbortController().signal,
    });
    this.#batcher = new IngestBatcher({ commit: (batch) => committer.commit(batch) });
    const consuming = new TelegramMessageQueue({ broker, logger, group: DEFAULT_GROUP, declare: true });
    this.#consumer = consumerOf(engines, consuming, (id) => this.#handled.get(id)?.());
  }

  async start(): Promise<void> {
    await this.#consumer.start();
    await this.#queue.initialize();
    this.#relay.start();
  }

  /** The sustained rate: as fast as it goes without a backlog that grows. */
  async rate(messages: number): Promise<Rate> {
    const { count, go } = this.#ready(messages);
    return rateOf(count, this.engines.usage, go);
  }

  /** Where the time goes meanwhile. */
  async profile(messages: number): Promise<readonly Part[]> {
    return profiled(this.#ready(messages).go);
  }

  /**
   * Packed beforehand. The next container of a channel follows when the last one is stored and at most `OUTSTANDING` messages
   * are on their way; beyond that the relay would go on by reading the outbox.
   */
  #ready(messages: number): { readonly count: number; readonly go: () => Promise<unknown> } {
    const packed = containers(messages);
    const shift = ownShift();
    const count = packed.length * 50;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    let left = count;
    let sent = 0;
    const full: (() => void)[] = [];
    const seen = () => {
      if (--left === 0) resolve(undefined);
      full.pop()?.();
    };
    const lane = async (first: number) => {
      for (let n = first; n < packed.length; n += 4) {
        const container = packed[n];
        if (!container) return;
        while (sent - (count - left) > OUTSTANDING) await new Promise<void>((next) => full.push(next));
        sent += 50;
        await this.#submit(postsOf(decode(container), shift), seen);
        await others();
      }
    };
    return { count, go: () => Promise.all([...[0, 1, 2, 3].map(lane), promise]) };
  }

  /**
   * At a given rate, whatever becomes of it (open loop): the latency of a message counts from when it was due, so that a stall
   * shows in all the messages that it held up.
   */
  async latency(perSecond: number, seconds: number): Promise<Latency> {
    const latencies = new Latencies();
    const waiting = posts(perSecond * seconds);
    const all: Promise<unknown>[] = [];
    const began = performance.now();
    for (const [n, message] of waiting.entries()) {
      const due = began + (n * 1_000) / perSecond;
      const early = due - performance.now();
      if (early > 1) await delay(early);
      else if (n % 50 === 0) await others();
      all.push(
        new Promise<void>((resolve) => {
          void this.#submit([message], () => {
            latencies.record(performance.now() - due);
            resolve();
          });
        }),
      );
    }
    await Promise.all(all);
    return latencies.result;
  }

  async close(): Promise<void> {
    await this.#relay.stop();
    await this.#consumer.close();
    await this.#queue.close();
  }

  #submit(messages: readonly IngestMessage[], onHandled: () => void): Promise<void> {
    for (const { message } of messages) {
      const id = `message.created:${message.channelId}:${message.messageId}:1`;
      this.#handled.set(id, () => {
        this.#handled.delete(id);
        onHandled();
      });
    }
    return this.#batcher.submit({ messages, cursor: null });
  }
}

function consumerOf(engines: Engines, queue: TelegramMessageQueue, onHandled: (id: string) => void): Consumer {
  const { database, logger } = engines;
  return new Consumer({
    ...{ group: DEFAULT_GROUP, worker: 'bench', mode: 'queue', database, queue, cache: null, logger },
    handle: (event) => {
      onHandled(event.id);
      return Promise.resolve();
    },
  });
}
