/** Each part of the way of a message alone, as the pipeline uses it. */
import { setImmediate as others } from 'node:timers/promises';
import { RedisTelegramCache } from '../../runtime/cache/redis-telegram-cache.js';
import { EventProcessor } from '../../runtime/consumer/event-processor.js';
import { DEFAULT_GROUP } from '../../runtime/contract.js';
import type { TelegramEvent } from '../../runtime/events.js';
import { EVERY_CHANNEL, TelegramMessageQueue } from '../../runtime/queue/telegram-message-queue.js';
import type { StoredEvent } from '../../runtime/ingest/message-store.js';
import { commitBatch } from '../../runtime/store/commit-batch.js';
import { removeFromOutbox } from '../../runtime/store/outbox.js';
import type { Engines } from './engines.js';
import { eachAtOnce, inBatches, rateOf, type Rate } from './measure.js';
import { containers, decode, posts } from './posts.js';

const BATCH = 100;
/** Unconfirmed events of the relay. */
const UNCONFIRMED = 500;
const PREFETCH = 200;

/** Decoding and mapping of pushed updates, 50 a container; without the socket and its encryption. */
export async function mtprotoLeg(messages: number): Promise<Rate> {
  const packed = containers(messages);
  return rateOf(packed.length * 50, null, async () => {
    for (const container of packed) {
      decode(container);
      await others();
    }
  });
}

/** Batches of 100 into the same tables, two clients. Returns what was stored, too. */
export async function insertLeg(engines: Engines, messages: number): Promise<{ rate: Rate; events: TelegramEvent[] }> {
  const batches = inBatches(posts(messages), BATCH);
  const all: StoredEvent[] = [];
  const rate = await rateOf(messages, engines.usage, () =>
    eachAtOnce(batches, 2, async (batch) => {
      const { stored } = await commitBatch(engines.database, { messages: batch, cursors: [] });
      all.push(...stored);
    }),
  );
  // Nobody has published them, and the relay of the pipeline would.
  await removeFromOutbox(
    engines.database,
    all.map(({ outboxId }) => outboxId),
  );
  return { rate, events: all.map(({ event }) => event) };
}

/** Published, confirmed, consumed and acknowledged on a quorum queue. */
export async function queueLeg(engines: Engines, events: readonly TelegramEvent[]): Promise<Rate> {
  const { broker, logger } = engines;
  const queue = new TelegramMessageQueue({ broker, logger, group: 'bench-leg', declare: true, prefetch: PREFETCH });
  const { promise, resolve } = Promise.withResolvers<undefined>();
  let consumed = 0;
  await queue.subscribeToChannel(EVERY_CHANNEL, () => {
    if (++consumed === events.length) resolve(undefined);
    return Promise.resolve();
  });
  await queue.initialize();
  try {
    return await rateOf(events.length, engines.usage, () =>
      Promise.all([eachAtOnce(events, UNCONFIRMED, (event) => queue.publishMessage(event)), promise]),
    );
  } finally {
    await queue.close();
  }
}

/** The consumer's transactions: claim, handler, removal of the work row, outcome. */
export async function consumerLeg(engines: Engines, events: readonly TelegramEvent[]): Promise<Rate> {
  const { database, logger } = engines;
  const { signal } = new AbortController();
  const handle = () => Promise.resolve();
  const common = { group: DEFAULT_GROUP, worker: 'bench', mode: 'queue' } as const;
  const processor = new EventProcessor({ ...common, database, handle, logger, signal });
  return rateOf(events.length, engines.usage, () =>
    eachAtOnce(events, PREFETCH, (event) => processor.process(event, { attempt: 0, last: false })),
  );
}

/** Hot copies, duplicate hints and recent sets, a batch a round trip. */
export async function cacheLeg(engines: Engines, events: readonly TelegramEvent[]): Promise<Rate> {
  const cache = new RedisTelegramCache(engines.redis);
  return rateOf(events.length, engines.usage, () =>
    eachAtOnce(inBatches(events, BATCH), 2, (batch) => cache.cacheMessages(batch)),
  );
}
