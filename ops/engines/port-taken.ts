import { UserError } from '../../stack/errors.js';
import type { DockerHost } from '../../stack/docker-host.js';
import { portHolder } from '../../stack/port-holder.js';
import { publishes } from '../../stack/preflight.js';
import { remoteName, sshTo } from '../../stack/published-address.js';

/** What engines from 20.10 to 29 say, with the port behind the address. */
const WORDS = [
  /Bind for (?:\[[^\]]*\]|[\d.]+):(\d+) failed: port is already allocated/,
  /bind host port (?:for )?(?:\[[^\]]*\]|[\d.]+):(\d+)\S*: address already in use/,
  /listen tcp\d? (?:\[[^\]]*\]|[\d.]+):(\d+): bind: address already in use/,
] as const;

/** The host port that a container could not have; undefined where the text is of something else. */
export function takenPort(text: string): number | undefined {
  const [found] = WORDS.flatMap((words) => words.exec(text)?.[1] ?? []);
  return found === undefined ? undefined : Number(found);
}

/**
 * A port that somebody took after the preflight, or that the preflight could not see, as on a Docker host behind SSH: which one,
 * who holds it and the command that frees it. Any other error as it is.
 */
export async function withPortHolder(error: unknown, dockers: readonly DockerHost[]): Promise<unknown> {
  if (!(error instanceof Error)) return error;
  const details = 'details' in error && Array.isArray(error.details) ? error.details.map(String) : [];
  const lines = [error.message, ...details].flatMap((text) => text.split('\n'));
  const text = lines.find((line) => takenPort(line) !== undefined)?.trim() ?? '';
  const port = takenPort(text);
  if (port === undefined) return error;
  const { who, stop } = await holder(port, dockers);
  return new UserError('PORT_TAKEN', `port ${String(port)} is in use by ${who}`, {
    cause: error,
    why: text,
    fix: `Free it with \`${stop}\`, or choose another port in the stack file; then run the same command again.`,
  });
}

async function holder(
  port: number,
  dockers: readonly DockerHost[],
): Promise<{ readonly who: string; readonly stop: string }> {
  const [docker, ...further] = dockers;
  // Of several, the address in the engine's words tells which it is; the same port may be held by the stack's own elsewhere.
  if (!docker || further.length > 0)
    return { who: 'somebody on the Docker host that has this address', stop: `sudo fuser -k ${String(port)}/tcp` };
  const containers = await docker.containers().catch(() => []);
  const found = containers.find(({ Ports, State }) => State === 'running' && publishes(Ports, port));
  if (found) return { who: `container ${found.Names}`, stop: docker.typed(`stop ${found.Names}`) };
  if (docker.isLocal) return portHolder(port);
  const there = remoteName(docker.host) ?? docker.host;
  const { command, login } = sshTo(docker.host) ?? { command: ['ssh'], login: there };
  return { who: `a process of ${there}`, stop: [...command, login, `sudo fuser -k ${String(port)}/tcp`].join(' ') };
}
