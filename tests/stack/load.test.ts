import { describe, expect, it } from '@jest/globals';
import type { Verdict, Window } from '../../bench/load/verdict.js';
import { run } from '../support/test-stack.js';

describe('load', () => {
  it('N4 follows a steady rate to the last message, and tells latency and memory stretch by stretch', () => {
    const { stdout, stderr } = run('load', ['--rate', '50', '--minutes', '0.4', '--json', '--no-report']);
    if (!stdout.startsWith('{')) throw new Error(stderr);
    const result = JSON.parse(stdout) as { rate: number; verdict: Verdict; windows: Window[] };
    // Whether it drifts is the machine's on so short a run; what is lost is the stack's.
    expect(result).toMatchObject({ rate: 50, verdict: { posted: 1_200, lost: 0, doubled: 0 } });
    expect(result.windows).toHaveLength(6);
    for (const { posted, handled, latencyMs, memoryMb } of result.windows) {
      expect([posted, handled]).toEqual([200, 200]);
      expect(latencyMs?.p50).toBeGreaterThan(0);
      expect(Object.keys(memoryMb).sort()).toEqual(['api', 'consumer', 'gateway']);
      for (const mb of Object.values(memoryMb)) expect(mb).toBeGreaterThan(10);
    }
  }, 180_000);
});
