let offsetMs = Date.now() - performance.now();

/**
 * Wall clock in milliseconds since the epoch, with a fraction. Always inside the millisecond that `Date.now()` names,
 * so that it can be compared with the clock of another process on the same machine, also after the clock was set.
 */
export function wallClockMs(): number {
  const precise = performance.now();
  const coarse = Date.now();
  const value = Math.min(Math.max(offsetMs + precise, coarse), coarse + 0.999);
  offsetMs = value - precise;
  return value;
}

/** Unix time in whole seconds, as TL dates are. */
export function unixSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}
