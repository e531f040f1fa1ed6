import type { Channel, ChannelModel } from 'amqplib';
import {
  ALL_CHANNELS,
  DEAD_LETTER_EXCHANGE,
  DEAD_LETTER_QUEUE,
  DEAD_LETTER_QUEUE_ARGUMENTS,
  EXCHANGE,
  GROUP_QUEUE_ARGUMENTS,
  RETRY_DELAYS_MS,
  RETRY_EXCHANGE,
  groupQueue,
  retryBindingArguments,
  retryQueue,
  retryQueueArguments,
} from '../contract.js';

/**
 * Fails when something is missing that this process needs; the stack made it, from its own definitions. Passive
 * declarations need no permission. On a channel of its own, because the broker closes the channel of a failed check.
 */
export async function checkTopology(model: ChannelModel, group: string | null): Promise<void> {
  const channel = await quietChannel(model);
  await channel.checkExchange(EXCHANGE);
  if (group !== null) {
    await channel.checkExchange(RETRY_EXCHANGE);
    await channel.checkQueue(groupQueue(group));
    for (const delayMs of RETRY_DELAYS_MS) await channel.checkQueue(retryQueue(delayMs));
  }
  await channel.close();
}

/** Declares everything, for a broker that nobody prepared. Needs the right to configure. */
export async function declareTopology(model: ChannelModel, group: string | null): Promise<void> {
  const channel = await quietChannel(model);
  await channel.assertExchange(EXCHANGE, 'topic', { durable: true });
  await channel.assertExchange(DEAD_LETTER_EXCHANGE, 'topic', { durable: true });
  await channel.assertExchange(RETRY_EXCHANGE, 'headers', { durable: true });
  await declareQueue(channel, DEAD_LETTER_QUEUE, DEAD_LETTER_QUEUE_ARGUMENTS);
  await channel.bindQueue(DEAD_LETTER_QUEUE, DEAD_LETTER_EXCHANGE, '#');
  for (const delayMs of RETRY_DELAYS_MS) {
    await declareQueue(channel, retryQueue(delayMs), retryQueueArguments(delayMs));
    await channel.bindQueue(retryQueue(delayMs), RETRY_EXCHANGE, '', retryBindingArguments(delayMs));
  }
  if (group !== null) {
    await declareQueue(channel, groupQueue(group), GROUP_QUEUE_ARGUMENTS);
    await channel.bindQueue(groupQueue(group), EXCHANGE, ALL_CHANNELS);
  }
  await channel.close();
}

async function declareQueue(channel: Channel, name: string, queueArguments: object): Promise<void> {
  await channel.assertQueue(name, { durable: true, arguments: { ...queueArguments } });
}

async function quietChannel(model: ChannelModel): Promise<Channel> {
  const channel = await model.createChannel();
  // The failed call reports it; an unheard error would end the process.
  channel.on('error', () => undefined);
  return channel;
}
