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

/** How long a container that was well is left alone, in seconds. */
const QUIET_S = 20;
/** Bound of one probe, in seconds; most bound themselves more tightly. */
const PROBE_S = 10;
/** When the last probe succeeded. Gone with each start of the container, and writable for everybody in it. */
const WELL = '/dev/shm/healthy';

/**
 * Sleeps where the last probe has just succeeded, then probes. After a pause nothing has: Docker calls a paused container unhealthy
 * until the next success. Every failure becomes a 1: PostgreSQL, which inherits the probe of an engine that gave up waiting, takes
 * other codes for a crash of its own. No `timeout`, which leaves a process behind each time where it is BusyBox's.
 */
const PATIENT = [
  `last=$(cat ${WELL} 2>/dev/null)`,
  `if [ $(($(date +%s) - \${last:-0})) -lt 5 ]; then rm ${WELL}; sleep ${String(QUIET_S)}; fi`,
  `("$@" || exit 1) || exit 1`,
  `date +%s >${WELL}`,
].join('; ');

/**
 * Failures are forgiven for as long as `up` waits, and until the first success; from then on three in a row make a container
 * unhealthy: a service that hangs is seen within forty seconds.
 *
 * Each probe costs the engine some 100 ms of CPU on both sides of a `docker exec`, which messages on their way would wait for. So
 * a starting or failing container is asked every second, and one that is well every twenty: its probe begins by sleeping. Docker's own
 * way to that, a start interval, is only in 25 and newer, and asks a container that fails no more often than one that is well.
 */
export function healthcheck(
  { probesStart }: Pick<StackContext, 'probesStart'>,
  command: readonly string[],
  waitS: number,
): Healthcheck {
  return {
    tests: ['CMD', 'sh', '-c', PATIENT, 'sh', ...command],
    interval: durationText(1),
    timeout: durationText(QUIET_S + PROBE_S),
    startPeriod: durationText(waitS),
    // Unsaid, Docker 25 and newer would ask a starting container every five seconds; older ones refuse it.
    ...(probesStart && { startInterval: durationText(1) }),
    retries: 3,
  };
}
