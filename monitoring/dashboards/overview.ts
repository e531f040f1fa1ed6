import { board, graph, health, stat } from '../style.js';

const quantile = (q: string, metric: string, job: string) =>
  `histogram_quantile(${q}, sum by (le) (rate(${metric}_bucket{job="${job}"}[$__rate_interval])))`;
const rate = (metric: string, job: string) => `sum(rate(${metric}{job="${job}"}[$__rate_interval]))`;

export const overview = () =>
  board('overview', {
    'Health of each part': [
      health({
        title: 'Gateway',
        about: 'Prometheus reads its metrics.',
        queries: { 'min(up{job="gateway"})': 'up' },
        more: 'mtproto-service',
      }),
      health({
        title: 'Telegram',
        about: 'The gateway is connected to Telegram.',
        queries: { 'min(telegram_connection_state{job="gateway"})': 'connected' },
        more: 'mtproto-service',
      }),
      health({
        title: 'TimescaleDB',
        about: 'The database answers its exporter.',
        queries: { 'min(pg_up)': 'up' },
        more: 'timescaledb',
      }),
      health({
        title: 'PgBouncer',
        about: 'The pool answers its exporter.',
        queries: { 'min(pgbouncer_up)': 'up' },
        more: 'timescaledb',
      }),
      health({
        title: 'Redis',
        about: 'Exactly one master is there.',
        queries: { 'count(redis_instance_info{role="master"}) == bool 1': 'one master' },
        more: 'redis',
      }),
      health({
        title: 'Sentinels',
        about: 'They could elect a new master.',
        queries: { 'min(redis_sentinel_master_ckquorum_status)': 'quorum' },
        more: 'redis',
      }),
      health({
        title: 'RabbitMQ',
        about: 'Prometheus reads its metrics.',
        queries: { 'min(up{job="rabbitmq"})': 'up' },
        more: 'rabbitmq',
      }),
      health({
        title: 'Consumer and API',
        about: 'Prometheus reads their metrics.',
        queries: { 'min(up{job=~"consumer|api"})': 'up' },
      }),
    ],
    Messages: [
      graph({
        title: 'Message rate',
        about: 'Each stage of the path; the lines lie on each other when all is well.',
        unit: 'mps',
        width: 12,
        queries: {
          [rate('telegram_messages_received_total', 'gateway')]: 'received',
          [rate('telegram_messages_stored_total', 'gateway')]: 'stored',
          [rate('telegram_messages_published_total', 'gateway')]: 'published',
          [rate('telegram_messages_consumed_total', 'consumer')]: 'consumed',
        },
        more: 'mtproto-service',
      }),
      graph({
        title: 'End-to-end latency',
        about: 'From receipt of the update to its handler.',
        unit: 's',
        width: 12,
        queries: {
          [quantile('0.5', 'telegram_end_to_end_latency_seconds', 'consumer')]: 'p50',
          [quantile('0.95', 'telegram_end_to_end_latency_seconds', 'consumer')]: 'p95',
          [quantile('0.99', 'telegram_end_to_end_latency_seconds', 'consumer')]: 'p99',
        },
        more: 'slo',
      }),
    ],
    'Depth and errors': [
      graph({
        title: 'Queue depth',
        about: 'Events that wait at the broker, by queue, and rows that wait for it in the outbox.',
        unit: 'short',
        queries: {
          'sum by (queue) (rabbitmq_detailed_queue_messages{vhost="telegram"})': '{{queue}}',
          'sum(telegram_outbox_pending{job="gateway"})': 'outbox',
        },
        more: 'rabbitmq',
      }),
      graph({
        title: 'Error rate',
        about: 'Events that failed for good, by the stage that gave up. Zero when all is well.',
        unit: 'ops',
        queries: { 'sum by (stage) (rate(telegram_messages_failed_total[$__rate_interval]))': '{{stage}}' },
      }),
      graph({
        title: 'Ingest latency',
        about: 'From receipt of the update to its commit.',
        unit: 's',
        queries: {
          [quantile('0.5', 'telegram_ingest_latency_seconds', 'gateway')]: 'p50',
          [quantile('0.95', 'telegram_ingest_latency_seconds', 'gateway')]: 'p95',
          [quantile('0.99', 'telegram_ingest_latency_seconds', 'gateway')]: 'p99',
        },
        more: 'timescaledb',
      }),
    ],
    Host: [
      stat({
        title: 'CPU of the Docker host',
        about: 'Share in use, of all cores.',
        unit: 'percentunit',
        width: 8,
        thresholds: [0.8, 0.95],
        queries: { '1 - avg(rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))': 'in use' },
      }),
      stat({
        title: 'Memory of the Docker host',
        about: 'Share in use.',
        unit: 'percentunit',
        width: 8,
        thresholds: [0.8, 0.9],
        queries: { '1 - min(node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)': 'in use' },
      }),
      stat({
        title: 'Disk of the Docker host',
        about: 'Share in use where Docker keeps its data.',
        unit: 'percentunit',
        width: 8,
        thresholds: [0.8, 0.9],
        queries: {
          '1 - min(node_filesystem_avail_bytes{fstype!~"tmpfs|overlay"} / node_filesystem_size_bytes{fstype!~"tmpfs|overlay"})':
            'in use',
        },
      }),
    ],
  });
