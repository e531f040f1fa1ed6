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

  it('N3 is never less than nothing: a container that was started again counts from anew', () => {
    const used = (cpuMicros: number) => ({ redis: { cpuMicros, memoryMb: 1 } });
    expect(cpuPerMessage(used(5_000), used(200), 100)).toEqual({ redis: 2 });
  });

  it('N3 is known of the measuring process itself', async () => {
    const usage = await usageNow(() => Promise.resolve({ redis: { cpuMicros: 1, memoryMb: 2 } }));
    expect(Object.keys(usage)).toEqual([RUNTIME, 'redis']);
    expect(usage[RUNTIME]?.cpuMicros).toBeGreaterThan(0);
    expect(usage[RUNTIME]?.memoryMb).toBeGreaterThan(10);
  });
});

describe('what a process is busy with', () => {
  const node = (id: number, url: string, functionName: string, children: number[] = []) => ({
    id,
    children,
    callFrame: { functionName, scriptId: '0', url, lineNumber: 0, columnNumber: 0 },
  });
  const PG = 'file:///stack/node_modules/a/node_modules/pg/lib/client.js';
  const OUTBOX = '/a/bench/of/ops/stack/runtime/queue/outbox.ts';

  it('N3 is told by package and by part of the project, each with what Node does for it; the profiler is no part', () => {
    const nodes = [
      node(1, '', '(root)', [2, 5, 6, 7, 8, 9, 11, 13]),
      node(2, OUTBOX, 'offer', [3]),
      node(3, PG, 'query', [4]),
      node(4, '', 'writeBuffer'),
      node(5, '', '(garbage collector)'),
      node(6, '', '(idle)'),
      node(7, 'node:internal/timers', 'processTimers'),
      node(8, '/stack/runtime/metrics.ts', 'observe'),
      node(9, '/stack/bench/rates/run.ts', 'runBench', [10]),
      node(10, 'node:inspector', 'post', [12]),
      node(11, '/stack/node_modules/@scope/name/index.js', 'f'),
      node(12, PG, 'query'),
      node(13, '/stack/runtime/telegram/gramjs/fast-integers.ts', 'read'),
    ];
    const micros = { 2: 200, 3: 100, 4: 205, 5: 90, 6: 5_000, 7: 100, 8: 105, 9: 50, 10: 900, 11: 5, 12: 900, 13: 145 };
    const samples = Object.keys(micros).map(Number);
    const timeDeltas = Object.values(micros);
    expect(partsOf({ nodes, startTime: 0, endTime: 9_000, samples, timeDeltas })).toEqual([
      { part: 'pg', share: 0.305 },
      { part: 'runtime/queue', share: 0.2 },
      { part: 'runtime/telegram', share: 0.145 },
      { part: 'runtime', share: 0.105 },
      { part: 'node', share: 0.1 },
      { part: '(garbage collector)', share: 0.09 },
      { part: 'bench/rates', share: 0.05 },
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
