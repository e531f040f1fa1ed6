import { board, graph, stat, table } from '../style.js';

const perQueue = (metric: string) => `sum by (queue) (rabbitmq_detailed_queue_${metric}{vhost="telegram"})`;
const rate = (name: string) => `sum(rate(rabbitmq_global_messages_${name}[$__rate_interval]))`;

export const rabbitmq = () =>
  board('rabbitmq', {
    State: [
      stat({
        title: 'Waiting for handlers',
        about: 'Ready events in the queues of consumer groups.',
        unit: 'short',
        width: 6,
        thresholds: [100, 1000],
        queries: { 'sum(rabbitmq_detailed_queue_messages_ready{queue=~"telegram[.]consumer[.].*"})': 'ready' },
      }),
      stat({
        title: 'Dead letters',
        about: 'Events that failed all of their tries. Zero when all is well.',
        unit: 'short',
        width: 6,
        thresholds: [1, 10],
        queries: { 'sum(rabbitmq_detailed_queue_messages{queue="telegram.messages.dlq"})': 'dead' },
      }),
      stat({
        title: 'Consumers of all groups',
        about: 'Channels that take events.',
        unit: 'none',
        width: 6,
        queries: { 'sum(rabbitmq_detailed_queue_consumers{queue=~"telegram[.]consumer[.].*"})': 'consumers' },
      }),
      stat({
        title: 'Oldest row of the outbox',
        about: 'How long the broker has owed a confirmation.',
        unit: 's',
        width: 6,
        thresholds: [5, 30],
        queries: { 'max(telegram_outbox_oldest_age_seconds{job="gateway"})': 'age' },
      }),
    ],
    Queues: [
      graph({
        title: 'Ready',
        about: 'Events that no consumer has taken yet.',
        unit: 'short',
        queries: { [perQueue('messages_ready')]: '{{queue}}' },
      }),
      graph({
        title: 'Unacknowledged',
        about: 'Events that a consumer has taken and not finished.',
        unit: 'short',
        queries: { [perQueue('messages_unacked')]: '{{queue}}' },
      }),
      graph({
        title: 'Queue depth',
        about: 'Ready and unacknowledged together.',
        unit: 'short',
        queries: { [perQueue('messages')]: '{{queue}}' },
      }),
    ],
    Flow: [
      graph({
        title: 'Publish rate',
        about: 'What publishers sent, and what the broker confirmed.',
        unit: 'mps',
        queries: {
          [rate('received_total')]: 'received',
          [rate('confirmed_total')]: 'confirmed',
          [rate('unroutable_returned_total')]: 'returned: no queue took it',
        },
      }),
      graph({
        title: 'Deliver rate',
        about: 'What consumers were given, gave back and finished.',
        unit: 'mps',
        queries: {
          [rate('delivered_total')]: 'delivered',
          [rate('redelivered_total')]: 'redelivered',
          [rate('acknowledged_total')]: 'acknowledged',
        },
      }),
      graph({
        title: 'Consumers',
        about: 'By queue.',
        unit: 'none',
        queries: { [perQueue('consumers')]: '{{queue}}' },
      }),
    ],
    Groups: [
      graph({
        title: 'Work by group',
        about: 'Events that each group has yet to handle, whichever way it gets them, and those that it gave up.',
        unit: 'short',
        queries: {
          'max by (group) (telegram_db_work_pending)': '{{group}} waiting',
          'max by (group) (telegram_db_work_failed)': '{{group}} given up',
        },
      }),
      table({
        title: 'Consumer groups',
        about: 'What each group has yet to do, and what it did in the last five minutes.',
        width: 16,
        sql: `select group_name as "group", mode, active, pending, processing, failed, oldest_pending_seconds as oldest,
  processed_per_second as "per second", last_processed_at as "last processed"
from telegram_gateway.message_processing_stats order by 1`,
        units: { oldest: 's' },
      }),
    ],
    Broker: [
      graph({
        title: 'Memory',
        about: 'At the limit publishers are held back.',
        unit: 'bytes',
        queries: {
          'max(rabbitmq_process_resident_memory_bytes)': 'resident',
          'min(rabbitmq_resident_memory_limit_bytes)': 'limit',
        },
      }),
      graph({
        title: 'Disk',
        about: 'Free space; below the limit publishers are held back.',
        unit: 'bytes',
        queries: {
          'min(rabbitmq_disk_space_available_bytes)': 'free',
          'max(rabbitmq_disk_space_available_limit_bytes)': 'limit',
        },
      }),
      graph({
        title: 'Connections and channels',
        about: 'To the broker, by all users.',
        unit: 'none',
        queries: { 'sum(rabbitmq_connections)': 'connections', 'sum(rabbitmq_channels)': 'channels' },
      }),
    ],
  });
