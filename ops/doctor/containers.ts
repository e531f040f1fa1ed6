import type { DockerHost } from '../../stack/docker-host.js';
import { sshTo } from '../../stack/published-address.js';
import type { RunningStack } from '../context.js';
import { containersOn } from '../docker-hosts.js';
import { Failing, type Check } from './check.js';

interface Health {
  readonly Name: string;
  readonly State: { readonly Status: string; readonly Health?: { readonly Status: string } };
}

/** Longest that a Docker engine may take to answer, in milliseconds: less than a whole check may. */
export const ANSWER_MS = 10_000;

/** What is said of containers whose Docker host does not answer. */
const AWAY = 'out of reach';

/** Every container of the stack, on whichever Docker host it is to be. */
export const containers: Check = {
  name: 'containers',
  fix: 'npm run up',
  run: async (stack) => {
    const { hosts, outputs } = stack;
    const conditions = new Map<string, string>();
    const seen = await Promise.all(
      hosts.all.map(async (docker) => ({
        docker,
        found: (await answers(docker)) ? await conditionsOn(docker, outputs.instance) : null,
      })),
    );
    for (const { docker, found } of seen) {
      const expected = outputs.containers.filter((name) => hosts.at(name) === docker);
      for (const [name, condition] of found ?? []) conditions.set(name, condition);
      for (const name of expected) if (!conditions.has(name)) conditions.set(name, found === null ? AWAY : 'missing');
    }
    const bad = [...conditions].filter(([, condition]) => condition !== 'healthy');
    if (bad.length === 0) return `${String(conditions.size)} running and healthy`;
    throw new Failing(bad.map(([name, condition]) => `${name} is ${condition}`).join(', '), fixOf(stack, new Map(bad)));
  },
};

async function answers(docker: DockerHost): Promise<boolean> {
  return docker.facts(ANSWER_MS).then(
    () => true,
    () => false,
  );
}

async function conditionsOn(docker: DockerHost, instance: string): Promise<Map<string, string>> {
  const names = (await containersOn(docker, instance)).map(({ Names }) => Names);
  const found = names.length === 0 ? [] : (JSON.parse(await docker.docker(['inspect', ...names])) as Health[]);
  return new Map(found.map(({ Name, State }) => [Name.slice(1), conditionOf(State)]));
}

/** `healthy`, or what it is instead. */
function conditionOf({ Status, Health }: Health['State']): string {
  return Status === 'running' ? (Health?.Status ?? 'without a health check') : Status;
}

/** All of it in one line: `up` starts and makes again, and what is left is for Docker itself. */
function fixOf({ hosts }: Pick<RunningStack, 'hosts'>, bad: ReadonlyMap<string, string>): string {
  const of = (...conditions: string[]) =>
    [...bad].filter(([, condition]) => conditions.includes(condition)).map(([name]) => name);
  const paused = of('paused');
  const sick = of('unhealthy', 'without a health check');
  const starting = of('starting');
  const away = of(AWAY);
  const steps = [
    ...[...new Set(away.map((name) => hosts.at(name)))].map(startEngine),
    ...hosts.all.flatMap((docker) => {
      const here = (names: readonly string[]) => names.filter((name) => hosts.at(name) === docker);
      return [...onOne(here(paused), 'unpause', hosts), ...onOne(here(sick), 'restart', hosts)];
    }),
    ...(bad.size > paused.length + sick.length + starting.length + away.length ? ['npm run up'] : []),
  ];
  return steps.length > 0 ? steps.join(' && ') : 'npm run doctor; what starts needs a moment';
}

/** One command for containers of one Docker host. */
function onOne(names: readonly string[], verb: string, hosts: RunningStack['hosts']): string[] {
  const [first] = names;
  return first === undefined ? [] : [hosts.typed(first, `${verb} ${names.join(' ')}`)];
}

/** The command that starts the engine of a Docker host; `up` installs and starts what is missing on this machine. */
export function startEngine(docker: DockerHost): string {
  const there = sshTo(docker.host);
  if (there) return [...there.command, there.login, 'sudo systemctl start docker'].join(' ');
  return docker.isOwn ? 'npm run up' : `start the Docker engine at ${docker.host}`;
}
