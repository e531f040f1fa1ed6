import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { BrokerOptions } from '../../runtime/queue/connection.js';
import { EVERY_CHANNEL, TelegramMessageQueue } from '../../runtime/queue/telegram-message-queue.js';
import { range, storedEvent } from '../support/messages.js';
import { TestBroker, silent, waitFor } from '../support/services.js';

const never = new AbortController().signal;

describe('a queue that changes over to another login', () => {
  let broker: TestBroker;
  let login: { user: string; password: string };
  const queues: TelegramMessageQueue[] = [];

  beforeEach(async () => {
    broker = await TestBroker.create();
    login = broker.options().login();
  });
  afterEach(async () => {
    await Promise.all(queues.splice(0).map((queue) => queue.close()));
    await broker.remove();
  });

  async function open(group: string | null): Promise<TelegramMessageQueue> {
    const options: BrokerOptions = { ...broker.options(), login: () => login };
    const queue = new TelegramMessageQueue({ broker: options, logger: silent, group, declare: true, prefetch: 20 });
    queues.push(queue);
    await queue.initialize();
    return queue;
  }

  interface Publishing {
    readonly publisher: TelegramMessageQueue;
    readonly text: string;
    readonly handled: () => number;
  }

  /** Publishes numbered events without a pause while `meanwhile` runs. Returns how many. */
  async function publishDuring(
    { publisher, text, handled }: Publishing,
    meanwhile: () => Promise<void>,
  ): Promise<number> {
    const sent: Promise<void>[] = [];
    const state = { ended: false };
    const sending = (async () => {
      while (!state.ended) {
        // Five at a time, so that there are always some that the broker has not read; never so many that it calls for mercy.
        for (const _ of range(Math.min(5, handled() + 300 - sent.length))) {
          const { event } = storedEvent('77', sent.length + 1);
          sent.push(publisher.publishMessage({ ...event, text }));
        }
        await delay(1);
      }
    })();
    await meanwhile().finally(() => (state.ended = true));
    await sending;
    await Promise.all(sent);
    return sent.length;
  }

  it('O5 publishes without a loss, a failure or a change of the order', async () => {
    const consumer = await open('default');
    const publisher = await open(null);
    const seen: number[] = [];
    await consumer.subscribeToChannel(EVERY_CHANNEL, ({ messageId }) =>
      Promise.resolve(void seen.push(Number(messageId))),
    );
    // Large: another connection could overtake what still stands in the socket.
    const publishing = { publisher, text: 'x'.repeat(50_000), handled: () => seen.length };
    const count = await publishDuring(publishing, async () => {
      for (const _ of range(5)) {
        const so = seen.length;
        await publisher.changeOver(never);
        await waitFor('more deliveries', () => Promise.resolve(seen.length > so + 20), 30_000);
      }
    });
    await waitFor('the last delivery', () => Promise.resolve(seen.length >= count), 60_000);
    expect(seen).toEqual(range(count));
  }, 120_000);

  it('O5 consumes without a loss or a repeat, with handlers under way', async () => {
    const consumer = await open('default');
    const publisher = await open(null);
    const seen: number[] = [];
    await consumer.subscribeToChannel(EVERY_CHANNEL, async ({ messageId }) => {
      await delay(5);
      seen.push(Number(messageId));
    });
    const publishing = { publisher, text: '', handled: () => seen.length };
    const count = await publishDuring(publishing, async () => {
      for (const _ of range(5)) {
        const so = seen.length;
        await consumer.changeOver(never);
        await waitFor('more deliveries', () => Promise.resolve(seen.length > so + 20), 30_000);
      }
    });
    await waitFor('the last delivery', () => Promise.resolve(seen.length >= count), 60_000);
    expect([...seen].sort((one, other) => one - other)).toEqual(range(count));
  }, 120_000);

  it('O5 goes on with the former login while the new one is refused', async () => {
    const queue = await open('default');
    const good = login;
    login = { ...good, password: 'not yet known' };
    const newer = new AbortController();
    const changing = queue.changeOver(newer.signal);
    for (let id = 1; id <= 10; id += 1) {
      await queue.publishMessage(storedEvent('77', id).event);
      await delay(20);
    }
    expect(queue.connected).toBe(true);
    // A newer login takes its place.
    newer.abort();
    await changing;
    login = good;
    await queue.changeOver(never);
    await expect(queue.publishMessage(storedEvent('77', 11).event)).resolves.toBeUndefined();
  }, 60_000);

  it('O5 waits for a broker that is away, and uses the login of then', async () => {
    const queue = await open('default');
    await waitFor('a cut', async () => (await broker.disconnect()) > 0, 30_000);
    await queue.changeOver(never);
    await waitFor(
      'publishing',
      () =>
        queue.publishMessage(storedEvent('77', 1).event).then(
          () => true,
          () => false,
        ),
      30_000,
    );
  }, 90_000);
});
