import { describe, expect, it } from '@jest/globals';
import type { ConsumeMessage } from 'amqplib';
import { Answers } from '../../../runtime/queue/answers.js';

const deliveries = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ fields: { deliveryTag: n + 1 } }) as ConsumeMessage);

/** A channel that keeps what it is told: `1-4` for all up to the fourth. */
function channel(count: number) {
  const told: string[] = [];
  const tag = ({ fields }: { readonly fields: object }) => String((fields as { deliveryTag: number }).deliveryTag);
  const answers = new Answers({
    ack: (message, allUpTo) => told.push(`${allUpTo ? '1-' : ''}${tag(message)}`),
    reject: (message, requeue) => told.push(`${requeue ? 'again' : 'dead'} ${tag(message)}`),
  });
  const messages = deliveries(count);
  for (const message of messages) answers.delivered(message);
  return { told, answers, messages };
}

describe('answers to the broker', () => {
  it('N3 of one turn leave as one, for all before which nothing is open', async () => {
    const { told, answers, messages } = channel(5);
    const sent = messages.slice(0, 4).map((message) => answers.ack(message));
    expect(told).toEqual([]);
    await Promise.all(sent);
    expect(told).toEqual(['1-4']);
  });

  it('R6 never speak for a delivery that is still open, nor for one that was rejected', async () => {
    const { told, answers, messages } = channel(5);
    const [first, second, third, fourth, fifth] = messages as [
      ConsumeMessage,
      ConsumeMessage,
      ConsumeMessage,
      ConsumeMessage,
      ConsumeMessage,
    ];
    await Promise.all([answers.ack(fourth), answers.ack(second)]);
    expect(told).toEqual(['2', '4']);
    answers.reject(first, false);
    await answers.ack(third);
    expect(told).toEqual(['2', '4', 'dead 1', '1-3']);
    answers.reject(fifth, true);
    expect(told.at(-1)).toBe('again 5');
  });

  it('R6 fail where the channel is gone', async () => {
    const [message] = deliveries(1) as [ConsumeMessage];
    const answers = new Answers({
      ack: () => {
        throw new Error('Channel closed');
      },
      reject: () => undefined,
    });
    answers.delivered(message);
    await expect(answers.ack(message)).rejects.toThrow('Channel closed');
  });
});
