import type { StackContext } from './stack-context.js';

/** A duration as Docker's provider reads it back (`90` → `1m30s`); any other form would be a change for ever. */
export function durationText(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return `${minutes > 0 ? `${String(minutes)}m` : ''}${String(seconds % 60)}s`;
}

export interface Healthcheck {
  readonly tests: string[];
  readonly interval: string;
  readonly timeout: string;
  readonly startPeriod: string;
  readonly startInterval?: string;
  readonly retries: number;
}

/**
 * Failures are forgiven for as long as `up` waits, and until the first success; from then on three in a row make a container
 * unhealthy: a service that hangs is seen within half a minute. Each probe starts a process (50 ms of CPU), so a container that
 * runs is asked seldom: every ten seconds where the engine asks a starting one more often (Docker 25), else every five.
 */
export function healthcheck(
  { probesStart }: Pick<StackContext, 'probesStart'>,
  command: readonly string[],
  waitS: number,
): Healthcheck {
  return {
    tests: ['CMD', ...command],
    interval: durationText(probesStart ? 10 : 5),
    timeout: '5s',
    startPeriod: durationText(waitS),
    ...(probesStart && { startInterval: durationText(1) }),
    retries: 3,
  };
}
