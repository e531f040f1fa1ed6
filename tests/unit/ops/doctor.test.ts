import { describe, expect, it } from '@jest/globals';
import { agreedMaster, type Vote } from '../../../ops/doctor/redis.js';

const vote = (n: number, master: string, answer = 'OK 3 usable Sentinels'): Vote => ({
  name: `redis-sentinel-${String(n)}`,
  answer,
  master,
});

/** On a running stack the Sentinels come to one mind within two seconds, so this is judged by what they said. */
describe('what the Sentinels say', () => {
  it('O4 one master, by all of them with a quorum', () => {
    expect(agreedMaster([vote(1, 'one:6379'), vote(2, 'one:6379'), vote(3, 'one:6379')])).toBe('one:6379');
  });

  it('O4 Sentinels of two minds are red, each with its own', () => {
    expect(() => agreedMaster([vote(1, 'one:6379'), vote(2, 'two:6379'), vote(3, 'one:6379')])).toThrow(
      'the Sentinels name different masters (redis-sentinel-1 and redis-sentinel-3: one:6379; redis-sentinel-2: two:6379)',
    );
  });

  it('O4 one without a quorum, or without an answer, is red by its name', () => {
    expect(() => agreedMaster([vote(1, 'one:6379'), vote(2, '?', 'connect ECONNREFUSED')])).toThrow(
      /^redis-sentinel-2: connect ECONNREFUSED$/,
    );
  });
});
