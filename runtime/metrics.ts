import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { diskBytes } from './host-disk.js';
import { networkBytes } from './host-network.js';

/** Every metric of the runtime is declared here, once. Buckets sit on the SLO thresholds (5, 10, 15, 25, 50 ms). */
export const registry = new Registry();

const LATENCY_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];

const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
  new Counter<L>({ name, help, labelNames: [...labelNames], registers: [registry] });
/** Has no value until the process that knows it sets one: a 0 of all others would read as "not connected". */
const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) => {
  const made = new Gauge<L>({ name, help, labelNames: [...labelNames], registers: [registry] });
  if (labelNames.length === 0) made.remove();
  return made;
};
const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
  new Histogram<L>({ name, help, labelNames: [...labelNames], buckets: LATENCY_BUCKETS_S, registers: [registry] });
/** A total that the kernel counts, read anew for every scrape. */
const kernelCounter = (name: string, help: string, read: () => number) =>
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(read());
    },
  });

/** A figure of the host, read anew for every scrape. */
const hostGauge = (name: string, help: string, read: () => number) =>
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });

export const metrics = {
  received: counter('telegram_messages_received_total', 'Messages that Telegram delivered.', ['source']),
  stored: counter('telegram_messages_stored_total', 'Messages committed to the database.'),
  changes: counter('telegram_message_changes_total', 'Edits and deletions committed to the database.', ['kind']),
  published: counter('telegram_messages_published_total', 'Events that the broker confirmed.'),
  consumed: counter('telegram_messages_consumed_total', 'Events whose handler committed.', ['group', 'mode']),
  failed: counter('telegram_messages_failed_total', 'Events that failed, by the stage that gave up.', ['stage']),
  duplicates: counter('telegram_messages_duplicate_total', 'Copies recognised and dropped.', ['stage']),
  ingestLatency: histogram('telegram_ingest_latency_seconds', 'From receipt of the update to its commit.'),
  endToEndLatency: histogram('telegram_end_to_end_latency_seconds', 'From receipt of the update to its handler.'),
  pollDuration: histogram('telegram_poll_duration_seconds', 'One polling query of a consumer.', ['source']),
  queryDuration: histogram('telegram_db_query_duration_seconds', 'Database statements by name.', ['query']),
  cacheHits: counter('telegram_cache_hits_total', 'Reads answered by Redis.'),
  cacheMisses: counter('telegram_cache_misses_total', 'Reads that Redis did not hold.'),
  cacheFallbacks: counter('telegram_cache_fallbacks_total', 'Reads answered by the database because Redis failed.'),
  outboxPending: gauge('telegram_outbox_pending', 'Outbox rows not yet confirmed by the broker.'),
  outboxOldestAge: gauge('telegram_outbox_oldest_age_seconds', 'Age of the oldest unconfirmed outbox row.'),
  gapRecovered: counter('telegram_gap_recovered_total', 'Messages fetched by a difference.'),
  gapTooLong: counter('telegram_gap_too_long_total', 'Gaps that Telegram no longer keeps: read from the history.'),
  commonStandstills: counter(
    'telegram_common_box_standstills_total',
    'Times that the difference of the common box led nowhere and was passed over.',
  ),
  reconcilerRecovered: counter('telegram_reconciler_recovered_total', 'Messages that only the reconciler found.'),
  channels: gauge('telegram_channels', 'Channels of the account by what is done with them.', ['state']),
  holes: gauge('telegram_message_holes', 'Messages that exist and could not be read or stored.'),
  floodWaits: counter('telegram_flood_waits_total', 'Times that Telegram asked to wait.', ['class']),
  badRequests: counter('telegram_http_bad_requests_total', 'Packets to the health port that were no request.'),
  lastFatalExit: gauge(
    'telegram_last_fatal_exit_timestamp_seconds',
    'When an earlier gateway of this session ended for good, by what it said.',
    ['code', 'reason'],
  ),
  connectionState: gauge('telegram_connection_state', '1 connected, 0 not.'),
  credentialEpoch: gauge('telegram_credential_epoch', 'Epoch of the credentials that all connections use.'),
  queueDepth: gauge('telegram_ingress_queue_depth', 'Updates waiting in the gateway.'),
  unreadable: counter('telegram_unreadable_updates_total', 'Objects that the client library could not read.'),
  maintenance: counter('telegram_maintenance_runs_total', 'Runs of the scheduler, by task.', ['task', 'result']),
  unroutable: counter('telegram_messages_unroutable_total', 'Published events that no queue took.'),
  networkReceived: kernelCounter(
    'telegram_network_receive_bytes_total',
    'Bytes that the interfaces of the host (or container) received.',
    () => networkBytes().received,
  ),
  networkSent: kernelCounter(
    'telegram_network_transmit_bytes_total',
    'Bytes that the interfaces of the host (or container) sent.',
    () => networkBytes().sent,
  ),
  diskAvailable: hostGauge(
    'telegram_host_disk_available_bytes',
    'Room that the process has left on the file system in which it runs.',
    () => diskBytes().available,
  ),
  diskSize: hostGauge(
    'telegram_host_disk_size_bytes',
    'Size of the file system in which it runs.',
    () => diskBytes().size,
  ),
};

/** What can go wrong stands at 0 before it does: a rate that begins with the first failure would not show it. */
for (const stage of ['telegram-auth', 'commit', 'outbox', 'unhandled']) metrics.failed.inc({ stage }, 0);
for (const source of ['push', 'difference']) metrics.received.inc({ source }, 0);
for (const source of ['cache', 'database']) metrics.pollDuration.zero({ source });

/** Process metrics (CPU, memory, event loop) under the same registry. */
export function collectProcessMetrics(): void {
  collectDefaultMetrics({ register: registry });
}
