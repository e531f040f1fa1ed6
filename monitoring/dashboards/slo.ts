import { OBJECTIVES } from '../slo.js';
import { board, graph, stat, timeline } from '../style.js';

const { availability, polling } = OBJECTIVES;

export const slo = () =>
  board('slo', {
    'Last 30 days': [
      stat({
        title: 'Availability',
        about: 'Share of time in which the gateway ran and was connected. Promised: 99.9 %.',
        unit: 'percentunit',
        width: 6,
        thresholds: [availability.objective, 0.99],
        queries: { '1 - slo:availability:error_ratio_30d': 'available' },
      }),
      stat({
        title: 'Error budget left',
        about: 'Of the 43 minutes a month that 99.9 % allows; below zero the promise is broken.',
        unit: 'percentunit',
        width: 6,
        thresholds: [0.25, 0],
        queries: { 'slo:availability:budget_left_ratio': 'left' },
      }),
      stat({
        title: 'Polls in time',
        about: 'Share of polling queries under 15 ms. Promised: 95 %. No value where nobody polls.',
        unit: 'percentunit',
        width: 6,
        thresholds: [polling.objective, 0.9],
        queries: { '1 - slo:polling:error_ratio_30d': 'in time' },
      }),
      stat({
        title: 'Polling budget left',
        about: 'Of the 5 % of polls that may be slower.',
        unit: 'percentunit',
        width: 6,
        thresholds: [0.25, 0],
        queries: { 'slo:polling:budget_left_ratio': 'left' },
      }),
    ],
    'How fast the budget goes': [
      graph({
        title: 'Availability: burn rate',
        about: '1 uses the budget up in exactly 30 days; a page comes at 14.4 over an hour and at 6 over six.',
        unit: 'none',
        width: 12,
        queries: Object.fromEntries(
          ['1h', '6h', '1d', '3d'].map((window) => [
            `slo:availability:error_ratio_${window} / ${String(availability.budget)}`,
            window,
          ]),
        ),
      }),
      graph({
        title: 'Polling latency',
        about: 'One polling query as the consumer sees it. Promised: p95 under 15 ms.',
        unit: 's',
        width: 12,
        thresholds: [0.015, 0.05],
        queries: Object.fromEntries(
          ['0.5', '0.95', '0.99'].map((q) => [
            `histogram_quantile(${q}, sum by (le) (rate(telegram_poll_duration_seconds_bucket[$__rate_interval])))`,
            `p${String(Number(q) * 100)}`,
          ]),
        ),
      }),
    ],
    Incidents: [
      timeline({
        title: 'Incidents timeline',
        about: 'Every alert while it fired.',
        unit: 'none',
        queries: { 'max by (alertname, severity) (ALERTS{alertstate="firing"})': '{{alertname}} ({{severity}})' },
      }),
    ],
  });
