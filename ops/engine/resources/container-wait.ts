import { setTimeout as delay } from 'node:timers/promises';
import type Docker from 'dockerode';
import { StepError } from '../errors.js';
import type { ContainerInputs } from './container-schema.js';
import type { Context } from './handler.js';

const POLL_MS = 250;
/** As in Pulumi's provider. */
const DEFAULT_WAIT_S = 60;
const LAST_LINES = 20;
/** Restarts after which a container will not come up by itself: Docker has paused for six seconds in between by then. */
const MOST_RESTARTS = 6;

/**
 * Waits until the container is healthy (`wait`) or at least runs. As in Pulumi's provider an `unhealthy` container may still
 * recover until the time is up; one that has exited for good, or ends again at every start, fails at once.
 */
export async function waitUntilReady(
  context: Context,
  container: Docker.Container,
  inputs: ContainerInputs,
): Promise<void> {
  if (inputs.start === false) return;
  const seconds = inputs.waitTimeout ?? DEFAULT_WAIT_S;
  const deadline = Date.now() + seconds * 1000;
  let restartsBefore: number | undefined;
  for (;;) {
    context.signal.throwIfAborted();
    const found = await container.inspect();
    restartsBefore ??= found.RestartCount;
    const health = found.State.Health?.Status;
    if (hasEnded(found) && inputs.mustRun !== false) {
      throw new StepError(
        `exited with code ${String(found.State.ExitCode)}${errorOf(found)}`,
        await lastWords(container, found),
      );
    }
    if (found.RestartCount - restartsBefore >= MOST_RESTARTS) {
      throw new StepError(
        `keeps restarting, exit code ${String(found.State.ExitCode)}${errorOf(found)}`,
        await lastWords(container, found),
      );
    }
    if (inputs.wait !== true) return;
    if (health === undefined || health === 'none') {
      throw new StepError('wait is set, but neither the program nor the image has a health check');
    }
    if (health === 'healthy') return;
    if (Date.now() > deadline) {
      throw new StepError(`${health} after ${String(seconds)} s (waitTimeout)`, await lastWords(container, found));
    }
    await delay(POLL_MS, undefined, { signal: context.signal });
  }
}

function hasEnded(found: Docker.ContainerInspectInfo): boolean {
  return ['exited', 'dead'].includes(found.State.Status) && !found.State.Restarting;
}

function errorOf(found: Docker.ContainerInspectInfo): string {
  if (found.State.OOMKilled) return ', out of memory';
  return found.State.Error === '' ? '' : `: ${found.State.Error}`;
}

/** The end of the log and what the last health check said: usually all that is needed to see what is wrong. */
async function lastWords(container: Docker.Container, found: Docker.ContainerInspectInfo): Promise<string[]> {
  const logs = await container
    .logs({ stdout: true, stderr: true, tail: LAST_LINES, follow: false })
    .catch((error: unknown) => Buffer.from(`(no log: ${String(error)})`));
  const text = found.Config.Tty ? logs.toString('utf8') : withoutFrames(logs);
  const lines = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-LAST_LINES);
  const check = found.State.Health?.Log.at(-1)?.Output.trim();
  return [
    ...lines.map((line) => `log: ${line.trimEnd()}`),
    ...(check === undefined || check === '' ? [] : [`health check: ${check}`]),
  ];
}

/** Without a terminal each piece of a log has a header of 8 bytes: stream, three zeros, length. */
function withoutFrames(logs: Buffer): string {
  const pieces: Buffer[] = [];
  for (let at = 0; at + 8 <= logs.length;) {
    const length = logs.readUInt32BE(at + 4);
    pieces.push(logs.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(pieces).toString('utf8');
}
