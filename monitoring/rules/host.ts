import type { RuleFile } from './rule.js';

const AVAILABLE = 'node_filesystem_avail_bytes{fstype!~"tmpfs|overlay"}';
const SIZE = 'node_filesystem_size_bytes{fstype!~"tmpfs|overlay"}';

export const host: RuleFile = {
  error: [
    {
      alert: 'ScrapeTargetDown',
      severity: 'warning',
      expr: 'up{job!="gateway"} == 0',
      for: '1m',
      summary: '{{ $labels.job }} ({{ $labels.instance }}) does not answer Prometheus.',
      dashboard: 'overview',
    },
    {
      alert: 'PrometheusFailing',
      severity: 'warning',
      expr: 'sum(increase(prometheus_rule_evaluation_failures_total[5m])) > 0 or sum(increase(prometheus_tsdb_wal_writes_failed_total[5m])) > 0',
      summary: 'Prometheus cannot evaluate its rules or write its samples: alerts may be missing.',
      dashboard: 'overview',
    },
  ],
  saturation: [
    {
      alert: 'DiskSpaceLow',
      severity: 'warning',
      expr: `min(${AVAILABLE} / ${SIZE}) < 0.1`,
      for: '5m',
      summary: 'The Docker host has {{ $value | humanizePercentage }} of its disk left.',
      dashboard: 'overview',
    },
    {
      alert: 'HighMemoryUsage',
      severity: 'warning',
      expr: 'min(node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes) < 0.1',
      for: '5m',
      summary: 'The Docker host has {{ $value | humanizePercentage }} of its memory left.',
      dashboard: 'overview',
    },
  ],
};
