import type { DockerHost } from '../../stack/docker-host.js';
import { UserError } from '../../stack/errors.js';
import { containersOn } from '../docker-hosts.js';

/** Lines of each log that are shown. */
const LAST_LINES = 20;

interface State {
  readonly Name: string;
  readonly State: {
    readonly Status: string;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    readonly Health?: { readonly Status: string; readonly Log: readonly { readonly Output: string }[] | null };
  };
}

/**
 * The end of the log of every container of the stack that is not well, and what its health check said: the Pulumi CLI tells
 * only that it waited in vain.
 */
export async function lastWords(docker: DockerHost, instance: string): Promise<string[]> {
  const names = (await containersOn(docker, instance)).map(({ Names }) => Names);
  if (names.length === 0) return [];
  const states = JSON.parse(await docker.docker(['inspect', ...names])) as State[];
  const sick = states.filter(({ State: { Status, Health } }) => Status !== 'running' || Health?.Status !== 'healthy');
  return (await Promise.all(sick.map(async (one) => wordsOf(docker, one)))).flat();
}

/** The error of a run that failed, with those lines of every Docker host below it; any other error as it is. */
export async function withLastWords(error: Error, hosts: readonly DockerHost[], instance: string): Promise<Error> {
  if (!(error instanceof UserError) || error.code !== 'RESOURCE_FAILED') return error;
  const words = await Promise.all(hosts.map(async (docker) => lastWords(docker, instance).catch(() => [])));
  return new UserError('RESOURCE_FAILED', error.message, { details: [...error.details, ...words.flat()] });
}

async function wordsOf(docker: DockerHost, { Name, State }: State): Promise<string[]> {
  const name = Name.slice(1);
  const log = await docker.output(['logs', '--tail', String(LAST_LINES), name]).catch(() => '');
  const lines = log.split('\n').filter((line) => line.trim() !== '');
  const check = State.Health?.Log?.at(-1)?.Output.trim();
  return [
    `${name} is ${condition(State)}`,
    ...lines.slice(-LAST_LINES).map((line) => `  log: ${line.trimEnd()}`),
    ...(check ? [`  health check: ${check}`] : []),
  ];
}

function condition({ Status, ExitCode, OOMKilled, Health }: State['State']): string {
  if (OOMKilled) return `${Status}: it ran out of memory`;
  if (Status === 'running') return Health?.Status ?? 'running';
  return `${Status} (exit code ${String(ExitCode)})`;
}
