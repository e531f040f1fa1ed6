import { statfs } from 'node:fs/promises';
import { INSTANCE_LABEL } from '../../components/stack-context.js';
import { labelOf } from '../../stack/docker-host.js';
import { versionsBelowFloor } from '../versions.js';
import { Failing, type Check } from './check.js';

/** Least free disk before things go wrong, in MiB. */
const DISK_FLOOR_MB = 1_024;
/** Largest difference between the clocks of this machine and the database, in seconds. */
const CLOCK_SKEW_S = 2;

const node: Check = {
  name: 'node',
  fix: 'npm run up',
  run: async () => {
    const major = Number(process.versions.node.split('.')[0]);
    if (major < 24) throw new Failing(`Node.js ${process.versions.node}, expected 24`, 'npm ci');
    return Promise.resolve(`Node.js ${process.versions.node}`);
  },
};

const docker: Check = {
  name: 'docker',
  fix: 'sudo systemctl start docker (or `sudo dockerd`)',
  run: async ({ docker: host }) => {
    const { version, cgroupVersion } = await host.facts();
    return `engine ${version}, cgroup v${String(cgroupVersion)}`;
  },
};

const containers: Check = {
  name: 'containers',
  fix: 'npm run up',
  run: async ({ docker: host, outputs }) => {
    const mine = (await host.containers()).filter((one) => labelOf(one, INSTANCE_LABEL) === outputs.instance);
    const states = new Map(mine.map(({ Names, State }) => [Names, State]));
    const missing = outputs.containers.filter((name) => !states.has(name));
    if (missing.length > 0) throw new Failing(`missing: ${missing.join(', ')}`, 'npm run up');
    const down = [...states].filter(([, state]) => state !== 'running').map(([name, state]) => `${name} is ${state}`);
    if (down.length > 0) throw new Failing(down.join(', '), 'npm run up');
    const health = await host.docker(['inspect', '--format', '{{.Name}} {{.State.Health.Status}}', ...states.keys()]);
    const sick = health.split('\n').filter((line) => !line.endsWith(' healthy'));
    if (sick.length > 0) throw new Failing(sick.map((line) => line.replace('/', '')).join(', '), 'npm run logs');
    return `${String(states.size)} running and healthy`;
  },
};

const versions: Check = {
  name: 'versions',
  fix: 'npm run up',
  run: async ({ docker: host, outputs }) => {
    const below = await versionsBelowFloor(host, outputs.instance);
    if (below.length === 0) return `images from ${outputs.imageSource}, nothing below its floor`;
    if (outputs.environment === 'production')
      throw new Failing(below.join('; '), 'set telegram:images to upstream, then `npm run up`');
    return `! ${below.join('; ')}`;
  },
};

const disk: Check = {
  name: 'disk',
  fix: 'docker system prune',
  run: async ({ docker: host }) => {
    if (!host.isLocal) return 'not checked on a remote Docker host';
    const { rootDir } = await host.facts();
    const { bavail, bsize } = await statfs(rootDir);
    const freeMb = Math.floor((bavail * bsize) / 2 ** 20);
    if (freeMb < DISK_FLOOR_MB) throw new Failing(`${String(freeMb)} MiB free under ${rootDir}`, 'docker system prune');
    return `${String(freeMb)} MiB free under ${rootDir}`;
  },
};

const clock: Check = {
  name: 'clock',
  fix: 'timedatectl set-ntp true',
  run: async ({ docker: host, outputs }) => {
    const before = Date.now();
    const name = `${outputs.namePrefix}telegram-pgbouncer`;
    const remote = Number(await host.docker(['exec', name, 'date', '+%s']));
    const middle = (before + Date.now()) / 2000;
    const skew = Math.abs(remote + 0.5 - middle);
    if (skew > CLOCK_SKEW_S) throw new Failing(`${skew.toFixed(1)} s off the Docker host`, 'timedatectl set-ntp true');
    return 'agrees with the Docker host';
  },
};

/** The machine and the containers as Docker sees them. */
export const hostChecks: readonly Check[] = [node, docker, containers, versions, disk, clock];
