import { board, graph, heatmap, table } from '../style.js';

export const timescaledb = () =>
  board('timescaledb', {
    Latency: [
      heatmap({
        title: 'Query latency',
        about: 'Statements of the runtime by how long they took, as the runtime saw it: pool and network included.',
        unit: 's',
        queries: { 'sum by (le) (rate(telegram_db_query_duration_seconds_bucket[$__rate_interval]))': '{{le}}' },
      }),
      graph({
        title: 'Query latency p95 by statement',
        about: 'The runtime’s own statements by name.',
        unit: 's',
        queries: {
          'histogram_quantile(0.95, sum by (le, query) (rate(telegram_db_query_duration_seconds_bucket[$__rate_interval])))':
            '{{query}}',
        },
      }),
      graph({
        title: 'Mean time by statement',
        about: 'The database’s own view (pg_stat_statements) of the statements that cost most.',
        unit: 's',
        queries: {
          'topk(10, sum by (statement) (rate(telegram_db_statement_seconds_total[$__rate_interval])) / sum by (statement) (rate(telegram_db_statement_calls_total[$__rate_interval])))':
            '{{statement}}',
        },
      }),
    ],
    Pool: [
      graph({
        title: 'Connections of the pool',
        about:
          'Server connections that work or idle, and clients that wait for one. Waiting clients mean a pool too small or statements too slow.',
        unit: 'short',
        queries: {
          'sum(pgbouncer_pools_server_active_connections)': 'server, active',
          'sum(pgbouncer_pools_server_idle_connections)': 'server, idle',
          'sum(pgbouncer_pools_client_active_connections)': 'client, active',
          'sum(pgbouncer_pools_client_waiting_connections)': 'client, waiting',
        },
      }),
      graph({
        title: 'Longest wait for a connection',
        about: 'By database entry of the pool; refused after 10 s.',
        unit: 's',
        thresholds: [1, 5],
        queries: { 'max by (database) (pgbouncer_pools_client_maxwait_seconds)': '{{database}}' },
      }),
      graph({
        title: 'Connections by state',
        about: 'At the database itself.',
        unit: 'short',
        queries: {
          'sum by (state) (pg_stat_activity_count{datname="telegram_gateway"})': '{{state}}',
          'min(pg_settings_max_connections)': 'limit',
        },
      }),
    ],
    Work: [
      graph({
        title: 'Cache hit rate',
        about: 'Share of block reads that the shared buffers answered.',
        unit: 'percentunit',
        max: 1,
        queries: {
          'sum(rate(pg_stat_database_blks_hit{datname="telegram_gateway"}[$__rate_interval])) / (sum(rate(pg_stat_database_blks_hit{datname="telegram_gateway"}[$__rate_interval])) + sum(rate(pg_stat_database_blks_read{datname="telegram_gateway"}[$__rate_interval])))':
            'hits',
        },
      }),
      graph({
        title: 'Lock waits',
        about: 'Sessions that wait for a lock, and how long the oldest has waited.',
        unit: 'short',
        queries: {
          'max(telegram_db_lock_waits_sessions)': 'sessions',
          'max(telegram_db_lock_waits_oldest_seconds)': 'oldest, seconds',
        },
      }),
      graph({
        title: 'Transactions',
        about: 'Commits and rollbacks per second.',
        unit: 'ops',
        queries: {
          'sum(rate(pg_stat_database_xact_commit{datname="telegram_gateway"}[$__rate_interval]))': 'commits',
          'sum(rate(pg_stat_database_xact_rollback{datname="telegram_gateway"}[$__rate_interval]))': 'rollbacks',
          'sum(rate(pg_stat_database_deadlocks{datname="telegram_gateway"}[$__rate_interval]))': 'deadlocks',
        },
      }),
    ],
    Size: [
      graph({
        title: 'Table sizes',
        about: 'Rows and their overflow; a hypertable with all of its chunks.',
        unit: 'bytes',
        width: 12,
        queries: { 'max by (relation) (telegram_db_relation_table_bytes)': '{{relation}}' },
      }),
      graph({
        title: 'Index sizes',
        about: 'All indexes of a table; a hypertable with all of its chunks.',
        unit: 'bytes',
        width: 12,
        queries: { 'max by (relation) (telegram_db_relation_index_bytes)': '{{relation}}' },
      }),
      table({
        title: 'Messages by day',
        about: 'From the daily aggregate: how much was kept, and of how many channels.',
        width: 12,
        sql: `select bucket::date::text as day, sum(messages)::bigint as messages, count(distinct channel_id) as channels,
  sum(media_messages)::bigint as media
from telegram_gateway.messages_daily where bucket > now() - interval '30 days' group by 1 order by 1 desc`,
      }),
      table({
        title: 'Busiest channels',
        about: 'Of the last 24 hours, from the hourly aggregate.',
        width: 12,
        sql: `select coalesce(c.title, h.channel_id::text) as channel, sum(h.messages)::bigint as messages,
  sum(h.media_messages)::bigint as media
from telegram_gateway.messages_hourly h left join telegram_gateway.channels c using (channel_id)
where h.bucket > now() - interval '1 day' group by 1 order by 2 desc limit 20`,
      }),
    ],
  });
