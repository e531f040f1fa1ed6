import type { RuleFile } from './rule.js';

/** For a broker of the stack's own; a managed one has its provider's. */
export const rabbitmq: RuleFile = {
  saturation: [
    {
      alert: 'BrokerHoldsBack',
      severity: 'critical',
      expr: 'max(rabbitmq_alarms_memory_used_watermark) == 1 or max(rabbitmq_alarms_free_disk_space_watermark) == 1',
      summary: 'The broker is short of memory or disk and takes nothing more; events wait in the outbox.',
      dashboard: 'rabbitmq',
    },
    {
      alert: 'MessageQueueBuilding',
      severity: 'warning',
      expr: 'sum by (queue) (rabbitmq_detailed_queue_messages_ready{queue=~"telegram[.]consumer[.].*"}) > 1000',
      for: '1m',
      summary: '{{ $value }} events wait in {{ $labels.queue }}: its handlers are slower than the channels, or gone.',
      dashboard: 'rabbitmq',
    },
  ],
};
