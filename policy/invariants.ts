/**
 * What must hold for every resource on any configuration. Used by the graph tests and by the policy pack; each returns why it does
 * not hold, or null.
 */

type Inputs = Readonly<Record<string, unknown>>;
export interface Subject {
  readonly type: string;
  readonly name: string;
  readonly inputs: Inputs;
  readonly options: Inputs;
}
export interface Surroundings {
  readonly production: boolean;
  /** Addresses besides 127.0.0.1 that ports may be published on. */
  readonly addresses: readonly string[];
}
export const DEVELOPMENT: Surroundings = { production: false, addresses: [] };
export type Invariant = (resource: Subject, surroundings?: Surroundings) => string | null;

const CONTAINER = 'docker:index/container:Container';
const VOLUME = 'docker:index/volume:Volume';
const IMAGE = 'docker:index/remoteImage:RemoteImage';
/** Stands for a value that is known only when it is applied. */
export const UNKNOWN = '[unknown]';
const NAMESPACES = ['networkMode', 'pidMode', 'ipcMode', 'usernsMode', 'cgroupnsMode'] as const;
const SECRET_NAME = /PASSWORD|SECRET|TOKEN|HASH|PRIVATE/i;
/** Containers that must begin as root and write into their own root, with the reason. There is no other. */
export const RUN_AS_ROOT: Readonly<Record<string, string>> = {
  'telegram-gateway-host':
    'it plays a machine: systemd is its first process, and the gateway under it has a user of its own',
};
/** `uid:gid` of somebody but root; a name would be looked up in the image, which may call root so. */
export const isOwnUser = (user: unknown): boolean => /^[1-9]\d*:\d+$/.test(String(user));

const onContainers = (check: (inputs: Inputs, surroundings: Surroundings) => boolean, why: string): Invariant => {
  return ({ type, inputs }, surroundings = DEVELOPMENT) =>
    type !== CONTAINER || check(inputs, surroundings) ? null : why;
};
const ofOwnUser = (check: (inputs: Inputs) => boolean, why: string): Invariant => {
  const holds = onContainers(check, why);
  return (resource, surroundings) => (Object.hasOwn(RUN_AS_ROOT, resource.name) ? null : holds(resource, surroundings));
};
const texts = (value: unknown) => (Array.isArray(value) ? (value as string[]) : []);
const list = (value: unknown) => (Array.isArray(value) ? (value as Inputs[]) : []);

export const INVARIANTS: Readonly<Record<string, Invariant>> = {
  'gives its name free before it is replaced': ({ type, options }) =>
    type !== CONTAINER || options['deleteBeforeReplace'] === true ? null : 'deleteBeforeReplace is not set',
  'stops gracefully': onContainers(
    (inputs) => Number(inputs['destroyGraceSeconds']) > 0,
    'destroyGraceSeconds is not set',
  ),
  'waits for health': onContainers(
    (inputs) => inputs['healthcheck'] !== undefined && inputs['wait'] === true,
    'no health check, or nobody waits for it',
  ),
  'limits memory and swap alike': onContainers(
    (inputs) => Number(inputs['memory']) > 0 && inputs['memory'] === inputs['memorySwap'],
    'memory and memorySwap differ',
  ),
  'limits the CPU': onContainers((inputs) => Number(inputs['cpus']) > 0, 'cpus is not set'),
  'is restarted': onContainers((inputs) => inputs['restart'] === 'unless-stopped', 'restart is not unless-stopped'),
  'bounds its log': onContainers((inputs) => inputs['logOpts'] !== undefined, 'logOpts is not set'),
  'publishes on loopback only': onContainers(
    (inputs, { addresses }) =>
      list(inputs['ports']).every(({ ip }) => ['127.0.0.1', ...addresses].includes(String(ip))),
    'a port is published beyond 127.0.0.1',
  ),
  'has a fixed address': onContainers(
    (inputs) => list(inputs['networksAdvanced']).every(({ ipv4Address }) => typeof ipv4Address === 'string'),
    'no ipv4Address',
  ),
  'gains no privileges': onContainers(
    (inputs) => texts(inputs['securityOpts']).some((option) => /^no-new-privileges([:=]true)?$/.test(option)),
    'no-new-privileges is not set',
  ),
  'drops all capabilities': onContainers((inputs) => {
    const { drops, adds } = (inputs['capabilities'] ?? {}) as { drops?: unknown; adds?: unknown };
    return texts(drops).includes('ALL') && !texts(adds).some((name) => /^(CAP_)?ALL$/.test(name));
  }, 'capabilities are not dropped'),
  'runs as a user of its own': ofOwnUser(
    ({ user }) => isOwnUser(user),
    'it runs as root, or as whoever the image names',
  ),
  'keeps its root read-only': ofOwnUser(({ readOnly }) => readOnly === true, 'its root can be written'),
  'is not privileged': onContainers((inputs) => inputs['privileged'] !== true, 'privileged is set'),
  'keeps its own namespaces': onContainers(
    (inputs) => NAMESPACES.every((mode) => !/^(host$|container:)/.test(String(inputs[mode]))),
    `one of ${NAMESPACES.join(', ')} is that of the host or of another container`,
  ),
  'is given no device': onContainers(
    (inputs) => list(inputs['devices']).length === 0 && inputs['gpus'] === undefined,
    'a device of the host is handed in',
  ),
  'has no secret in its environment': onContainers(
    (inputs) => !texts(inputs['envs']).some((env) => SECRET_NAME.test(env.split('=')[0] ?? '') || env === '[secret]'),
    'an environment variable looks like a secret',
  ),
  'mounts named volumes only': onContainers(
    (inputs) =>
      list(inputs['volumes']).every(({ volumeName, hostPath }) => volumeName !== undefined && hostPath === undefined) &&
      list(inputs['mounts']).every(({ type }) => type === 'volume' || type === 'tmpfs'),
    'a path of the host is mounted',
  ),
  'does not reach the Docker engine': onContainers(
    (inputs) =>
      !/docker\.sock|DOCKER_HOST=/.test(JSON.stringify([inputs['volumes'], inputs['mounts'], inputs['envs']])),
    'whoever reaches the socket of Docker is root on its host',
  ),
  'keeps volumes in Docker': ({ type, inputs }) =>
    type !== VOLUME || (inputs['driverOpts'] as Inputs | undefined)?.['device'] === undefined
      ? null
      : 'the volume is a path of the host',
  'names its Docker provider': ({ type, options }) =>
    !type.startsWith('docker:') || options['provider'] === 'explicit' ? null : 'the default provider would be used',
  'never edits a volume': ({ type, options }) =>
    type !== VOLUME || JSON.stringify(options['ignoreChanges'] ?? []).includes('labels')
      ? null
      : 'labels of a volume are not ignored: changing one would delete its data',
  'protects the data of production': ({ type, name, options }, { production } = DEVELOPMENT) =>
    type !== VOLUME || !production || !/-(data|opt)$/.test(name) || options['protect'] === true
      ? null
      : 'a data volume is not protected',
  'keeps images': ({ type, inputs }) =>
    type !== IMAGE || inputs['keepLocally'] === true ? null : 'keepLocally is not set',
  'takes images by an exact version': ({ type, inputs }) =>
    type !== IMAGE || /:[^:@/]*\d[^:@/]*(@|$)/.test(String(inputs['name']))
      ? null
      : 'an image has no version in its tag',
  'pins the host key': ({ type, inputs }) =>
    !type.startsWith('command:remote:') || hasHostKey(inputs['connection'])
      ? null
      : 'the connection accepts any host key',
};

/** A connection is a secret, and a recorder may hide all of it. */
function hasHostKey(connection: unknown): boolean {
  if (connection === '[secret]' || connection === UNKNOWN) return true;
  return typeof connection === 'object' && connection !== null && Boolean((connection as Inputs)['hostKey']);
}
