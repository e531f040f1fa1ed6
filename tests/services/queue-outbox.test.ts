import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connect, type ChannelModel, type ConfirmChannel } from 'amqplib';
import { ALL_CHANNELS, EXCHANGE, groupQueue } from '../../runtime/contract.js';
import type { TelegramEvent } from '../../runtime/events.js';
import { OutboxRelay, type EventPublisher } from '../../runtime/queue/outbox.js';
import { TelegramMessageQueue } from '../../runtime/queue/telegram-message-queue.js';
import { commitBatch } from '../../runtime/store/commit-batch.js';
import { claimOutbox, outboxStats, removeFromOutbox } from '../../runtime/store/outbox.js';
import { ingestMessage, range } from '../support/messages.js';
import { TestBroker, TestDatabase, silent, waitFor } from '../support/services.js';

const QUEUE = groupQueue('default');

describe('outbox relay', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let queue: TelegramMessageQueue;
  let model: ChannelModel;
  let channel: ConfirmChannel;
  let relay: OutboxRelay;

  beforeEach(async () => {
    [database, broker] = await Promise.all([TestDatabase.migrated(), TestBroker.create()]);
    queue = new TelegramMessageQueue({ broker: broker.options(), logger: silent, group: 'default', declare: true });
    await queue.initialize();
    const { host, port, vhost, login } = broker.options();
    model = await connect({ hostname: host, port, vhost, username: login().user, password: login().password });
    model.on('error', () => undefined);
    channel = await model.createConfirmChannel();
    relay = newRelay(queue);
  });
  afterEach(async () => {
    await relay.stop();
    await queue.close();
    await model.close().catch(() => undefined);
    await Promise.all([database.drop(), broker.remove()]);
  });

  function newRelay(publisher: EventPublisher | null): OutboxRelay {
    return new OutboxRelay({
      accountId: 'test',
      queue: publisher,
      logger: silent,
      store: {
        claim: (options) => claimOutbox(database.database, options),
        remove: (ids) => removeFromOutbox(database.database, ids),
        stats: (accountId) => outboxStats(database.database, accountId),
      },
    });
  }

  async function commit(channelId: string, ids: readonly number[]) {
    const messages = ids.map((id) => ingestMessage(channelId, id));
    return (await commitBatch(database.database, { messages, cursors: [] })).stored;
  }

  /** Takes everything out of the queue, in order. */
  async function drain(): Promise<string[]> {
    const ids: string[] = [];
    const { messageCount } = await channel.checkQueue(QUEUE);
    if (messageCount === 0) return ids;
    const { consumerTag } = await channel.consume(QUEUE, (message) => {
      if (!message) return;
      ids.push((JSON.parse(message.content.toString()) as { messageId: string }).messageId);
      channel.ack(message);
    });
    await waitFor('messages', () => Promise.resolve(ids.length >= messageCount));
    await channel.cancel(consumerTag);
    return ids;
  }

  const empty = (timeoutMs = 20_000) =>
    waitFor('empty outbox', async () => (await database.count('outbox')) === 0, timeoutMs);

  it('R3 publishes what is offered in order, and removes it after the confirms', async () => {
    relay.start();
    await waitFor('broker', () => Promise.resolve(queue.connected));
    for (const first of [1, 401, 801]) relay.offer(await commit('77', range(400, first)));
    await empty();
    expect(await drain()).toEqual(range(1200).map(String));
  });

  it('R3 publishes after a crash what was committed and never offered', async () => {
    await commit('77', range(700));
    await commit('78', range(700));
    relay.start();
    await empty();
    expect(await drain()).toHaveLength(1400);
  });

  it('R3 finds a row that nobody offered while it was running', async () => {
    relay.start();
    relay.offer(await commit('77', [1]));
    await empty();
    // The reply of this commit got lost.
    await commit('77', [2]);
    relay.offer(await commit('77', [3]));
    await empty();
    expect((await drain()).sort()).toEqual(['1', '2', '3']);
  });

  it('R3 halts a channel whose events are returned, until they go through in order', async () => {
    await channel.unbindQueue(QUEUE, EXCHANGE, ALL_CHANNELS);
    await channel.bindQueue(QUEUE, EXCHANGE, 'telegram.channel.78');
    relay.start();
    relay.offer(await commit('77', range(50)));
    await waitFor('halt', async () => (await database.count('outbox')) === 50);
    relay.offer(await commit('78', [900]));
    // The other channel goes on.
    await waitFor('other channel', async () => (await drain()).includes('900'));
    relay.offer(await commit('77', range(50, 51)));
    // The row of 900 leaves the outbox after its confirm, which may come later than the message itself.
    await waitFor('only the halted channel', async () => (await database.count('outbox')) === 100);
    await channel.bindQueue(QUEUE, EXCHANGE, ALL_CHANNELS);
    await empty();
    expect(await drain()).toEqual(range(100).map(String));
  });

  it('R3 halts a channel whose events are refused: the first of them is tried alone, until there is room again', async () => {
    await channel.deleteQueue(QUEUE);
    const full = { 'x-queue-type': 'quorum', 'x-max-length': 5, 'x-overflow': 'reject-publish' };
    await channel.assertQueue(QUEUE, { durable: true, arguments: full });
    await channel.bindQueue(QUEUE, EXCHANGE, ALL_CHANNELS);
    const watched = new WatchedPublisher(queue);
    relay = newRelay(watched);
    relay.start();
    let last = 0;
    const offer = async () => {
      relay.offer(await commit('77', range(20, last + 1)));
      last += 20;
    };
    // A queue takes a few more than it has room for, before it says so.
    await waitFor('a refusal', async () => {
      if (!watched.refused) await offer();
      return watched.refused;
    });
    await offer();
    const { sent } = watched;
    await waitFor('two tries', () => Promise.resolve(watched.sent >= sent + 2));
    const seen = new Set<string>();
    await waitFor(
      'everything',
      async () => {
        for (const id of await drain()) seen.add(id);
        return seen.size === last && (await database.count('outbox')) === 0;
      },
      40_000,
    );
    expect(seen).toEqual(new Set(range(last).map(String)));
    expect(watched.sentInSpite).toEqual([]);
  });

  it('R3 loses nothing and keeps the order when the connection breaks under load', async () => {
    relay.start();
    let next = 1;
    let cut = 0;
    const commits = (async () => {
      for (; next <= 4_000; next += 100) relay.offer(await commit('77', range(100, next)));
    })();
    await waitFor('cut', async () => (cut += await broker.disconnect()) > 0, 20_000);
    await commits;
    await empty();
    model = await connect({
      ...{ hostname: broker.options().host, port: broker.options().port, vhost: broker.vhost },
      ...{ username: broker.options().login().user, password: broker.options().login().password },
    });
    channel = await model.createConfirmChannel();
    const seen = await drain();
    const firsts = [...new Set(seen)];
    expect(firsts).toEqual(range(4_000).map(String));
  });

  it('R3 takes what piles up during an outage from the outbox, not from memory', async () => {
    let connected = false;
    const listeners: (() => void)[] = [];
    const late: EventPublisher = {
      get connected() {
        return connected;
      },
      publishMessage: (event) => queue.publishMessage(event),
      onConnected: (listener) => void listeners.push(listener),
    };
    const other = newRelay(late);
    other.start();
    for (let first = 1; first <= 12_000; first += 500) other.offer(await commit('77', range(500, first)));
    expect(await database.count('outbox')).toBe(12_000);
    connected = true;
    for (const listener of listeners) listener();
    await empty(40_000);
    expect(await drain()).toEqual(range(12_000).map(String));
    await other.stop();
  });

  it('R3 keeps the outbox of a stack without a broker empty', async () => {
    const silentRelay = newRelay(null);
    await commit('77', range(10));
    silentRelay.start();
    silentRelay.offer(await commit('77', range(10, 11)));
    await empty();
    expect(await drain()).toEqual([]);
    await silentRelay.stop();
  });

  it('R3 finishes what is under way when it stops', async () => {
    relay.start();
    await waitFor('direct mode', async () => {
      relay.offer(await commit('1', [Date.now() % 1_000_000_000]));
      return (await database.count('outbox')) === 0;
    });
    await drain();
    relay.offer(await commit('77', range(300)));
    await relay.stop();
    expect(await database.count('outbox')).toBe(0);
    expect(await drain()).toEqual(range(300).map(String));
  });
});

/** Hands on to the queue, and knows what may be sent of a channel of which something was refused. */
class WatchedPublisher implements EventPublisher {
  sent = 0;
  refused = false;
  /** What should have waited. */
  readonly sentInSpite: string[] = [];
  readonly #untaken = new Set<number>();
  #flying = 0;
  #halted = false;

  constructor(private readonly queue: TelegramMessageQueue) {}

  get connected(): boolean {
    return this.queue.connected;
  }

  onConnected(listener: () => void): void {
    this.queue.onConnected(listener);
  }

  publishMessage(event: TelegramEvent): Promise<void> {
    const id = Number(event.messageId);
    this.#untaken.add(id);
    if (this.#halted && (this.#flying > 0 || id !== Math.min(...this.#untaken))) this.sentInSpite.push(event.id);
    const probe = this.#halted;
    this.sent += 1;
    this.#flying += 1;
    const done = this.queue.publishMessage(event);
    // Heard before the relay hears it, so that no other event comes between.
    done.then(
      () => {
        this.#flying -= 1;
        this.#untaken.delete(id);
        if (probe) this.#halted = false;
      },
      () => {
        this.#flying -= 1;
        this.#halted = true;
        this.refused = true;
      },
    );
    return done;
  }
}
