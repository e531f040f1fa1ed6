import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connect, type ChannelModel, type ConfirmChannel, type GetMessage } from 'amqplib';
import {
  ATTEMPT_HEADER,
  DEAD_LETTER_QUEUE,
  EXCHANGE,
  RETRY_DELAYS_MS,
  groupQueue,
  retryQueue,
  routingKey,
} from '../../runtime/contract.js';
import {
  EVERY_CHANNEL,
  PostponeError,
  TelegramMessageQueue,
  type Delivery,
} from '../../runtime/queue/telegram-message-queue.js';
import { range, storedEvent } from '../support/messages.js';
import { TestBroker, silent, waitFor } from '../support/services.js';

describe('TelegramMessageQueue', () => {
  let broker: TestBroker;
  let queue: TelegramMessageQueue;
  let model: ChannelModel;
  let channel: ConfirmChannel;

  beforeEach(async () => {
    broker = await TestBroker.create();
    queue = new TelegramMessageQueue({ broker: broker.options(), logger: silent, group: 'default', declare: true });
    await queue.initialize();
    model = await connectDirectly(broker);
    channel = await model.createConfirmChannel();
  });
  afterEach(async () => {
    await queue.close();
    await model.close().catch(() => undefined);
    await broker.remove();
  });

  const event = (id: number, channelId = '77') => storedEvent(channelId, id).event;
  const depth = async (name: string) => (await channel.checkQueue(name)).messageCount;
  const dead = () =>
    waitFor<GetMessage>('dead letter', async () => channel.get(DEAD_LETTER_QUEUE, { noAck: true }), 20_000);

  it('R6 publishes persistently, under the routing key of the channel, with the event id', async () => {
    await queue.publishMessage(event(1));
    const message = await waitFor<GetMessage>('message', async () => channel.get(groupQueue('default')));
    expect(message.fields).toMatchObject({ exchange: EXCHANGE, routingKey: 'telegram.channel.77' });
    expect(message.properties).toMatchObject({
      messageId: 'message.created:77:1:1',
      type: 'message.created',
      contentType: 'application/json',
      deliveryMode: 2,
    });
    expect(JSON.parse(message.content.toString())).toEqual(event(1));
  });

  it('R3 rejects an event that no queue takes', async () => {
    await channel.unbindQueue(groupQueue('default'), EXCHANGE, 'telegram.channel.*');
    await expect(queue.publishMessage(event(1))).rejects.toMatchObject({ reason: 'returned' });
    await channel.bindQueue(groupQueue('default'), EXCHANGE, 'telegram.channel.*');
    await expect(queue.publishMessage(event(1))).resolves.toBeUndefined();
  });

  it('R6 acknowledges after the handler, and only then', async () => {
    const seen: string[] = [];
    let release = () => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    await queue.subscribeToChannel(EVERY_CHANNEL, async ({ messageId }) => {
      seen.push(messageId);
      await gate;
    });
    await Promise.all(range(3).map((id) => queue.publishMessage(event(id))));
    await waitFor('three deliveries', () => Promise.resolve(seen.length === 3));
    const closing = queue.close();
    release();
    await closing;
    expect(seen).toEqual(['1', '2', '3']);
    expect(await depth(groupQueue('default'))).toBe(0);
  });

  it('R6 gives a channel to its own handler, the others to the general one', async () => {
    const seen: string[] = [];
    await queue.subscribeToChannel('5', ({ channelId }) => Promise.resolve(void seen.push(`own ${channelId}`)));
    await queue.subscribeToChannel(EVERY_CHANNEL, ({ channelId }) =>
      Promise.resolve(void seen.push(`all ${channelId}`)),
    );
    await queue.publishMessage(event(1, '5'));
    await queue.publishMessage(event(1, '6'));
    await waitFor('both', () => Promise.resolve(seen.length === 2));
    expect(seen.sort()).toEqual(['all 6', 'own 5']);
  });

  it('R6 tries a failing event again after each delay, then puts it into the dead letters', async () => {
    const tries: (Delivery & { at: number })[] = [];
    await queue.subscribeToChannel(EVERY_CHANNEL, (_event, delivery) => {
      tries.push({ ...delivery, at: Date.now() });
      return Promise.reject(new Error('poison'));
    });
    await queue.publishMessage(event(1));
    // The last delay is half a minute: shortened by taking the copy out of its queue and putting it back at once.
    const [, , last] = RETRY_DELAYS_MS;
    const waiting = await waitFor<GetMessage>(
      'last retry',
      () => channel.get(retryQueue(last), { noAck: true }),
      20_000,
    );
    expect(waiting.properties.headers?.[ATTEMPT_HEADER]).toBe(3);
    expect(waiting.fields.routingKey).toBe(groupQueue('default'));
    channel.sendToQueue(waiting.fields.routingKey, waiting.content, waiting.properties);
    const letter = await dead();
    expect(letter.properties.messageId).toBe('message.created:77:1:1');
    expect(tries.map(({ attempt, last: final }) => [attempt, final])).toEqual([
      [0, false],
      [1, false],
      [2, false],
      [3, true],
    ]);
    const [first = 0, second = 0, third = 0] = tries.map(({ at }) => at);
    expect(second - first).toBeGreaterThanOrEqual(RETRY_DELAYS_MS[0]);
    expect(third - second).toBeGreaterThanOrEqual(RETRY_DELAYS_MS[1]);
    expect(await depth(groupQueue('default'))).toBe(0);
  });

  it('R6 does not count a postponed event as a try', async () => {
    const attempts: number[] = [];
    await queue.subscribeToChannel(EVERY_CHANNEL, (_event, { attempt }) => {
      attempts.push(attempt);
      return attempts.length < 2 ? Promise.reject(new PostponeError('busy')) : Promise.resolve();
    });
    await queue.publishMessage(event(1));
    await waitFor('second delivery', () => Promise.resolve(attempts.length === 2));
    expect(attempts).toEqual([0, 0]);
  });

  it('R6 puts what it cannot read, and what nobody subscribed to, into the dead letters', async () => {
    await queue.subscribeToChannel('5', () => Promise.resolve());
    channel.publish(EXCHANGE, routingKey('5'), Buffer.from('not json'), { messageId: 'broken' });
    expect((await dead()).properties.messageId).toBe('broken');
    channel.publish(EXCHANGE, routingKey('5'), Buffer.from(JSON.stringify({ ...event(1, '5'), v: 2 })), {
      messageId: 'newer',
    });
    expect((await dead()).properties.messageId).toBe('newer');
    await queue.publishMessage(event(1, '6'));
    expect((await dead()).properties.messageId).toBe('message.created:6:1:1');
  });

  it('R6 comes back with its consumer after the broker closed the connection', async () => {
    const seen = new Set<string>();
    await queue.subscribeToChannel(EVERY_CHANNEL, ({ messageId }) => Promise.resolve(void seen.add(messageId)));
    await queue.publishMessage(event(1));
    await waitFor('connections of the queue', async () => (await broker.disconnect()) > 0, 20_000);
    await waitFor('reconnect', async () => {
      await queue.publishMessage(event(2)).catch(() => undefined);
      return seen.has('2');
    });
    expect([...seen].sort()).toEqual(['1', '2']);
    await expect(queue.publishMessage(event(3))).resolves.toBeUndefined();
  });

  it('R6 waits for a topology that is not there yet', async () => {
    const other = await TestBroker.create();
    const early = new TelegramMessageQueue({ broker: other.options(), logger: silent, group: 'default' });
    const found = early.initialize();
    await expect(early.publishMessage(event(1))).rejects.toMatchObject({ reason: 'disconnected' });
    expect(early.connected).toBe(false);
    const maker = new TelegramMessageQueue({
      broker: other.options(),
      logger: silent,
      group: 'default',
      declare: true,
    });
    await maker.initialize();
    await found;
    expect(early.connected).toBe(true);
    await Promise.all([early.close(), maker.close()]);
    await other.remove();
  });
});

async function connectDirectly(broker: TestBroker): Promise<ChannelModel> {
  const { host, port, vhost, login } = broker.options();
  const { user, password } = login();
  const model = await connect({ hostname: host, port, vhost, username: user, password });
  model.on('error', () => undefined);
  return model;
}
