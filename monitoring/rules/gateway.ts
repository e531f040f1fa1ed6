import type { RuleFile } from './rule.js';

/** Each account has one; without any series there is nothing to name. */
const GATEWAY =
  'The gateway{{ with $labels.account }} of account {{ . }}{{ end }}{{ with $labels.instance }} ({{ . }}){{ end }}';

export const gateway: RuleFile = {
  error: [
    {
      alert: 'TelegramGatewayDown',
      severity: 'critical',
      expr: 'up{job="gateway"} == 0 or absent(up{job="gateway"})',
      for: '30s',
      summary: `${GATEWAY} does not answer: nothing is received.`,
      dashboard: 'mtproto-service',
    },
    {
      alert: 'TelegramDisconnected',
      severity: 'warning',
      expr: 'telegram_connection_state{job="gateway"} == 0',
      for: '2m',
      summary: `${GATEWAY} runs, but is not connected to Telegram.`,
      dashboard: 'mtproto-service',
    },
    {
      alert: 'GapRecovered',
      severity: 'info',
      expr: 'sum by (account, instance) (increase(telegram_gap_recovered_total{job="gateway"}[10m])) > 0',
      summary: `${GATEWAY} fetched {{ $value | printf "%.0f" }} messages that Telegram had not pushed.`,
      dashboard: 'mtproto-service',
    },
    {
      alert: 'GapTooLong',
      severity: 'warning',
      expr: 'sum by (account, instance) (increase(telegram_gap_too_long_total{job="gateway"}[10m])) > 0',
      summary:
        'Telegram no longer keeps a gap of account {{ $labels.account }}: its messages come from the history, edits and deletions in it may be lost.',
      dashboard: 'mtproto-service',
    },
  ],
  saturation: [
    {
      alert: 'OutboxAgeHigh',
      severity: 'warning',
      expr: 'max by (account) (telegram_outbox_oldest_age_seconds{job="gateway"}) > 5',
      for: '30s',
      summary:
        'The oldest event of account {{ $labels.account }} has waited {{ $value | humanizeDuration }} for the broker to confirm it.',
      dashboard: 'rabbitmq',
    },
  ],
  traffic: [
    {
      alert: 'TelegramGatewaySilent',
      severity: 'warning',
      // Silent counts only where on average more than one message in 15 minutes came over the last day.
      expr: 'sum by (account) (increase(telegram_messages_received_total{job="gateway"}[15m])) == 0 and sum by (account) (increase(telegram_messages_received_total{job="gateway"}[1d])) > 96',
      for: '1m',
      summary:
        'No message has come for account {{ $labels.account }} for 15 minutes, although its channels are busy on other days.',
      dashboard: 'mtproto-service',
    },
  ],
};
