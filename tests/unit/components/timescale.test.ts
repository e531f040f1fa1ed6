import { describe, expect, it } from '@jest/globals';
import { memoryPlan, pgHbaConf, postgresqlConf } from '../../../components/timescale/render.js';

const PRODUCT = { cpus: 2, memoryMb: 2048, maxConnections: 60 };
const SMALL = { cpus: 1, memoryMb: 768, maxConnections: 60 };

describe('memoryPlan', () => {
  it('D1 spends 2 GB', () => {
    expect(memoryPlan(PRODUCT)).toEqual({
      sharedBuffersMb: 512,
      effectiveCacheMb: 1228,
      workMemKb: 8738,
      maintenanceMb: 128,
      shmMb: 256,
    });
  });

  it('D1 keeps buffers, sorts of every connection and maintenance together within the limit', () => {
    for (const memoryMb of [768, 1024, 2048, 4096, 16_384]) {
      for (const maxConnections of [20, 60, 100]) {
        const plan = memoryPlan({ cpus: 2, memoryMb, maxConnections });
        const sorts = (plan.workMemKb * maxConnections) / 1024;
        expect(plan.sharedBuffersMb + sorts + 3 * plan.maintenanceMb).toBeLessThanOrEqual(memoryMb * 0.75);
      }
    }
  });

  it('D1 keeps every value usable at the ends', () => {
    expect(memoryPlan({ cpus: 1, memoryMb: 256, maxConnections: 200 })).toMatchObject({
      workMemKb: 1024,
      maintenanceMb: 32,
      shmMb: 64,
    });
    expect(memoryPlan({ cpus: 8, memoryMb: 65_536, maxConnections: 60 })).toMatchObject({
      workMemKb: 32_768,
      maintenanceMb: 512,
      shmMb: 1024,
    });
  });
});

describe('postgresqlConf', () => {
  it('D1 is computed from the limits', () => {
    expect(settings(postgresqlConf(SMALL))).toMatchObject({
      max_connections: '60',
      shared_buffers: '192MB',
      effective_cache_size: '460MB',
      work_mem: '3276kB',
      maintenance_work_mem: '48MB',
      max_worker_processes: '12',
      max_parallel_workers: '1',
      max_parallel_workers_per_gather: '0',
    });
    expect(settings(postgresqlConf(PRODUCT))).toMatchObject({
      max_worker_processes: '13',
      max_parallel_workers: '2',
      max_parallel_workers_per_gather: '1',
      max_wal_size: '2048MB',
    });
  });

  it('D1 answers a commit only when it is on disk', () => {
    expect(settings(postgresqlConf(PRODUCT))).toMatchObject({
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
    });
  });

  it('D1 preloads TimescaleDB first and pg_stat_statements, keeps texts out of the log and telemetry off', () => {
    expect(settings(postgresqlConf(PRODUCT))).toMatchObject({
      shared_preload_libraries: "'timescaledb,pg_stat_statements'",
      'timescaledb.telemetry_level': 'off',
      password_encryption: "'scram-sha-256'",
      timezone: "'UTC'",
      log_parameter_max_length: '0',
      log_parameter_max_length_on_error: '0',
      logging_collector: 'off',
    });
  });

  it('D11 sets nothing that only one edition knows', () => {
    const names = Object.keys(settings(postgresqlConf(PRODUCT))).filter((name) => name.startsWith('timescaledb.'));
    expect(names).toEqual(['timescaledb.max_background_workers', 'timescaledb.telemetry_level']);
  });

  it('D1 names no setting twice', () => {
    const names = [...postgresqlConf(PRODUCT).matchAll(/^([a-z_.]+) = /gm)].map(([, name]) => name);
    expect(names).toEqual([...new Set(names)]);
  });
});

describe('pgHbaConf', () => {
  it("D1 lets nobody in without a password, and nobody from outside the stack's network", () => {
    expect(pgHbaConf(['172.28.40.0/24'])).toBe(`# Rendered by components/timescale. The first line that fits decides.
# TYPE  DATABASE  USER  ADDRESS             METHOD
local   all       all                       reject
host    all       all   127.0.0.1/32        scram-sha-256
host    all       all   172.28.40.0/24      scram-sha-256
host    all       all   all                 reject
`);
  });
});

/** Settings of a configuration file by name. */
function settings(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => line.split(/ = (.*)/s).slice(0, 2) as [string, string]));
}
