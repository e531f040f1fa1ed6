import { describe, expect, it } from '@jest/globals';
import { careForCache } from '../../../runtime/cache/care.js';

describe('care for the cache', () => {
  it('R5 drops expired entries and learns of groups again and again, until it is stopped', async () => {
    const runs = { cleaned: 0, learned: 0 };
    await new Promise<void>((resolve) => {
      const stop = careForCache(
        {
          cleanupExpired: () => {
            runs.cleaned += 1;
            if (runs.cleaned === 3) {
              stop();
              // Several intervals would have passed by then.
              setTimeout(resolve, 50);
            }
            return Promise.resolve(0);
          },
          learnGroups: () => {
            runs.learned += 1;
            return Promise.resolve();
          },
        },
        { cleanMs: 5, learnMs: 5 },
      );
    });
    expect(runs.cleaned).toBe(3);
    expect(runs.learned).toBeGreaterThan(0);
    expect(runs.learned).toBeLessThanOrEqual(4);
  });
});
