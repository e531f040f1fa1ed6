import { describe, expect, it } from '@jest/globals';
import { dueTimes } from '../../../bench/load/follow.js';
import { verdictOf, type Window } from '../../../bench/load/verdict.js';
import { range } from '../../support/messages.js';

const window = (p95: number, memory: number, more: Partial<Window> = {}): Window => ({
  ...{ posted: 100, handled: 100, doubled: 0 },
  latencyMs: { p50: p95 / 2, p95, p99: p95, max: p95 },
  memoryMb: { gateway: memory },
  ...more,
});

describe('the verdict of a long run', () => {
  it('N4 holds where nothing is lost, and latency and memory only waver', () => {
    const windows = range(9).map((n) => window(8 + (n % 3), 120 + (n % 4)));
    expect(verdictOf(windows)).toMatchObject({ posted: 900, lost: 0, doubled: 0, holds: true });
  });

  it.each([
    ['a lost message', { handled: 99 }],
    ['one that was handled twice', { doubled: 1 }],
  ])('N4 does not hold with %s in one stretch of many', (_what, more) => {
    const windows = [...range(8).map(() => window(8, 120)), window(8, 120, more)];
    expect(verdictOf(windows).holds).toBe(false);
  });

  it('N4 tells a latency that drifts, and the memory of which process grows', () => {
    const slower = verdictOf(range(9).map((n) => window(8 + 3 * n, 120)));
    expect(slower).toMatchObject({ latency: { grows: true }, memory: { gateway: { grows: false } }, holds: false });
    const fatter = verdictOf(range(9).map((n) => window(8, 120 + 10 * n)));
    expect(fatter).toMatchObject({ latency: { grows: false }, memory: { gateway: { grows: true } }, holds: false });
  });

  it('N4 takes one stall for what it is, and no drift', () => {
    const windows = range(9).map((n) => window(n === 8 ? 900 : 8, 120));
    expect(verdictOf(windows)).toMatchObject({ latency: { grows: false }, holds: true });
  });

  it('N4 a run in which nothing was posted proves nothing', () => {
    expect(verdictOf([]).holds).toBe(false);
  });
});

describe('when a message of a steady rate was due', () => {
  const sent = (...times: (number | null)[]) =>
    times.map((pushedAt, n) => ({ channelId: '1', messageId: String(n + 1), pushedAt }));

  it('N4 follows from the begin, however late one was sent, the first too', () => {
    expect(dueTimes(sent(1_030, 1_100, 1_900), 10)).toEqual([1_000, 1_100, 1_200]);
  });

  it('N4 is known of a message that was sent to nobody', () => {
    expect(dueTimes(sent(null, 1_100, null), 10)).toEqual([1_000, 1_100, 1_200]);
    const now = Date.now();
    expect(dueTimes(sent(null, null), 10)[1]).toBeGreaterThanOrEqual(now + 100);
  });
});
