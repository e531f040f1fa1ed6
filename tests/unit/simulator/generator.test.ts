import { describe, expect, it } from '@jest/globals';
import { pace } from '../../../runtime/simulator/pace.js';
import { seededRandom } from '../../../runtime/simulator/random.js';
import { generatePost, generateText } from '../../../runtime/simulator/text.js';

const posts = (seed: number, count: number) => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => generatePost(random));
};

const MANY = posts(1, 3_000);

describe('R10 generated posts', () => {
  it('R10 are the same for the same seed', () => {
    expect(posts(4, 50)).toEqual(posts(4, 50));
    expect(posts(4, 50)).not.toEqual(posts(5, 50));
  });

  it('R10 are well-formed, never too long, and have text or media', () => {
    expect(MANY.filter(({ text }) => !text.isWellFormed() || text.length > 4_096)).toEqual([]);
    expect(MANY.filter(({ text, media }) => text === '' && media === null)).toEqual([]);
  });

  it('R10 are mostly short, sometimes long, and now and then as long as can be', () => {
    const lengths = MANY.map(({ text }) => text.length);
    const share = (fits: (length: number) => boolean) => lengths.filter(fits).length / lengths.length;
    expect(share((length) => length <= 140)).toBeGreaterThan(0.5);
    expect(share((length) => length > 500 && length <= 2_000)).toBeGreaterThan(0.05);
    expect(share((length) => length === 4_096)).toBeGreaterThan(0.001);
    expect(share((length) => length === 4_096)).toBeLessThan(0.02);
  });

  it.each(['Latin', 'Cyrillic', 'Arabic', 'Han', 'Hangul', 'Devanagari'])('R10 are written in %s, too', (script) => {
    const letters = new RegExp(`\\p{Script=${script}}`, 'u');
    expect(MANY.some(({ text }) => letters.test(text))).toBe(true);
  });

  it('R10 hold emoji, also joined ones, and media without a caption', () => {
    expect(MANY.some(({ text }) => /\p{Emoji_Presentation}/u.test(text))).toBe(true);
    expect(MANY.some(({ text }) => text.includes('\u200d'))).toBe(true);
    expect(MANY.some(({ text, media }) => text === '' && media === 'photo')).toBe(true);
    expect(MANY.some(({ text, media }) => text === '' && media === 'document')).toBe(true);
  });

  it('R10 have exactly the length that was asked for', () => {
    const random = seededRandom(9);
    for (const length of [1, 2, 3, 10, 100, 4_096]) expect(generateText(random, length)).toHaveLength(length);
  });
});

describe('R10 pacing', () => {
  const never = new AbortController().signal;

  it('R10 keeps the rate over the whole batch, without drift', async () => {
    const times: number[] = [];
    const start = performance.now();
    await pace({ rate: 200, count: 60, skipLate: false, signal: never }, () => times.push(performance.now() - start));
    expect(times).toHaveLength(60);
    // No post is early by more than a timer may be; the last one is due at 295 ms, whatever the timers lost on the way.
    for (const [index, at] of times.entries()) expect(at).toBeGreaterThanOrEqual(index * 5 - 5);
    expect(times[59]).toBeLessThan(295 + 500);
  });

  it('R10 without a rate does everything, and lets others run meanwhile', async () => {
    let done = 0;
    let seen = 0;
    const finished = pace({ rate: null, count: 2_000, skipLate: false, signal: never }, () => {
      const end = performance.now() + 0.02;
      while (performance.now() < end);
      done++;
    });
    setImmediate(() => (seen = done));
    await finished;
    expect(done).toBe(2_000);
    expect(seen).toBeGreaterThan(0);
    expect(seen).toBeLessThan(2_000);
  });

  it('R10 stops when it is told to', async () => {
    const stop = new AbortController();
    let done = 0;
    await pace({ rate: 1_000, count: Infinity, skipLate: true, signal: stop.signal }, () => {
      if (++done === 5) stop.abort();
    });
    expect(done).toBe(5);
  });
});
