import { setTimeout as delay } from 'node:timers/promises';
import { createServer } from 'node:net';
import { statfsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { INSTANCE_LABEL } from '../components/stack-context.js';
import type { StackConfig } from './config-schema.js';
import { diskRoom } from './disk-room.js';
import { epochProgress } from './epoch-progress.js';
import { labelOf, type DockerContainer, type DockerFacts, type DockerHost, type DockerNetwork } from './docker-host.js';
import { UserError } from './errors.js';
import { foreignVolumes, misplaced, movedSubnet, renamed, subnetKey } from './preflight-names.js';
import { portHolder } from './port-holder.js';
import { containersOn, portsOn } from './ports.js';
import { refusedStep } from './rotation.js';
import { siteName, type Site } from './sites.js';
import { memoryOn } from './sizes.js';
import { overlaps } from './subnets.js';

/** Least Docker engine: `cpus`, cgroup namespaces and `ip_range` as used here. */
export const DOCKER_FLOOR = [20, 10] as const;

/** How long the engine may take between giving a port to a container and listing it so: three seconds. */
const STARTING_TRIES = 15;
const STARTING_PAUSE_MS = 200;

export interface PreflightInput {
  readonly config: StackConfig;
  readonly instance: string;
  /** Which of the stack's Docker hosts it is. */
  readonly site: Site;
  readonly host: DockerHost;
  readonly facts: DockerFacts;
  readonly containers: readonly DockerContainer[];
}

/** Looks at everything that would make `up` fail halfway, on every Docker host, and reports all of it at once, before anything is touched. */
export async function preflight(inputs: readonly PreflightInput[]): Promise<void> {
  const found = await Promise.all(inputs.map(problemsOn));
  const problems = [...sameEngine(inputs), ...found.flat()];
  if (problems.length === 0) return;
  const lines = problems.map((line) => `  - ${line}`).join('\n');
  throw new UserError('PREFLIGHT', `${String(problems.length)} thing(s) stand in the way\n${lines}`);
}

/** Two names for one engine: the second network and the containers of both would meet there. */
export function sameEngine(inputs: readonly Pick<PreflightInput, 'site' | 'facts'>[]): string[] {
  return inputs.flatMap(({ site, facts }, n) => {
    const other = inputs.slice(0, n).find((one) => one.facts.id !== '' && one.facts.id === facts.id);
    return other ? [`telegram:dockerHosts.${site.on}.host: the same Docker engine as ${siteName(other.site.on)}`] : [];
  });
}

/** On a further host each line says where, and each command goes there. */
async function problemsOn(input: PreflightInput): Promise<string[]> {
  const { on, host } = input.site;
  const networks = await input.host.networks();
  const volumes = await input.host.volumes();
  const problems = [
    ...dockerVersion(input.facts),
    ...disk(input),
    ...memory(input),
    ...names(input),
    ...networkName(input, networks),
    ...subnets(input, networks),
    ...foreignVolumes(input, volumes),
    ...renamed(input, networks, volumes),
    ...movedSubnet(input, networks),
    ...misplaced(input, volumes),
    ...(await ports(input)),
    // The record of the rotations is on the home host.
    ...(on === '' ? await credentialEpoch(input) : []),
  ];
  return on === ''
    ? problems
    : problems.map((line) => `on ${on}: ${line.replace(/(`|&& )docker /g, `$1docker -H ${host} `)}`);
}

export function dockerVersion({ version }: Pick<DockerFacts, 'version'>): string[] {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const [floorMajor, floorMinor] = DOCKER_FLOOR;
  if (major > floorMajor || (major === floorMajor && minor >= floorMinor)) return [];
  return [
    `Docker: expected ${DOCKER_FLOOR.join('.')} or newer, found ${version}; install docker.io or Docker's own package`,
  ];
}

function disk({ host, facts, instance, containers }: PreflightInput): string[] {
  if (!host.isLocal) return [];
  const { bavail, bsize } = statfsSync(facts.rootDir);
  const stands = containers.some((container) => labelOf(container, INSTANCE_LABEL) === instance);
  return diskRoom(facts.rootDir, Math.floor((bavail * bsize) / 2 ** 20), stands);
}

function memory({ config, site, facts }: PreflightInput): string[] {
  const wanted = memoryOn(config, site.on);
  if (wanted <= facts.memoryMb) return [];
  return [
    `memory: the containers' limits add up to ${String(wanted)} MiB, the Docker host has ${String(facts.memoryMb)}; lower the memoryMb keys`,
  ];
}

/** Containers of another stack (or of nobody's) that have a name this stack needs. */
export function names({
  config,
  site,
  instance,
  containers,
}: Pick<PreflightInput, 'config' | 'site' | 'instance' | 'containers'>): string[] {
  const wanted = new Set(containersOn(config, site.on).map((name) => config.namePrefix + name));
  return containers
    .filter((container) => wanted.has(container.Names) && labelOf(container, INSTANCE_LABEL) !== instance)
    .map((container) => {
      const owner = labelOf(container, INSTANCE_LABEL);
      const whose = owner ? `belongs to stack "${owner}"` : 'was not made by a stack';
      return `name: container ${container.Names} ${whose}; set telegram:namePrefix, subnet and ports, or remove it with \`docker rm -f ${container.Names}\``;
    });
}

/** A network of another stack (or of nobody's) under the name that this stack's own will have. */
export function networkName(
  { config, instance }: Pick<PreflightInput, 'config' | 'instance'>,
  networks: readonly DockerNetwork[],
): string[] {
  const own = `${config.namePrefix}telegram-network`;
  return networks
    .filter(({ Name, Labels }) => Name === own && Labels?.[INSTANCE_LABEL] !== instance)
    .map(({ Name, Labels }) => {
      const owner = Labels?.[INSTANCE_LABEL];
      const whose = owner ? `belongs to stack "${owner}"` : 'was not made by a stack';
      return `name: network ${Name} ${whose}; set telegram:namePrefix, or remove it with \`docker network rm ${Name}\``;
    });
}

export function subnets(
  { config, site, host }: Pick<PreflightInput, 'config' | 'site' | 'host'>,
  networks: readonly DockerNetwork[],
): string[] {
  const own = `${config.namePrefix}telegram-network`;
  const docker = networks
    .filter(({ Name }) => Name !== own)
    .flatMap(({ Name, IPAM }) =>
      (IPAM.Config ?? []).map(({ Subnet }) => ({ who: `Docker network ${Name}`, cidr: Subnet ?? '' })),
    );
  const machine = host.isLocal
    ? Object.entries(networkInterfaces())
        .filter(([name]) => !name.startsWith('br-') && !name.startsWith('docker'))
        .flatMap(([name, addresses]) =>
          (addresses ?? []).map(({ cidr }) => ({ who: `interface ${name}`, cidr: cidr ?? '' })),
        )
    : [];
  return [...docker, ...machine]
    .filter(({ cidr }) => overlaps(site.subnet, cidr))
    .map(
      ({ who, cidr }) => `telegram:${subnetKey(site)}: ${site.subnet} overlaps ${cidr} of ${who}; choose another /24`,
    );
}

/** A step of the credentials that would cut off who uses them. */
async function credentialEpoch({ config, instance, host, containers }: PreflightInput): Promise<string[]> {
  const { completed, begun } = await epochProgress(host, instance, containers);
  const refused = refusedStep(completed, config.credentialEpoch, begun);
  return refused === null ? [] : [refused];
}

/** Ports that something else holds; a port held by this very stack is fine. */
export async function ports({
  config,
  site,
  instance,
  host,
  containers,
}: Pick<PreflightInput, 'config' | 'site' | 'instance' | 'host' | 'containers'>): Promise<string[]> {
  const publishers = (listed: readonly DockerContainer[], port: number) =>
    listed.filter(({ Ports }) => publishes(Ports, port));
  const isMine = (container: DockerContainer) => labelOf(container, INSTANCE_LABEL) === instance;
  const problems = portsOn(config, site.on).map(async ({ path, port }) => {
    const found = publishers(containers, port);
    const holder = found.find((container) => container.State === 'running' && !isMine(container));
    if (holder)
      return `telegram:${path}: port ${String(port)} is published by container ${holder.Names}; stop it with \`docker stop ${holder.Names}\` or choose another port`;
    if (found.some(isMine) || !isHere(site, host)) return null;
    // A container that is starting has its port already and is not listed with it yet; one that was stopped has it for a moment more.
    for (let tries = 0; tries < STARTING_TRIES; tries += 1) {
      if (await canBind(site.bindAddress, port)) return null;
      if (publishers(await host.containers(), port).some(isMine)) return null;
      await delay(STARTING_PAUSE_MS);
    }
    const { who, stop } = await portHolder(port);
    return `telegram:${path}: port ${String(port)} is in use by ${who}; stop it with \`${stop}\` or choose another port`;
  });
  return (await Promise.all(problems)).filter((line) => line !== null);
}

/** Whether ports of this machine are meant: the socket of a further host may lead to another one. */
function isHere({ on, bindAddress }: Site, host: DockerHost): boolean {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return host.isLocal && (on === '' || own.some(({ address }) => address === bindAddress));
}

/** `docker ps` form: `127.0.0.1:5434->5432/tcp, 0.0.0.0:6379-6380->6379-6380/tcp, …`. */
export function publishes(text: string, port: number): boolean {
  return [...text.matchAll(/:(\d+)(?:-(\d+))?->[\d-]+\/tcp\b/g)].some(
    ([, first, last = first]) => Number(first) <= port && port <= Number(last),
  );
}

async function canBind(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, address, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
