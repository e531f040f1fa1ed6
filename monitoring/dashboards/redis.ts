import { board, graph, stat } from '../style.js';

export const redis = () =>
  board('redis', {
    State: [
      stat({
        title: 'Masters',
        about: 'Exactly one, always.',
        unit: 'none',
        width: 6,
        thresholds: [1, 0],
        queries: { 'count(redis_instance_info{role="master"})': 'masters' },
      }),
      stat({
        title: 'Replicas of the master',
        about: 'One; without it a failure of the master has nobody to take over.',
        unit: 'none',
        width: 6,
        thresholds: [1, 0],
        queries: { 'max(redis_connected_slaves)': 'replicas' },
      }),
      stat({
        title: 'Sentinels that agree',
        about: 'A majority is needed for a failover.',
        unit: 'none',
        width: 6,
        thresholds: [2, 1],
        queries: { 'min(redis_sentinel_master_ok_sentinels)': 'Sentinels' },
      }),
      stat({
        title: 'Hit rate of the product',
        about: 'Reads of messages that Redis answered.',
        unit: 'percentunit',
        width: 6,
        thresholds: [0.7, 0.5],
        queries: {
          'sum(rate(telegram_cache_hits_total[$__rate_interval])) / (sum(rate(telegram_cache_hits_total[$__rate_interval])) + sum(rate(telegram_cache_misses_total[$__rate_interval])))':
            'hits',
        },
      }),
    ],
    Reads: [
      graph({
        title: 'Hits and misses',
        about:
          'Reads of the product, answered by Redis or not, and those that the database answered because Redis was away.',
        unit: 'ops',
        queries: {
          'sum(rate(telegram_cache_hits_total[$__rate_interval]))': 'hits',
          'sum(rate(telegram_cache_misses_total[$__rate_interval]))': 'misses',
          'sum(rate(telegram_cache_fallbacks_total[$__rate_interval]))': 'fallbacks',
        },
      }),
      graph({
        title: 'Keyspace hits and misses',
        about: 'As Redis counts them. Each new message is a miss of the duplicate hint, so this ratio is no hit rate.',
        unit: 'ops',
        queries: {
          'sum by (instance) (rate(redis_keyspace_hits_total[$__rate_interval]))': '{{instance}} hits',
          'sum by (instance) (rate(redis_keyspace_misses_total[$__rate_interval]))': '{{instance}} misses',
        },
      }),
      graph({
        title: 'Commands',
        about: 'By node; a replica repeats the writes of its master.',
        unit: 'ops',
        queries: {
          'sum by (instance) (rate(redis_commands_processed_total{job="redis"}[$__rate_interval]))': '{{instance}}',
        },
      }),
    ],
    Memory: [
      graph({
        title: 'Memory',
        about: 'In use, and the cap above which the least recently used keys go.',
        unit: 'bytes',
        queries: {
          'max by (instance) (redis_memory_used_bytes{job="redis"})': '{{instance}}',
          'min(redis_memory_max_bytes{job="redis"})': 'cap',
        },
      }),
      graph({
        title: 'Evictions',
        about: 'Keys that went because memory was short, and those whose life was over.',
        unit: 'ops',
        queries: {
          'sum by (instance) (rate(redis_evicted_keys_total{job="redis"}[$__rate_interval]))': '{{instance}} evicted',
          'sum by (instance) (rate(redis_expired_keys_total{job="redis"}[$__rate_interval]))': '{{instance}} expired',
        },
      }),
      graph({
        title: 'Keys',
        about: 'Hot copies, duplicate hints and the lists of recent messages.',
        unit: 'short',
        queries: { 'sum by (instance) (redis_db_keys{job="redis"})': '{{instance}}' },
      }),
    ],
    Replication: [
      graph({
        title: 'Replication lag',
        about: 'Bytes that the replica has not confirmed yet.',
        unit: 'bytes',
        width: 12,
        queries: {
          'max(redis_master_repl_offset and on (instance) redis_instance_info{role="master"}) - min(redis_connected_slave_offset_bytes)':
            'behind',
        },
      }),
      graph({
        title: 'Replication lag in time',
        about: 'Since the replica was last heard of; Redis counts whole seconds.',
        unit: 's',
        width: 12,
        thresholds: [2, 5],
        queries: { 'max(redis_connected_slave_lag_seconds)': 'since last word' },
      }),
    ],
  });
