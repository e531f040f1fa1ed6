import { OBJECTIVES } from '../slo.js';
import type { RuleFile } from './rule.js';

const HITS = 'sum(rate(telegram_cache_hits_total[10m]))';
const MISSES = 'sum(rate(telegram_cache_misses_total[10m]))';

/** What the runtime itself and its tables tell, whosever the engines are. */
export const runtime: RuleFile = {
  error: [
    {
      alert: 'UnroutableMessages',
      severity: 'critical',
      expr: 'sum(increase(telegram_messages_unroutable_total[5m])) > 0',
      summary: 'No queue took {{ $value | printf "%.0f" }} events: the topology is broken. They stay in the outbox.',
      dashboard: 'rabbitmq',
    },
    {
      alert: 'DeadLetters',
      severity: 'warning',
      // A group that polls has no letters, only its work rows; the letters are asked where no row can be.
      expr: 'sum by (group) (telegram_db_work_failed) > 0 or on () sum(rabbitmq_detailed_queue_messages{queue="telegram.messages.dlq"}) > 0',
      for: '1m',
      summary: '{{ $value }} events{{ with $labels.group }} of group {{ . }}{{ end }} failed all of their tries.',
      dashboard: 'rabbitmq',
    },
  ],
  latency: [
    {
      alert: 'HighPollingLag',
      severity: 'critical',
      // Each source by itself: many quick looks into the cache would hide a slow database.
      expr: `histogram_quantile(0.95, sum by (le, source) (rate(telegram_poll_duration_seconds_bucket[5m]))) > ${String(OBJECTIVES.polling.thresholdS)}`,
      for: '5m',
      summary:
        'Polling queries of the {{ $labels.source }} take {{ $value | humanizeDuration }} (p95); promised are 15 ms.',
      dashboard: 'slo',
    },
  ],
  saturation: [
    {
      alert: 'WorkWaiting',
      severity: 'warning',
      expr: 'max by (group) (telegram_db_work_oldest_pending_seconds) > 60',
      for: '5m',
      summary:
        'The oldest event for group {{ $labels.group }} has waited {{ $value | humanizeDuration }}: its handlers are slower than the channels, or gone.',
      dashboard: 'rabbitmq',
    },
    {
      alert: 'LowCacheHitRate',
      severity: 'warning',
      // Of the product's own reads: the keyspace ratio counts each new message as a miss of the duplicate hint.
      expr: `${HITS} / (${HITS} + ${MISSES}) < 0.7 and ${HITS} + ${MISSES} > 0.5`,
      for: '10m',
      summary: 'Redis answers {{ $value | humanizePercentage }} of the reads; 70 % are wanted.',
      dashboard: 'redis',
    },
  ],
};
