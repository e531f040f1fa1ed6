import type { RuleFile } from './rule.js';

const REAL = '{fstype!~"tmpfs|overlay"}';
/** Label of the figures of a further Docker host: its name in `dockerHosts`; the home host's have none. */
const HOST = 'docker_host';
/** Of each Docker host and of the gateway's, which may be another machine; all accounts are on one. */
const DISK_LEFT = `min by (${HOST}) (node_filesystem_avail_bytes${REAL} / node_filesystem_size_bytes${REAL})`;
const NAMED = `The Docker host{{ with $labels.${HOST} }} {{ . }}{{ end }}`;
const GATEWAY_DISK_LEFT =
  'min by (instance) (telegram_host_disk_available_bytes{job="gateway",account="default"} / telegram_host_disk_size_bytes{job="gateway",account="default"})';

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
      // On a full disk no sample is kept, not even of the failure: what tells is that its own samples end.
      expr: 'sum(increase(prometheus_rule_evaluation_failures_total[5m])) > 0 or absent_over_time(prometheus_build_info[2m])',
      summary:
        'Prometheus cannot evaluate its rules or keep its samples: alerts may be missing, and others fire for want of samples.',
      dashboard: 'overview',
    },
    {
      alert: 'AlertsNotDelivered',
      severity: 'warning',
      // Counted at each try: one that is given up was tried for a minute.
      expr: 'sum(increase(alertmanager_notification_requests_failed_total[5m])) > 0',
      summary: 'The webhook does not take what Alertmanager posts: of what fires nobody is told.',
      dashboard: 'overview',
    },
  ],
  saturation: [
    {
      alert: 'DiskSpaceLow',
      severity: 'warning',
      // Where the gateway's is the home host it is told once.
      expr: `${DISK_LEFT} < 0.1 or on (${HOST}) ${GATEWAY_DISK_LEFT} < 0.1`,
      for: '5m',
      summary: `{{ with $labels.instance }}The host of gateway {{ . }}{{ else }}${NAMED}{{ end }} has {{ $value | humanizePercentage }} of its disk left.`,
      dashboard: 'overview',
    },
    {
      alert: 'HighMemoryUsage',
      severity: 'warning',
      expr: `min by (${HOST}) (node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes) < 0.1`,
      for: '5m',
      summary: `${NAMED} has {{ $value | humanizePercentage }} of its memory left.`,
      dashboard: 'overview',
    },
  ],
};
