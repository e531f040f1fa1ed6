import { describe, expect, it } from '@jest/globals';
import { follow } from '../../../bench/chaos/lane.js';
import { recoveries } from '../../../bench/chaos/recovery.js';

describe('N8 a lane of a chaos run', () => {
  const list = [1, 2, 3].map((what) => ({ atMs: 0, what }));

  it('N8 keeps the order, one at a time', async () => {
    const seen: string[] = [];
    const perform = async (what: number) => {
      seen.push(`${String(what)} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(`${String(what)} ends`);
    };
    await follow({ list, startedAt: performance.now(), signal: new AbortController().signal, perform });
    expect(seen).toEqual([1, 2, 3].flatMap((n) => [`${String(n)} begins`, `${String(n)} ends`]));
  });

  it('N8 begins nothing more once it is told to end, and does not wait for what is due later', async () => {
    const end = new AbortController();
    const seen: number[] = [];
    const perform = (what: number) => {
      seen.push(what);
      end.abort();
      return Promise.resolve();
    };
    const far = [...list, { atMs: 3_600_000, what: 4 }];
    await follow({ list: far, startedAt: performance.now(), signal: end.signal, perform });
    expect(seen).toEqual([1]);
  });
});

describe('N8 time to recover', () => {
  it('N8 is from the end of a trouble to the first message after it that was handled', () => {
    const posted = new Map([
      ['1:1', 100],
      ['1:2', 300],
      ['1:3', 400],
    ]);
    const handled = new Map([
      ['message.created:1:1:1', 9_000],
      ['message.created:1:2:1', 1_700],
      ['message.created:1:3:1', 1_200],
    ]);
    const ended = [
      { kind: 'kick', at: 200 },
      { kind: 'kick', at: 1_000 },
      { kind: 'mute', at: 350 },
    ];
    expect(recoveries(ended, posted, handled)).toEqual({
      kick: { median: 1_000, worst: 1_000 },
      mute: { median: 850, worst: 850 },
    });
  });
});
