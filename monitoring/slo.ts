/** What is promised, and the share that may go wrong. */
export const OBJECTIVES = {
  /** Share of time in which the gateway runs and is connected. */
  availability: { objective: 0.999, budget: 0.001, promise: 'the gateway runs and is connected 99.9 % of the time' },
  /** Share of polling queries under the threshold, which is a boundary of the histogram. */
  polling: {
    objective: 0.95,
    budget: 0.05,
    thresholdS: 0.015,
    promise: '95 % of the polling queries take under 15 ms',
  },
} as const;

export type Objective = keyof typeof OBJECTIVES;

/** Seconds of every window that is recorded. */
export const WINDOWS = {
  '5m': 300,
  '30m': 1_800,
  '1h': 3_600,
  '2h': 7_200,
  '6h': 21_600,
  '1d': 86_400,
  '3d': 259_200,
  '30d': 2_592_000,
} as const;

export type Window = keyof typeof WINDOWS;

/**
 * Multi-window burn rates: an alert wants both windows above `rate` times the budget, the long one for weight and the short
 * one so that it clears soon. `used` is the share of a month's budget that is gone by then.
 */
export const BURN_RATES = [
  { long: '1h', short: '5m', rate: 14.4, used: '2 %', severity: 'critical' },
  { long: '6h', short: '30m', rate: 6, used: '5 %', severity: 'critical' },
  { long: '1d', short: '2h', rate: 3, used: '10 %', severity: 'warning' },
  { long: '3d', short: '6h', rate: 1, used: '10 %', severity: 'warning' },
] as const;
