import type { RuleFile } from './rule.js';

export const gateway: RuleFile = {
  error: [
    {
      alert: 'TelegramGatewayDown',
      severity: 'critical',
      expr: 'up{job="gateway"} == 0 or absent(up{job="gateway"})',
      for: '30s',
      summary: 'The gateway {{ $labels.instance }} does not answer: nothing is received.',
      dashboard: 'mtproto-service',
    },
    {
      alert: 'TelegramDisconnected',
      severity: 'warning',
      expr: 'telegram_connection_state{job="gateway"} == 0',
      for: '2m',
      summary: 'The gateway {{ $labels.instance }} runs, but is not connected to Telegram.',
      dashboard: 'mtproto-service',
    },
    {
      alert: 'GapRecovered',
      severity: 'info',
      expr: 'sum by (instance) (increase(telegram_gap_recovered_total{job="gateway"}[10m])) > 0',
      summary: 'The gateway fetched {{ $value | printf "%.0f" }} messages that Telegram had not pushed.',
      dashboard: 'mtproto-service',
    },
    {
      alert: 'GapTooLong',
      severity: 'warning',
      expr: 'sum by (instance) (increase(telegram_gap_too_long_total{job="gateway"}[10m])) > 0',
      summary:
        'Telegram no longer keeps a gap of {{ $labels.instance }}: its messages come from the history, edits and deletions in it may be lost.',
      dashboard: 'mtproto-service',
    },
  ],
  saturation: [
    {
      alert: 'OutboxAgeHigh',
      severity: 'warning',
      expr: 'max(telegram_outbox_oldest_age_seconds{job="gateway"}) > 5',
      for: '30s',
      summary: 'The oldest event has waited {{ $value | humanizeDuration }} for the broker to confirm it.',
      dashboard: 'rabbitmq',
    },
  ],
  traffic: [
    {
      alert: 'TelegramGatewaySilent',
      severity: 'warning',
      // Silent counts only where on average more than one message in 15 minutes came over the last day.
      expr: 'sum(increase(telegram_messages_received_total{job="gateway"}[15m])) == 0 and sum(increase(telegram_messages_received_total{job="gateway"}[1d])) > 96',
      for: '1m',
      summary: 'No message has come for 15 minutes, although the channels are busy on other days.',
      dashboard: 'mtproto-service',
    },
  ],
};
