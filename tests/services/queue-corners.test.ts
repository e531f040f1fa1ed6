import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Channel, ChannelModel } from 'amqplib';
import {
  DEAD_LETTER_QUEUE,
  EXCHANGE,
  RETRY_DELAYS_MS,
  RETRY_EXCHANGE,
  groupQueue,
  retryBindingArguments,
  retryQueue,
} from '../../runtime/contract.js';
import { openBroker, openBrokerOnce } from '../../runtime/queue/connection.js';
import { PublishError, Publisher } from '../../runtime/queue/publisher.js';
import {
  AbandonError,
  EVERY_CHANNEL,
  GivenUpError,
  TelegramMessageQueue,
  type EventHandler,
} from '../../runtime/queue/telegram-message-queue.js';
import { hearing } from '../support/heard.js';
import { storedEvent } from '../support/messages.js';
import { TestBroker, silent, waitFor } from '../support/services.js';
import { inside } from '../support/test-stack.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const QUEUE = groupQueue('default');
const event = storedEvent('77', 1).event;

/** What seldom happens between a process and its broker. */
describe('TelegramMessageQueue in trouble', () => {
  let broker: TestBroker;
  let queue: TelegramMessageQueue;
  let model: ChannelModel;
  let channel: Channel;
  let heard: ReturnType<typeof hearing>;

  beforeEach(async () => {
    broker = await TestBroker.create();
    heard = hearing();
    queue = new TelegramMessageQueue({
      broker: broker.options(),
      logger: heard.logger,
      group: 'default',
      declare: true,
    });
    await queue.initialize();
    model = await broker.connect();
    model.on('error', () => undefined);
    channel = await model.createChannel();
  });
  afterEach(async () => {
    await queue.close();
    await model.close().catch(() => undefined);
    await broker.remove();
  });

  /** Handles every event; resolves to the attempts that were counted once `times` have been made. */
  async function handling(times: number, handle: EventHandler): Promise<() => Promise<readonly number[]>> {
    const attempts: number[] = [];
    await queue.subscribeToChannel(EVERY_CHANNEL, (delivered, delivery) => {
      attempts.push(delivery.attempt);
      return handle(delivered, delivery);
    });
    return async () => {
      await waitFor(`${String(times)} tries`, () => Promise.resolve(attempts.length >= times), 30_000);
      return attempts;
    };
  }

  const said = (text: string) => waitFor(text, () => Promise.resolve(heard.said.includes(text)), 30_000);
  const depth = async (name: string) => (await channel.checkQueue(name)).messageCount;

  it('R6 an event that its retry queue does not take is delivered again, and its try is not lost', async () => {
    const [first] = RETRY_DELAYS_MS;
    await channel.unbindQueue(retryQueue(first), RETRY_EXCHANGE, '', retryBindingArguments(first));
    let failures = 1;
    const tries = await handling(2, () => (failures-- > 0 ? Promise.reject(new Error('once')) : Promise.resolve()));
    await queue.publishMessage(event);
    expect(await tries()).toEqual([0, 0]);
    expect(heard.said).toContain('retry queue did not take a message');
  });

  it('R6 an event that was given up goes to the dead letters, whatever tries are left', async () => {
    const tries = await handling(1, () => Promise.reject(new GivenUpError('no more')));
    await queue.publishMessage(event);
    expect(await tries()).toEqual([0]);
    await waitFor('dead letter', async () => (await depth(DEAD_LETTER_QUEUE)) === 1, 30_000);
  });

  it('R6 an event that was abandoned is there again when the process has ended', async () => {
    const tries = await handling(1, () => Promise.reject(new AbandonError('ends')));
    await queue.publishMessage(event);
    await tries();
    await queue.close();
    await waitFor('the event', async () => (await depth(QUEUE)) === 1, 30_000);
  });

  it('R6 an event whose connection went while it was handled comes again', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const tries = await handling(2, () => promise);
    await queue.publishMessage(event);
    await waitFor('the connections', async () => (await broker.disconnect()) > 0, 30_000);
    expect(await tries()).toEqual([0, 0]);
    resolve(undefined);
    // The first one has no channel to answer on any more; the second one has.
    await said('delivery was not answered');
    channel = await (model = await broker.connect()).createChannel();
    await waitFor('the answer', async () => (await channel.checkQueue(QUEUE)).messageCount === 0, 30_000);
  });

  it('R6 comes back to a queue that was deleted and made again', async () => {
    const tries = await handling(1, () => Promise.resolve());
    await channel.deleteQueue(QUEUE);
    const published = () =>
      queue.publishMessage(event).then(
        () => true,
        () => false,
      );
    await waitFor('the queue', published, 30_000);
    expect(await tries()).toEqual([0]);
  });

  it('R6 says that the broker takes no messages, and publishes when it does', async () => {
    const control = (...words: string[]) => inside('rabbitmq', 'rabbitmqctl', '--quiet', ...words);
    const limit = (await control('eval', 'rabbit_disk_monitor:get_disk_free_limit().')).trim();
    // For the broker a disk is full when less is free than it wants.
    await control('set_disk_free_limit', '1000000GB');
    const published: Promise<void>[] = [];
    try {
      // Told to who publishes, as soon as the alarm has got about.
      const told = () => {
        published.push(queue.publishMessage(event));
        return Promise.resolve(heard.said.includes('broker takes no messages'));
      };
      await waitFor('the word of it', told, 30_000);
    } finally {
      await control('set_disk_free_limit', limit);
    }
    await Promise.all(published);
    expect(await depth(QUEUE)).toBe(published.length);
  }, 90_000);

  it('R6 without a group it publishes, and takes no handler', async () => {
    const publisher = new TelegramMessageQueue({ broker: broker.options(), logger: silent });
    await publisher.initialize();
    await publisher.publishMessage(event);
    await expect(publisher.subscribeToChannel(EVERY_CHANNEL, () => Promise.resolve())).rejects.toThrow(
      'without a group',
    );
    await publisher.close();
  });

  it('R3 a message that the queue has no room for is refused, and told as such', async () => {
    await channel.deleteQueue(QUEUE);
    const full = { 'x-queue-type': 'quorum', 'x-max-length': 1, 'x-overflow': 'reject-publish' };
    await channel.assertQueue(QUEUE, { durable: true, arguments: full });
    await channel.bindQueue(QUEUE, EXCHANGE, 'telegram.channel.*');
    // A quorum queue finds out that it is full a moment later.
    const refusal = () =>
      queue.publishMessage(event).then(
        () => false,
        (error: unknown) => error instanceof PublishError && error.reason === 'nacked',
      );
    await waitFor('a refusal', refusal, 30_000);
  });

  it('R3 a message whose confirm was on its way when the connection broke is not taken for confirmed', async () => {
    const { host, port } = broker.options();
    const proxy = await TcpProxy.start(host, port);
    const through = { ...broker.options(), host: '127.0.0.1', port: proxy.port };
    const publisher = new TelegramMessageQueue({ broker: through, logger: silent });
    await publisher.initialize();
    await publisher.publishMessage(event);
    proxy.hang();
    const late = publisher.publishMessage(event);
    proxy.cut();
    await expect(late).rejects.toMatchObject({ reason: 'disconnected' });
    await publisher.close();
    await proxy.close();
  });

  it('R3 a message that is given to a connection on its way out is refused at once', async () => {
    const ending = await broker.connect();
    const publisher = new Publisher();
    let lost = 0;
    await publisher.open(ending, () => (lost += 1));
    const closed = ending.close();
    const late = publisher.publish(EXCHANGE, 'telegram.channel.77', Buffer.from('late'), { messageId: 'late' });
    await expect(late).rejects.toMatchObject({ reason: 'disconnected' });
    await closed;
    expect(lost).toBe(1);
    expect(publisher.ready).toBe(false);
  });
});

describe('a connection to the broker', () => {
  let broker: TestBroker;
  beforeEach(async () => {
    broker = await TestBroker.create();
  });
  afterEach(() => broker.remove());

  const wrong = () => ({ ...broker.options(), login: () => ({ user: 'nobody', password: 'wrong' }) });

  it('R6 is made once where that is asked for, and a wrong login is told', async () => {
    const model = await openBrokerOnce(broker.options());
    await model.createChannel();
    await model.close();
    await expect(openBrokerOnce(wrong())).rejects.toThrow(/ACCESS[_-]REFUSED|403/);
  });

  it('R6 is tried again and again, and each failure is said', async () => {
    const { logger, said } = hearing();
    const options = wrong();
    let login = options.login();
    const recovering = await openBroker({ ...options, login: () => login }, logger, () => Promise.resolve());
    await waitFor('two failures', () => Promise.resolve(said.length >= 2), 30_000);
    expect(new Set(said)).toEqual(new Set(['broker cannot be used yet']));
    login = broker.options().login();
    await waitFor('the connection', () => Promise.resolve(said.includes('broker connected')), 30_000);
    await recovering.close();
  });
});
