import { board, graph, health, stat, table } from '../style.js';

export const mtprotoService = () =>
  board('mtproto-service', {
    State: [
      health({
        title: 'Process',
        about: 'Prometheus reads its metrics.',
        width: 6,
        queries: { 'min(up{job="gateway"})': 'up' },
      }),
      health({
        title: 'Connection state',
        about: 'Connected to Telegram.',
        width: 6,
        queries: { 'min(telegram_connection_state{job="gateway"})': 'connected' },
      }),
      stat({
        title: 'Running for',
        about: 'Since the process started.',
        unit: 's',
        width: 6,
        queries: { 'time() - max(process_start_time_seconds{job="gateway"})': 'age' },
      }),
      stat({
        title: 'Waiting in the gateway',
        about: 'Updates received and not yet committed.',
        unit: 'short',
        width: 6,
        thresholds: [100, 1000],
        queries: { 'sum(telegram_ingress_queue_depth{job="gateway"})': 'updates' },
      }),
    ],
    Reception: [
      graph({
        title: 'Reception rate',
        about: 'Messages by how they came: pushed, or fetched after a gap.',
        unit: 'mps',
        queries: {
          'sum by (source) (rate(telegram_messages_received_total{job="gateway"}[$__rate_interval]))': '{{source}}',
        },
      }),
      graph({
        title: 'Connection over time',
        about: '1 connected, 0 not.',
        unit: 'none',
        max: 1,
        queries: { 'min by (account) (telegram_connection_state{job="gateway"})': '{{account}}' },
      }),
      graph({
        title: 'Gaps',
        about:
          'Messages that a difference or the reconciler brought, gaps too long for Telegram, and objects that could not be read.',
        unit: 'ops',
        queries: {
          'sum(rate(telegram_gap_recovered_total{job="gateway"}[$__rate_interval]))': 'recovered',
          'sum(rate(telegram_reconciler_recovered_total{job="gateway"}[$__rate_interval]))': 'found by the reconciler',
          'sum(rate(telegram_gap_too_long_total{job="gateway"}[$__rate_interval]))': 'too long',
          'sum(rate(telegram_unreadable_updates_total{job="gateway"}[$__rate_interval]))': 'unreadable',
        },
      }),
    ],
    Channels: [
      table({
        title: 'Channels that need a look',
        about: 'Every channel that is not well: paused, left, gone, failing, recovering or behind. Empty when all is well.',
        sql: `select coalesce(title, channel_id::text) as channel, health, last_posted_at, silent_seconds as silent,
  backfill_left as "history to read", pending, failed, unreadable
from telegram_gateway.channel_health_summary where health <> 'ok' order by health, channel limit 100`,
        units: { silent: 's' },
      }),
    ],
    'What the unit uses': [
      graph({
        title: 'CPU',
        about: 'Cores in use.',
        unit: 'short',
        queries: {
          'sum by (account) (rate(process_cpu_seconds_total{job="gateway"}[$__rate_interval]))': '{{account}}',
        },
      }),
      graph({
        title: 'RAM',
        about: 'Resident memory of the process, and of it the heap.',
        unit: 'bytes',
        queries: {
          'sum by (account) (process_resident_memory_bytes{job="gateway"})': '{{account}} resident',
          'sum by (account) (nodejs_heap_size_used_bytes{job="gateway"})': '{{account}} heap',
        },
      }),
      graph({
        title: 'Network I/O',
        about: 'All interfaces of the gateway’s host but loopback.',
        unit: 'Bps',
        queries: {
          'sum by (account) (rate(telegram_network_receive_bytes_total{job="gateway"}[$__rate_interval]))':
            '{{account}} received',
          'sum by (account) (rate(telegram_network_transmit_bytes_total{job="gateway"}[$__rate_interval]))':
            '{{account}} sent',
        },
      }),
      graph({
        title: 'Event loop lag',
        about: 'How late the process gets to its work (p99); a blocked loop delays everything.',
        unit: 's',
        width: 12,
        queries: { 'max by (account) (nodejs_eventloop_lag_p99_seconds{job="gateway"})': '{{account}}' },
      }),
      graph({
        title: 'Open files',
        about: 'Sockets included, and the limit of the unit.',
        unit: 'none',
        width: 12,
        queries: {
          'sum by (account) (process_open_fds{job="gateway"})': '{{account}}',
          'min(process_max_fds{job="gateway"})': 'limit',
        },
      }),
    ],
  });
