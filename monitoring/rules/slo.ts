import { BURN_RATES, OBJECTIVES, WINDOWS, type Objective, type Window } from '../slo.js';
import { EVALUATION_S, type Alert, type Recording, type RuleFile } from './rule.js';

const windows = Object.keys(WINDOWS) as Window[];

/** Bad samples over the samples of a whole window: a stack that has just come up does not count as a bad month. */
function availabilityRatio(window: Window): Recording {
  return {
    record: `slo:availability:error_ratio_${window}`,
    expr: `sum_over_time(slo:availability:bad[${window}]) / ${String(WINDOWS[window] / EVALUATION_S)}`,
  };
}

/** No value where nobody polls: 0 of 0 is neither good nor bad. */
function pollingRatio(window: Window): Recording {
  const metric = 'telegram_poll_duration_seconds';
  const bound = String(OBJECTIVES.polling.thresholdS);
  return {
    record: `slo:polling:error_ratio_${window}`,
    expr: `1 - sum(rate(${metric}_bucket{le="${bound}"}[${window}])) / sum(rate(${metric}_count[${window}]))`,
  };
}

function budgetLeft(objective: Objective): Recording {
  return {
    record: `slo:${objective}:budget_left_ratio`,
    expr: `1 - slo:${objective}:error_ratio_30d / ${String(OBJECTIVES[objective].budget)}`,
  };
}

function burns(objective: Objective, alert: string): Alert[] {
  const { budget, promise } = OBJECTIVES[objective];
  return BURN_RATES.map(({ long, short, rate, used, severity }) => {
    const bound = String(Number((rate * budget).toFixed(6)));
    const ratio = (window: Window) => `slo:${objective}:error_ratio_${window} > ${bound}`;
    return {
      alert,
      severity,
      expr: `${ratio(long)} and ${ratio(short)}`,
      labels: { window: long },
      summary: `Of what a month allows, ${used} went within ${long}; promised: ${promise}.`,
      dashboard: 'slo',
    };
  });
}

/** Of every account: one whose gateway does not answer tells nothing, and counts as not connected. */
const CONNECTED = 'min(telegram_connection_state{job="gateway"} or up{job="gateway"} == 0) or vector(0)';

export const slo: RuleFile = {
  recordings: [
    { record: 'slo:availability:bad', expr: `1 - (${CONNECTED})` },
    ...windows.map(availabilityRatio),
    ...windows.map(pollingRatio),
    budgetLeft('availability'),
    budgetLeft('polling'),
  ],
  error: burns('availability', 'AvailabilityBudgetBurning'),
  latency: burns('polling', 'PollingBudgetBurning'),
};
