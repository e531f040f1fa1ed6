import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ChannelStream, type OutboxRow } from '../../../runtime/queue/channel-stream.js';
import { range, storedEvent } from '../../support/messages.js';

const row = (position: number): OutboxRow => ({ position: BigInt(position), ...storedEvent('77', position) });

function take(stream: ChannelStream): OutboxRow {
  const next = stream.next();
  if (!next) throw new Error('nothing to send');
  return next;
}

describe('R3 stream of one channel', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('R3 sends in the order of the outbox, also what came late', () => {
    const stream = new ChannelStream();
    for (const position of [2, 4, 1, 3]) stream.add(row(position));
    expect(range(4).map(() => stream.next()?.position)).toEqual([1n, 2n, 3n, 4n]);
    expect(stream.next()).toBeUndefined();
    expect(stream.empty).toBe(false);
  });

  it('R3 sends nothing after a failure until the failed row alone was confirmed', () => {
    const stream = new ChannelStream();
    for (const position of range(4)) stream.add(row(position));
    const [first, second] = [take(stream), take(stream)];
    const resume = jest.fn();
    stream.failed(first, resume);
    expect(stream.next()).toBeUndefined();
    jest.advanceTimersByTime(100);
    expect(resume).toHaveBeenCalledTimes(1);
    // The one behind it is still under way: its confirm must not open the stream.
    expect(stream.next()).toBeUndefined();
    stream.confirmed(second);
    const probe = take(stream);
    expect(probe).toBe(first);
    expect(stream.next()).toBeUndefined();
    stream.confirmed(probe);
    expect([stream.next()?.position, stream.next()?.position]).toEqual([3n, 4n]);
  });

  it('R3 waits longer after each failure in a row, five seconds at most', () => {
    const stream = new ChannelStream();
    stream.add(row(1));
    const pauses = range(9).map(() => {
      const resume = jest.fn();
      stream.failed(take(stream), resume);
      let pause = 0;
      for (; resume.mock.calls.length === 0; pause += 100) jest.advanceTimersByTime(100);
      return pause;
    });
    expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
  });

  it('R3 is empty only when all is settled', () => {
    const stream = new ChannelStream();
    stream.add(row(1));
    expect(stream.empty).toBe(false);
    const sent = take(stream);
    expect(stream.empty).toBe(false);
    stream.confirmed(sent);
    expect(stream.empty).toBe(true);
  });
});
