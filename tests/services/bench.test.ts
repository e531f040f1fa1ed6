import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { benchChart, benchTable } from '../../bench/rates/report.js';
import { runBench, type BenchResult } from '../../bench/rates/run.js';
import { TestBroker, TestDatabase, connectRedis, silent, waitFor } from '../support/services.js';

/** The figures are the machine's; what is tested is that each is measured, and of what. */
describe('bench', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let result: BenchResult;
  const redis = connectRedis();

  beforeAll(async () => {
    [database, broker] = await Promise.all([TestDatabase.migrated(), TestBroker.create()]);
    await waitFor('Redis', () => Promise.resolve(redis.status === 'ready'));
    const engines = { database: database.database, broker: broker.options(), redis, logger: silent, pooler: null };
    const size = {
      ...{ messages: 400, naiveMessages: 20, polling: [1_000, 2_000], load: [{ rate: 50, seconds: 1 }] },
      ...{ cacheLoad: { rate: 50, seconds: 5 }, comparedRows: 20_000 },
    };
    result = await runBench(engines, size, () => undefined);
  }, 180_000);
  afterAll(async () => {
    redis.disconnect();
    await database.drop();
    await broker.remove();
  });

  it('N3 measures every leg alone, the naive pipeline and this one, and how they compare', () => {
    const { raw, composed, naive, pipeline, ratioToComposed, ratioToNaive, cpuMicrosPerMessage } = result;
    expect(Object.keys(raw)).toEqual(['mtproto', 'insert', 'queue', 'consumerCommit', 'cache']);
    for (const rate of [...Object.values(raw), composed, naive, pipeline, ...Object.values(cpuMicrosPerMessage)])
      expect(rate).toBeGreaterThan(0);
    expect(composed).toBeLessThan(Math.min(...Object.values(raw)));
    expect(1 / composed).toBeCloseTo(
      Object.values(raw).reduce((sum, rate) => sum + 1 / rate, 0),
      9,
    );
    expect([ratioToComposed, ratioToNaive]).toEqual([pipeline / composed, pipeline / naive]);
  });

  it('N2 measures latency at a given rate, of every message', () => {
    const [load] = result.latencyMs;
    expect(load).toMatchObject({ rate: 50, seconds: 1 });
    expect(load?.p50).toBeGreaterThan(0);
    expect(load?.p99).toBeGreaterThanOrEqual(load?.p95 ?? Infinity);
  });

  it('N1 measures polling at each number of stored messages', async () => {
    expect(result.polling.map(({ rows }) => rows)).toEqual([1_000, 2_000]);
    for (const { p50, p95 } of result.polling) expect(p95).toBeGreaterThanOrEqual(p50);
    expect(await database.count('messages')).toBeGreaterThanOrEqual(2_000);
  });

  it('N5 measures what the cache spares the database under the same load: nearly all of its reads', () => {
    const { hitRate, databaseReads, saved, dedupMs } = result.cache;
    expect(databaseReads.without).toBeGreaterThan(0);
    expect(saved).toBe(1 - databaseReads.with / databaseReads.without);
    expect(hitRate).toBeGreaterThanOrEqual(0.7);
    expect(saved).toBeGreaterThanOrEqual(0.7);
    expect(dedupMs.p95).toBeGreaterThanOrEqual(dedupMs.p50);
  });

  it('N9 sets each thing with and without side by side, and says of each hope whether it holds', () => {
    const names = result.withAndWithout.map(({ name }) => name);
    expect(names).toEqual([
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
    for (const name of ['fsync', 'mtproto', 'composed limit', 'this pipeline', 'polling at 2000 rows', '50 msg/s'])
      expect(table).toContain(name);
    expect(benchChart(result).match(/<rect /g)).toHaveLength(8);
  });
});
