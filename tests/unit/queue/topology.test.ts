import { describe, expect, it } from '@jest/globals';
import {
  GROUP_QUEUE_ARGUMENTS,
  RETRY_DELAYS_MS,
  groupQueue,
  retryBindingArguments,
  retryQueue,
  retryQueueArguments,
  routingKey,
} from '../../../runtime/contract.js';

describe('topology', () => {
  it('R6 has the names of the contract', () => {
    expect(routingKey('77')).toBe('telegram.channel.77');
    expect(groupQueue('default')).toBe('telegram.consumer.default');
    expect(RETRY_DELAYS_MS.map(retryQueue)).toEqual([
      'telegram.retry.1000',
      'telegram.retry.5000',
      'telegram.retry.30000',
    ]);
  });

  it('R6 dead-letters at least once, which needs reject-publish', () => {
    for (const queueArguments of [GROUP_QUEUE_ARGUMENTS, retryQueueArguments(1_000)])
      expect(queueArguments).toMatchObject({
        'x-queue-type': 'quorum',
        'x-dead-letter-strategy': 'at-least-once',
        'x-overflow': 'reject-publish',
      });
  });

  it('R6 sends an expired retry to the default exchange under its own routing key', () => {
    expect(retryQueueArguments(5_000)).toMatchObject({ 'x-message-ttl': 5_000, 'x-dead-letter-exchange': '' });
    expect(retryQueueArguments(5_000)).not.toHaveProperty('x-dead-letter-routing-key');
    expect(retryBindingArguments(5_000)).toEqual({ 'x-match': 'all', 'telegram-retry-delay-ms': '5000' });
  });
});
