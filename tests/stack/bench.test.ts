import { beforeAll, describe, expect, it } from '@jest/globals';
import { benchChart, benchTable } from '../../bench/rates/report.js';
import { runBench, type BenchResult } from '../../bench/rates/run.js';
import { withEngines } from '../../ops/bench/engines.js';
import { runningStack } from '../../ops/context.js';
import { rowsOf } from '../support/database.js';
import { TEST_PREFIX, TEST_STACK, docker, inside } from '../support/test-stack.js';

/** What a killed bench leaves in the database and in the broker. */
async function leaveBench(): Promise<void> {
  await rowsOf(`create database ${LEFT} template template0`, [], { database: 'postgres' });
  await inside('rabbitmq', 'rabbitmqctl', '--quiet', 'add_vhost', LEFT);
}
const LEFT = 'bench_0badcafe';

/** The figures are the machine's; what is tested is that each is measured, and of what. */
describe('bench', () => {
  let result: BenchResult;

  beforeAll(async () => {
    const size = {
      ...{ messages: 400, naiveMessages: 20, polling: [1_000, 2_000], load: [{ rate: 50, seconds: 1 }] },
      ...{ cacheLoad: { rate: 50, seconds: 5 }, comparedRows: 20_000 },
    };
    const stack = await runningStack({ stack: TEST_STACK });
    await leaveBench();
    result = await withEngines(stack, (engines) => runBench(engines, size, () => undefined));
  }, 240_000);

  it('N3 measures every leg alone, the naive pipeline and this one, and how they compare', () => {
    const { raw, composed, naive, pipeline, ratioToComposed, ratioToNaive, cpuMicrosPerMessage } = result;
    expect(Object.keys(raw)).toEqual(['mtproto', 'insert', 'queue', 'consumerCommit', 'cache']);
    for (const rate of [...Object.values(raw), composed, naive, pipeline]) expect(rate).toBeGreaterThan(0);
    expect(Object.keys(cpuMicrosPerMessage)).toEqual([...Object.keys(raw), 'naive', 'pipeline']);
    expect(composed).toBeLessThan(Math.min(...Object.values(raw)));
    expect(1 / composed).toBeCloseTo(
      Object.values(raw).reduce((sum, rate) => sum + 1 / rate, 0),
      9,
    );
    expect([ratioToComposed, ratioToNaive]).toEqual([pipeline / composed, pipeline / naive]);
  });

  it('N3 tells of every process what a message costs it and how large it is, and what the runtime is busy with', () => {
    const processes = ['runtime', 'timescaledb', 'pgbouncer', 'rabbitmq', 'redis'];
    expect(Object.keys(result.memoryMb)).toEqual(processes);
    for (const mb of Object.values(result.memoryMb)) expect(mb).toBeGreaterThan(1);
    const { mtproto, pipeline } = result.cpuMicrosPerMessage;
    expect(Object.keys(mtproto)).toEqual(['runtime']);
    expect(Object.keys(pipeline)).toEqual(processes);
    for (const micros of Object.values(pipeline)) expect(micros).toBeGreaterThan(0);
    const shares = result.profile.map(({ share }) => share);
    expect(shares).toEqual([...shares].sort((one, other) => other - one));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThanOrEqual(1.001);
    expect(result.profile.map(({ part }) => part)).toContain('pg');
  });

  it('N2 measures latency at a given rate, of every message', () => {
    const [load] = result.latencyMs;
    expect(load).toMatchObject({ rate: 50, seconds: 1 });
    expect(load?.p50).toBeGreaterThan(0);
    expect(load?.p99).toBeGreaterThanOrEqual(load?.p95 ?? Infinity);
  });

  it('N1 measures polling and a status update at each number of stored messages', () => {
    expect(result.polling.map(({ rows }) => rows)).toEqual([1_000, 2_000]);
    for (const { p50, p95, fiveWorkers, statusUpdate } of result.polling)
      for (const figures of [{ p50, p95 }, fiveWorkers, statusUpdate]) {
        expect(figures.p50).toBeGreaterThan(0);
        expect(figures.p95).toBeGreaterThanOrEqual(figures.p50);
      }
  });

  it('N5 measures what the cache spares the database under the same load: nearly all of its reads', () => {
    const { hitRate, databaseReads, saved, mixedReaders, dedupMs } = result.cache;
    expect(databaseReads.without).toBeGreaterThan(0);
    expect(saved).toBe(1 - databaseReads.with / databaseReads.without);
    expect(hitRate).toBeGreaterThanOrEqual(0.7);
    expect(saved).toBeGreaterThanOrEqual(0.7);
    expect(mixedReaders.hitRate).toBeGreaterThanOrEqual(0.7);
    // Who comes late is brought up to date by the database.
    expect(mixedReaders.saved).toBeGreaterThan(0);
    expect(mixedReaders.saved).toBeLessThan(saved);
    expect(dedupMs.p95).toBeGreaterThanOrEqual(dedupMs.p50);
  });

  it('N9 sets each thing with and without side by side, and says of each hope whether it holds', () => {
    const names = result.withAndWithout.map(({ name }) => name);
    expect(names).toEqual([
      'PgBouncer: connect and query',
      'partial index: size',
      'partial index: oldest 100 that wait',
      'aggregate: messages a day',
      'GIN index: metadata',
      'upsert_message_status',
      'bulk_upsert_messages',
    ]);
    for (const { with: withIt, without, ratio, hope, holds } of result.withAndWithout) {
      expect(Math.min(withIt, without)).toBeGreaterThan(0);
      expect(ratio).toBeCloseTo(without / withIt, 9);
      expect(holds).toBe(ratio >= hope);
    }
    const table = benchTable(result);
    for (const name of names) expect(table).toContain(name);
  });

  it('N3 shows every figure in the table, and every rate in the chart', () => {
    const table = benchTable(result);
    const rates = ['fsync', 'mtproto', 'composed limit', 'this pipeline', '50 msg/s'];
    for (const name of [...rates, 'memory', 'busy with', 'polling at 2000 rows', 'status update'])
      expect(table).toContain(name);
    expect(benchChart(result).match(/<rect /g)).toHaveLength(8);
  });

  it('N3 leaves nothing in the stack, also of one that was killed: no database, no vhost, no container', async () => {
    const vhosts = (await inside('rabbitmq', 'rabbitmqctl', '--quiet', 'list_vhosts', 'name')).split('\n');
    const databases = (await rowsOf<{ name: string }>('select datname as name from pg_database')).map(
      ({ name }) => name,
    );
    const named = `name=^${TEST_PREFIX}telegram-bench`;
    const containers = await docker('ps', '-aq', '--filter', named);
    expect(databases).toContain('postgres');
    expect(vhosts).toContain('telegram');
    expect([...vhosts, ...databases].filter((name) => name.startsWith('bench'))).toEqual([]);
    expect(containers).toBe('');
  });
});
