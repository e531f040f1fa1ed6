import { UPSTREAM, upstreamImage } from '../../components/image-names.js';
import type { DockerHost } from '../../stack/docker-host.js';
import type { RunningStack } from '../context.js';
import { gatewayHost } from '../doctor/gateway-host.js';
import { NotProven, type Figures, type Surroundings } from './step.js';

/** What a stack runs on, as far as it can be expected. */
export interface Seen {
  /** Version of the control groups, by the Docker engine. */
  readonly cgroup: 1 | 2;
  /** File system at `/sys/fs/cgroup` of the gateway host; empty where that is a machine of somebody's own. */
  readonly hostCgroup: string;
  /** Whether the Docker engine has AppArmor. */
  readonly apparmor: boolean;
  readonly containers: readonly SeenContainer[];
}

interface SeenContainer {
  readonly name: string;
  /** Tags and digests of its image. */
  readonly image: readonly string[];
  /** AppArmor profile of its processes; empty without one. */
  readonly profile: string;
}

/** Every service that has an official image runs it, all others the project's own. */
function upstreamImages({ containers }: Seen): string[] {
  return Object.keys(UPSTREAM)
    .map((service) => upstreamImage(service))
    .filter((image) => image !== null && !containers.some(({ image: of }) => isOf(image, of)))
    .map((image) => `no container runs ${image ?? ''}`);
}

/** An image that was pulled by its digest has no tag. */
function isOf(wanted: string, names: readonly string[]): boolean {
  const [tag = '', digest] = wanted.split('@');
  return names.includes(digest ? `${tag.split(':')[0] ?? ''}@${digest}` : tag);
}

function cgroup2({ cgroup, hostCgroup }: Seen): string[] {
  return [
    ...(cgroup === 2 ? [] : ['the Docker engine uses control groups of version 1']),
    ...(['', 'cgroup2fs'].includes(hostCgroup) ? [] : [`systemd of the gateway host stands on ${hostCgroup}`]),
  ];
}

/** The gateway host mounts, which the default profile denies. */
function apparmor({ apparmor: has, containers }: Seen): string[] {
  if (!has) return ['the Docker engine has no AppArmor'];
  return containers
    .filter(({ name, profile }) => profile !== (name.endsWith('gateway-host') ? 'unconfined' : 'docker-default'))
    .map(({ name, profile }) => `${name} has the profile "${profile}"`);
}

/** What can be expected of a machine, each with what is not so. */
const EXPECTATIONS = { 'upstream-images': upstreamImages, cgroup2, apparmor } as const;
export type Expectation = keyof typeof EXPECTATIONS;

export const isExpectation = (name: string): name is Expectation => Object.hasOwn(EXPECTATIONS, name);
export const allExpectations = () => Object.keys(EXPECTATIONS);

/** What is not as it was expected. */
export function unmet(expected: readonly Expectation[], seen: Seen): string[] {
  return expected.flatMap((name) => EXPECTATIONS[name](seen));
}

interface Inspected {
  readonly Name: string;
  readonly Image: string;
  readonly AppArmorProfile: string;
}

/** Looks at where the stack really runs. Figures: the image of each container, control groups, profiles. */
export async function surroundings({ stack, expected }: Surroundings): Promise<Figures> {
  const running = await stack();
  const { hosts, outputs } = running;
  const found = await Promise.all(hosts.all.map(async (docker) => seenOn(docker, namesOn(running, docker))));
  const { cgroupVersion, apparmor: has } = await hosts.home.facts();
  const seen: Seen = {
    cgroup: cgroupVersion,
    hostCgroup: outputs.gatewayHost === 'container' ? await gatewayHost(running).run('stat -fc %T /sys/fs/cgroup') : '',
    apparmor: has,
    containers: found.flat(),
  };
  const wrong = unmet(expected, seen);
  if (wrong.length > 0) throw new NotProven(wrong.join('; '), { ...seen });
  return { expected, ...seen };
}

const namesOn = ({ hosts, outputs }: RunningStack, docker: DockerHost) =>
  outputs.containers.filter((name) => hosts.at(name) === docker);

async function seenOn(docker: DockerHost, names: readonly string[]): Promise<SeenContainer[]> {
  const inspected = JSON.parse(await docker.docker(['inspect', ...names])) as Inspected[];
  const listed = await docker.docker(['image', 'ls', '-a', '--no-trunc', '--digests', '--format', IMAGE_LINE]);
  const named = listed.split('\n').map((line) => line.split(' '));
  return inspected.map(({ Name, Image, AppArmorProfile }) => ({
    name: Name.slice(1),
    image: named.filter(([id]) => id === Image).flatMap(([, ...tags]) => tags.filter((one) => !one.includes('<none>'))),
    profile: AppArmorProfile,
  }));
}

const IMAGE_LINE = '{{.ID}} {{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}';
