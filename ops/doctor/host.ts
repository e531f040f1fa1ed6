import { statfs } from 'node:fs/promises';
import type { DockerFacts, DockerHost } from '../../stack/docker-host.js';
import { MAKE_ROOM } from '../../stack/disk-room.js';
import { sshTo } from '../../stack/published-address.js';
import type { RunningStack } from '../context.js';
import { versionsBelowFloor } from '../versions.js';
import { Failing, type Check } from './check.js';
import { ANSWER_MS, containers, startEngine } from './containers.js';
import { container } from './fix.js';

/** Largest difference between the clocks of this machine and the Docker host, in seconds. */
const CLOCK_SKEW_S = 2;
const SET_CLOCK = 'sudo timedatectl set-ntp true';

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
  run: async (stack) => {
    const told = await Promise.all(
      sitesOf(stack).map(async ({ name, docker: host }) => {
        const { version, cgroupVersion } = await factsOf(host);
        return `${name && `${name}: `}engine ${version}, cgroup v${String(cgroupVersion)}`;
      }),
    );
    return told.join('; ');
  },
};

async function factsOf(host: DockerHost): Promise<DockerFacts> {
  return host.facts(ANSWER_MS).catch((error: unknown) => {
    throw new Failing(error instanceof Error ? error.message : String(error), startEngine(host));
  });
}

/**
 * What of the images is below its security floor: a warning for development, a failure for production. A production stack with such
 * a PgBouncer is up only because its owner has accepted that (`telegram:pgbouncer.acceptBelowFloor`).
 */
export const versions: Check = {
  name: 'versions',
  fix: 'npm run up',
  run: async ({ hosts, outputs, folder }) => {
    const below = await versionsBelowFloor(hosts, outputs.instance);
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

/** A Docker host of the stack, and a container there that can be asked about it. */
interface AskedSite {
  /** Empty is the home host. */
  readonly name: string;
  readonly docker: DockerHost;
  readonly container: string;
}

/** Parts whose images have a shell's tools, the lightest first. */
const ASKED = ['pgbouncer', 'redis-master', 'rabbitmq', 'timescaledb', 'gateway-api'];

function sitesOf(stack: RunningStack): AskedSite[] {
  const names = ['', ...(stack.outputs.further ?? []).map(({ name }) => name)];
  return stack.hosts.all.map((host, n) => {
    const there = ASKED.map((part) => container(stack, part)).find(
      (name) => stack.hosts.at(name) === host && stack.outputs.containers.includes(name),
    );
    return { name: names[n] ?? '', docker: host, container: there ?? container(stack, 'gateway-api') };
  });
}

/** Room where Docker keeps images and volumes; `floorMb` is the least before things go wrong, in MiB. */
const disk = (floorMb: number): Check => ({
  name: 'disk',
  fix: MAKE_ROOM,
  run: async (stack) => {
    const rooms = await Promise.all(sitesOf(stack).map(room));
    const told = rooms.map(({ freeMb, where }) => `${String(freeMb)} MiB free ${where}`).join('; ');
    const full = rooms.filter(({ freeMb }) => freeMb < floorMb);
    if (full.length > 0)
      throw new Failing(
        `${told}, expected ${String(floorMb)}`,
        full.map(({ docker }) => makeRoomOn(docker)).join(' && '),
      );
    return told;
  },
});

/** `MAKE_ROOM` as it is typed for one Docker host. */
export const makeRoomOn = (docker: Pick<DockerHost, 'typed'>) => MAKE_ROOM.replaceAll('docker ', docker.typed(''));

/** What sets the clock of a Docker host's machine. */
export function setClockOn(docker: DockerHost): string {
  const there = sshTo(docker.host);
  const where = there ? [...there.command, there.login] : [];
  const command = [...where, SET_CLOCK].join(' ');
  return there || docker.isOwn ? command : `${command} (on the machine of ${docker.host})`;
}

interface Room {
  readonly docker: DockerHost;
  readonly freeMb: number;
  readonly where: string;
}

/** On another machine it is asked from inside a container, whose own root is on the same disk. */
async function room({ name, docker: host, container: asked }: AskedSite): Promise<Room> {
  const { rootDir } = await factsOf(host);
  if (host.isLocal) {
    const { bavail, bsize } = await statfs(rootDir);
    const where = `under ${rootDir}${name && ` of ${name}`}`;
    return { docker: host, freeMb: Math.floor((bavail * bsize) / 2 ** 20), where };
  }
  const table = await host.docker(['exec', asked, 'df', '-Pk', '/']);
  const kilobytes = Number(table.split('\n')[1]?.trim().split(/\s+/)[3]);
  return { docker: host, freeMb: Math.floor(kilobytes / 1024), where: `under ${rootDir} of ${host.host}` };
}

const clock: Check = {
  name: 'clock',
  fix: SET_CLOCK,
  run: async (stack) => {
    const sites = sitesOf(stack);
    await Promise.all(sites.map(agree));
    return sites.length === 1 ? 'agrees with the Docker host' : 'agrees with every Docker host';
  },
};

async function agree({ name, docker: host, container: asked }: AskedSite): Promise<void> {
  const before = Date.now();
  const remote = Number(await host.docker(['exec', asked, 'date', '+%s']));
  const middle = (before + Date.now()) / 2000;
  // The answer is cut to the whole second, and the question took a while.
  const tolerance = CLOCK_SKEW_S + (Date.now() - before) / 2000;
  const skew = Math.abs(remote + 0.5 - middle);
  if (skew > tolerance)
    throw new Failing(`${skew.toFixed(1)} s off the Docker host${name && ` ${name}`}`, setClockOn(host));
}

/** The machine and the containers as Docker sees them. */
export const hostChecks = (diskFloorMb: number): readonly Check[] => [
  node,
  docker,
  containers,
  versions,
  disk(diskFloorMb),
  clock,
];
