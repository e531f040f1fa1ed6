import { describe, expect, it } from '@jest/globals';
import { metrics, registry } from '../../../runtime/metrics.js';

describe('metrics', () => {
  it('R11 names every metric of the contract on every process', async () => {
    const text = await registry.metrics();
    for (const name of [
      'telegram_messages_received_total',
      'telegram_messages_stored_total',
      'telegram_messages_published_total',
      'telegram_messages_consumed_total',
      'telegram_messages_failed_total',
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
    ])
      expect(text).toContain(`# TYPE ${name} `);
  });

  it('R11 has buckets on the thresholds of the SLOs', async () => {
    metrics.ingestLatency.observe(0.001);
    const text = await registry.metrics();
    for (const le of ['0.005', '0.01', '0.015', '0.025', '0.05'])
      expect(text).toContain(`telegram_ingest_latency_seconds_bucket{le="${le}"}`);
  });

  it('R11 gives a state only where it is known: a process without Telegram is not a lost connection', async () => {
    expect(await registry.metrics()).not.toMatch(/^telegram_connection_state /m);
    metrics.connectionState.set(0);
    expect(await registry.metrics()).toMatch(/^telegram_connection_state 0$/m);
  });
});
