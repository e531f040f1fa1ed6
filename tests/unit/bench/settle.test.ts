import { describe, expect, it } from '@jest/globals';
import { settle } from '../../../bench/chaos/settle.js';

const PACE = { longestMs: 60_000, againMs: 1, stillMs: 20, signal: new AbortController().signal };

/** Sees one after the other; an error is a look that fails. */
function seeing(...sights: readonly (string | Error)[]) {
  let looks = 0;
  return {
    look: () => {
      const sight = sights[Math.min(looks, sights.length - 1)] ?? '';
      looks += 1;
      return typeof sight === 'string' ? Promise.resolve(sight) : Promise.reject(sight);
    },
    good: (found: string) => found === 'good',
    count: () => looks,
  };
}

describe('N8 settling', () => {
  it('N8 ends when what is seen is good, and still so later; the time is that of the first of the two', async () => {
    const eyes = seeing('bad', new Error('away'), 'good', 'good');
    const { found, goodAt } = await settle({ ...PACE, ...eyes });
    expect(found).toBe('good');
    expect(eyes.count()).toBe(4);
    expect(performance.now() - goodAt).toBeGreaterThanOrEqual(19);
  });

  it('N8 is not content with one good look: what was only late is found', async () => {
    const eyes = seeing('good', 'doubled', 'good', new Error('away'), 'doubled');
    const { found } = await settle({ ...PACE, ...eyes, longestMs: 200 });
    expect(found).toBe('doubled');
  });

  it('N8 ends with what it sees when time is up, and when it is interrupted', async () => {
    await expect(settle({ ...PACE, ...seeing(new Error('away')), longestMs: 30 })).rejects.toThrow('away');
    const signal = AbortSignal.abort(new Error('interrupted'));
    await expect(settle({ ...PACE, ...seeing('bad'), signal })).rejects.toThrow('interrupted');
  });
});
