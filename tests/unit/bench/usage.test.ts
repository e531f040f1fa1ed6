import { describe, expect, it } from '@jest/globals';
import { partsOf, profiled } from '../../../bench/rates/profile.js';
import { RUNTIME, cpuPerMessage, parseUsage, usageNow } from '../../../bench/rates/usage.js';

describe('what a process has used', () => {
  it('N3 is read from control groups of either version, without the cache that can be had back', () => {
    const second = 'usage_usec 2500000\nuser_usec 1\nused 104857600\nanon 3\ninactive_file 52428800\nactive_file 7\n';
    const first = 'usage_nsec 2500000000\nused 104857600\ninactive_file 1\ntotal_inactive_file 52428800\n';
    for (const text of [second, first]) expect(parseUsage(text)).toEqual({ cpuMicros: 2_500_000, memoryMb: 50 });
  });

  it('N3 is told by message and process, also of one that began meanwhile', () => {
    const used = (cpuMicros: number) => ({ cpuMicros, memoryMb: 1 });
    const before = { runtime: used(1_000), redis: used(500) };
    const after = { runtime: used(3_000), redis: used(600), late: used(50) };
    expect(cpuPerMessage(before, after, 100)).toEqual({ runtime: 20, redis: 1, late: 0.5 });
  });

  it('N3 is known of the measuring process itself', async () => {
    const usage = await usageNow(() => Promise.resolve({ redis: { cpuMicros: 1, memoryMb: 2 } }));
    expect(Object.keys(usage)).toEqual([RUNTIME, 'redis']);
    expect(usage[RUNTIME]?.cpuMicros).toBeGreaterThan(0);
    expect(usage[RUNTIME]?.memoryMb).toBeGreaterThan(10);
  });
});

describe('what a process is busy with', () => {
  const frame = (id: number, url: string, functionName = 'f') => ({
    id,
    callFrame: { functionName, scriptId: '0', url, lineNumber: 0, columnNumber: 0 },
  });

  it('N3 is told by package and by part of the runtime, and idling is no work', () => {
    const nodes = [
      frame(1, 'file:///stack/node_modules/a/node_modules/pg/lib/client.js'),
      frame(2, '/stack/runtime/queue/outbox.ts'),
      frame(3, 'node:internal/timers'),
      frame(4, '', '(garbage collector)'),
      frame(5, '', '(idle)'),
      frame(6, '/stack/node_modules/@scope/name/index.js'),
    ];
    const samples = [1, 2, 3, 4, 5, 6, 1];
    const timeDeltas = [300, 200, 100, 90, 5_000, 5, 305];
    expect(partsOf({ nodes, startTime: 0, endTime: 6_000, samples, timeDeltas })).toEqual([
      { part: 'pg', share: 0.605 },
      { part: 'runtime/queue', share: 0.2 },
      { part: 'node:internal', share: 0.1 },
      { part: '(garbage collector)', share: 0.09 },
    ]);
  });

  it('N3 is seen while it works', async () => {
    const parts = await profiled(async () => {
      const until = performance.now() + 200;
      while (performance.now() < until) JSON.parse(JSON.stringify({ a: [...Array(100).keys()] }));
      return Promise.resolve();
    });
    expect(parts.length).toBeGreaterThan(0);
    expect(parts.reduce((sum, { share }) => sum + share, 0)).toBeGreaterThan(0.5);
  });
});
