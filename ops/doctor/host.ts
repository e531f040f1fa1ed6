import { statfs } from 'node:fs/promises';
import { INSTANCE_LABEL } from '../../components/stack-context.js';
import { labelOf, type DockerFacts, type DockerHost } from '../../stack/docker-host.js';
import { MAKE_ROOM } from '../../stack/disk-room.js';
import type { RunningStack } from '../context.js';
import { versionsBelowFloor } from '../versions.js';
import { Failing, type Check } from './check.js';
import { container } from './fix.js';

/** Largest difference between the clocks of this machine and the Docker host, in seconds. */
const CLOCK_SKEW_S = 2;

/** The Node.js that everything runs on. */
export const node: Check = {
  name: 'node',
  fix: 'npm ci',
  run: () => {
    const version = process.versions.node;
    if (Number(version.split('.')[0]) < 24) throw new Failing(`Node.js ${version}, expected 24`, 'npm ci');
    return Promise.resolve(`Node.js ${version}`);
  },
};

const docker: Check = {
  name: 'docker',
  fix: 'npm run up',
  run: async ({ docker: host }) => {
    const { version, cgroupVersion } = await factsOf(host);
    return `engine ${version}, cgroup v${String(cgroupVersion)}`;
  },
};

/** `up` installs and starts what is missing on this machine; another one's engine is started there. */
async function factsOf(host: DockerHost): Promise<DockerFacts> {
  return host.facts().catch((error: unknown) => {
    const [, there = host.host] = /^ssh:\/\/(.*)$/.exec(host.host) ?? [];
    const fix = host.isLocal ? 'npm run up' : `ssh ${there} sudo systemctl start docker`;
    throw new Failing(error instanceof Error ? error.message : String(error), fix);
  });
}

interface Health {
  readonly Name: string;
  readonly State: { readonly Status: string; readonly Health?: { readonly Status: string } };
}

const containers: Check = {
  name: 'containers',
  fix: 'npm run up',
  run: async ({ docker: host, outputs }) => {
    const names = (await host.containers())
      .filter((one) => labelOf(one, INSTANCE_LABEL) === outputs.instance)
      .map(({ Names }) => Names);
    const found = names.length === 0 ? [] : (JSON.parse(await host.docker(['inspect', ...names])) as Health[]);
    const conditions = new Map(found.map(({ Name, State }) => [Name.slice(1), conditionOf(State)]));
    for (const name of outputs.containers) if (!conditions.has(name)) conditions.set(name, 'missing');
    const bad = [...conditions].filter(([, condition]) => condition !== 'healthy');
    if (bad.length === 0) return `${String(conditions.size)} running and healthy`;
    throw new Failing(bad.map(([name, condition]) => `${name} is ${condition}`).join(', '), fixOf(new Map(bad)));
  },
};

/** `healthy`, or what it is instead. */
function conditionOf({ Status, Health }: Health['State']): string {
  return Status === 'running' ? (Health?.Status ?? 'without a health check') : Status;
}

/** All of it in one line: `up` starts and makes again, and what is left is for Docker itself. */
function fixOf(bad: ReadonlyMap<string, string>): string {
  const of = (...conditions: string[]) =>
    [...bad].filter(([, condition]) => conditions.includes(condition)).map(([name]) => name);
  const paused = of('paused');
  const sick = of('unhealthy', 'without a health check');
  const starting = of('starting');
  const steps = [
    ...(paused.length > 0 ? [`docker unpause ${paused.join(' ')}`] : []),
    ...(sick.length > 0 ? [`docker restart ${sick.join(' ')}`] : []),
    ...(bad.size > paused.length + sick.length + starting.length ? ['npm run up'] : []),
  ];
  return steps.length > 0 ? steps.join(' && ') : 'npm run doctor; what starts needs a moment';
}

/**
 * What of the images is below its security floor: a warning for development, a failure for production. A production stack with such
 * a PgBouncer is up only because its owner has accepted that (`telegram:pgbouncer.acceptBelowFloor`).
 */
export const versions: Check = {
  name: 'versions',
  fix: 'npm run up',
  run: async ({ docker: host, outputs, folder }) => {
    const below = await versionsBelowFloor(host, outputs.instance);
    if (below.length === 0) return `images from ${outputs.imageSource}, nothing below its floor`;
    const refused = below.filter((line) => outputs.environment === 'production' && !line.startsWith('pgbouncer '));
    if (refused.length > 0)
      throw new Failing(
        refused.join('; '),
        `set telegram:images to upstream in ${folder.configFile}, then \`npm run up\``,
      );
    return `! ${below.join('; ')}`;
  },
};

/** Room where Docker keeps images and volumes; `floorMb` is the least before things go wrong, in MiB. */
const disk = (floorMb: number): Check => ({
  name: 'disk',
  fix: MAKE_ROOM,
  run: async (stack) => {
    const { freeMb, where } = await room(stack);
    const told = `${String(freeMb)} MiB free ${where}`;
    if (freeMb < floorMb) throw new Failing(`${told}, expected ${String(floorMb)}`, MAKE_ROOM);
    return told;
  },
});

/** On another Docker host it is asked from inside a container, whose own root is on the same disk. */
async function room(stack: RunningStack): Promise<{ freeMb: number; where: string }> {
  const { docker: host } = stack;
  const { rootDir } = await factsOf(host);
  if (host.isLocal) {
    const { bavail, bsize } = await statfs(rootDir);
    return { freeMb: Math.floor((bavail * bsize) / 2 ** 20), where: `under ${rootDir}` };
  }
  const table = await host.docker(['exec', container(stack, 'pgbouncer'), 'df', '-Pk', '/']);
  const kilobytes = Number(table.split('\n')[1]?.trim().split(/\s+/)[3]);
  return { freeMb: Math.floor(kilobytes / 1024), where: `under ${rootDir} of ${host.host}` };
}

const clock: Check = {
  name: 'clock',
  fix: 'sudo timedatectl set-ntp true',
  run: async (stack) => {
    const before = Date.now();
    const remote = Number(await stack.docker.docker(['exec', container(stack, 'pgbouncer'), 'date', '+%s']));
    const middle = (before + Date.now()) / 2000;
    // The answer is cut to the whole second, and the question took a while.
    const tolerance = CLOCK_SKEW_S + (Date.now() - before) / 2000;
    const skew = Math.abs(remote + 0.5 - middle);
    if (skew > tolerance)
      throw new Failing(`${skew.toFixed(1)} s off the Docker host`, 'sudo timedatectl set-ntp true');
    return 'agrees with the Docker host';
  },
};

/** The machine and the containers as Docker sees them. */
export const hostChecks = (diskFloorMb: number): readonly Check[] => [
  node,
  docker,
  containers,
  versions,
  disk(diskFloorMb),
  clock,
];
