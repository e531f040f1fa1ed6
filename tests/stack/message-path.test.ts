import { describe, expect, it } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../ops/stack-folder.js';
import { rowsOf } from '../support/database.js';
import { connection, flawless, smoke } from '../support/test-stack.js';

/** Names in `/metrics` of a process, whether they have a value yet or not. */
async function metricNames(service: string): Promise<string[]> {
  const { host, port } = connection(service);
  const response = await fetch(`http://${host}:${String(port)}/metrics`);
  expect(response.status).toBe(200);
  return [...(await response.text()).matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);
}

describe('from Telegram to the handler', () => {
  it('R1 R3 R7 200 messages at 50/s are stored, published and consumed, none twice', () => {
    const { latencyMs, ...counts } = smoke();
    expect(counts).toEqual(flawless());
    process.stderr.write(`    N2 push to handler: ${JSON.stringify(latencyMs)}\n`);
    expect(latencyMs.p50).toBeGreaterThan(0);
    expect(latencyMs.p50).toBeLessThanOrEqual(latencyMs.p95);
    expect(latencyMs.p95).toBeLessThanOrEqual(latencyMs.p99);
  }, 180_000);

  it('R3 nothing waits in the outbox and no work is left', async () => {
    const [left] = await rowsOf(
      'select (select count(*)::int from telegram_gateway.outbox) as outbox, (select count(*)::int from telegram_gateway.message_work) as work',
    );
    expect(left).toEqual({ outbox: 0, work: 0 });
  });

  it('R11 gateway, consumer and API show every metric that is declared, with the agreed names', async () => {
    const agreed = [
      ...['received', 'stored', 'published', 'consumed', 'failed'].map((what) => `telegram_messages_${what}_total`),
      'telegram_ingest_latency_seconds',
      'telegram_end_to_end_latency_seconds',
      'telegram_poll_duration_seconds',
      'telegram_db_query_duration_seconds',
      'telegram_cache_hits_total',
      'telegram_cache_misses_total',
      'telegram_cache_fallbacks_total',
      'telegram_outbox_pending',
      'telegram_outbox_oldest_age_seconds',
      'telegram_gap_recovered_total',
      'telegram_reconciler_recovered_total',
      'telegram_connection_state',
      'process_cpu_seconds_total',
    ];
    for (const service of ['gateway', 'consumer', 'api'])
      expect({ service, names: await metricNames(service) }).toEqual({
        service,
        names: expect.arrayContaining(agreed) as unknown,
      });
    expect(await metricNames('simulator-control')).toContain('telegram_simulator_pushes_total');
  });

  it('R11 the gateway counts what passes through it', async () => {
    const { host, port } = connection('gateway');
    const text = await (await fetch(`http://${host}:${String(port)}/metrics`)).text();
    const value = (name: string) => Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
    expect(value('telegram_connection_state')).toBe(1);
    expect(value('telegram_messages_stored_total')).toBeGreaterThanOrEqual(1);
    // Edits and deletions are published too, and what an earlier process left in the outbox.
    expect(value('telegram_messages_published_total')).toBeGreaterThanOrEqual(value('telegram_messages_stored_total'));
  });

  it('Q8 every file of sql/ is applied, with its checksum', async () => {
    const files = readdirSync(join(ROOT, 'sql')).filter((name) => /^\d+_.*\.sql$/.test(name));
    const applied = await rowsOf<Record<string, unknown>>(
      'select * from telegram_gateway.schema_migrations order by name',
    );
    expect(applied.map(({ name }) => String(name).replace(/(\.sql)?$/, '.sql'))).toEqual(files.sort());
    for (const row of applied) expect(Object.keys(row).join(' ')).toMatch(/checksum|sha256/);
  });

  it('Q1 messages is a hypertable of the schema telegram_gateway', async () => {
    const found = await rowsOf<{ hypertable_name: string }>(
      "select hypertable_name from timescaledb_information.hypertables where hypertable_schema = 'telegram_gateway'",
    );
    expect(found.map(({ hypertable_name }) => hypertable_name)).toContain('messages');
  });
});
