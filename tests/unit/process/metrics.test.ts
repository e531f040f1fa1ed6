import { describe, expect, it } from '@jest/globals';
import { networkBytes } from '../../../runtime/host-network.js';
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

  it('R11 has failures at 0 before the first one, so that its rate shows', async () => {
    expect(await registry.metrics()).toContain('telegram_messages_failed_total{stage="commit"} 0');
  });

  it('M8 counts the network of the host without loopback', () => {
    const table = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:  999       1    0    0    0     0          0         0      999       1    0    0    0     0       0          0
  eth0:  100       1    0    0    0     0          0         0      200       1    0    0    0     0       0          0
  eth1:10 1 0 0 0 0 0 0 20 1 0 0 0 0 0 0
`;
    expect(networkBytes(table)).toEqual({ received: 110, sent: 220 });
    expect(networkBytes('')).toEqual({ received: 0, sent: 0 });
  });

  it('M8 reads it anew for every scrape', async () => {
    const name = 'telegram_network_receive_bytes_total';
    const first = await value(name);
    const again = await value(name);
    expect(again).toBeGreaterThanOrEqual(first);
    expect(again).toBeLessThanOrEqual(networkBytes().received);
  });
});

async function value(name: string): Promise<number> {
  const line = (await registry.getSingleMetricAsString(name)).split('\n').find((text) => text.startsWith(`${name} `));
  return Number(line?.split(' ')[1]);
}
