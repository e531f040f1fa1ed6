import { describe, expect, it } from '@jest/globals';
import { randomInt } from 'node:crypto';
import type { RunResult } from '../../bench/chaos/run.js';
import { EVERY_S, FIXED_SEED, MINUTES } from '../support/short-chaos.js';
import { run } from '../support/test-stack.js';
import { noSecondChance } from '../support/no-second-chance.js';

noSecondChance();

/** What takes longer than the schedule is waiting for everything to arrive, most of it on a busy machine. */
const SETTLE_S = '240';
const BOUND_MS = 10 * 60_000;

describe('N8 chaos', () => {
  it.each([
    ['a fixed seed', FIXED_SEED],
    ['a seed of its own', randomInt(2 ** 31)],
  ])(
    'N8 R2 R3 R4 R7 with %s: the database is the world, every event was published, every effect happened once',
    (_name, seed) => {
      const args = ['--seed', String(seed), '--minutes', MINUTES, '--every', EVERY_S, '--settle', SETTLE_S, '--json'];
      const { code, stdout, stderr } = run('chaos', args);
      // The seed and all that was done stand in the error of a run that failed.
      if (code !== 0) throw new Error(`seed ${String(seed)} ended with ${String(code)}\n${stderr}\n${stdout}`);
      const { posted, events, faults, settledMs, ...result } = JSON.parse(stdout) as RunResult;
      const troubles = Object.values(faults).reduce((sum, count) => sum + count, 0);
      process.stderr.write(
        `    N8 seed ${String(seed)}: ${String(posted)} messages, ${String(events)} events, ${String(troubles)} troubles, settled in ${(settledMs / 1_000).toFixed(1)} s\n`,
      );
      expect(result).toMatchObject({ seed, lost: 0, duplicatedEffects: 0, findings: [], unimplemented: [] });
      expect({ published: result.published, handled: result.handled }).toEqual({ published: events, handled: events });
      expect(result.stored + result.neverShown).toBe(posted);
      expect(posted).toBeGreaterThanOrEqual(100);
      expect(events).toBeGreaterThan(posted);
      expect(troubles).toBeGreaterThanOrEqual(3);
    },
    BOUND_MS,
  );
});
