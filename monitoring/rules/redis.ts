import type { RuleFile } from './rule.js';

/** For a Redis of the stack's own; a managed one has its provider's. */
export const redis: RuleFile = {
  error: [
    {
      alert: 'RedisClusterDown',
      severity: 'critical',
      // A bare count is empty, not 0, when nothing matches; without its exporter nothing is known (ScrapeTargetDown).
      expr: '((count(redis_instance_info{job="redis",role="master"}) or vector(0)) != 1 and on () max(up{job="redis"}) == 1) or min(redis_sentinel_master_ckquorum_status) == 0',
      for: '30s',
      summary: 'Redis has no master, more than one, or no quorum of Sentinels: the database answers in its place.',
      dashboard: 'redis',
    },
    {
      alert: 'RedisReplicaMissing',
      severity: 'warning',
      expr: 'max(redis_connected_slaves{job="redis"}) < 1',
      for: '1m',
      summary: 'The Redis master has no replica: its failure would have nobody to take over.',
      dashboard: 'redis',
    },
    {
      alert: 'SentinelDown',
      severity: 'warning',
      expr: 'redis_up{job="sentinel"} == 0',
      for: '1m',
      summary: 'The Sentinel {{ $labels.instance }} does not answer: one more, and no failover finds a majority.',
      dashboard: 'redis',
    },
  ],
  latency: [
    {
      alert: 'RedisReplicationLag',
      severity: 'warning',
      expr: 'max(redis_master_repl_offset{job="redis"} and on (instance) redis_instance_info{role="master"}) - min(redis_connected_slave_offset_bytes{job="redis"}) > 1e6',
      for: '1m',
      summary: 'The replica is {{ $value | humanize1024 }}B behind its master.',
      dashboard: 'redis',
    },
  ],
};
