import type Docker from 'dockerode';
import type { ContainerInputs } from './container-schema.js';
import { nanoseconds } from './duration.js';

const MEGABYTE = 1024 * 1024;

/** Networks of a container: the one it is made in and those it joins before it starts. */
export function networksOf(inputs: ContainerInputs): NonNullable<ContainerInputs['networksAdvanced']> {
  return inputs.networksAdvanced ?? [];
}

/** What the Docker API is asked to create. Pure: the same inputs always give the same request. */
export function containerRequest(
  name: string,
  inputs: ContainerInputs,
  label: Record<string, string>,
): Docker.ContainerCreateOptions {
  const [first] = networksOf(inputs);
  return defined({
    name,
    Image: inputs.image,
    Cmd: inputs.command,
    Entrypoint: inputs.entrypoints,
    Env: inputs.envs,
    User: inputs.user,
    WorkingDir: inputs.workingDir,
    Hostname: inputs.hostname,
    Domainname: inputs.domainname,
    Labels: { ...Object.fromEntries((inputs.labels ?? []).map(({ label: key, value }) => [key, value])), ...label },
    Tty: inputs.tty,
    OpenStdin: inputs.stdinOpen,
    StopSignal: inputs.stopSignal,
    StopTimeout: inputs.stopTimeout,
    Healthcheck: healthcheck(inputs.healthcheck),
    ExposedPorts: Object.fromEntries((inputs.ports ?? []).map((port) => [portKey(port), {}])),
    Volumes: Object.fromEntries(anonymousVolumes(inputs).map((path) => [path, {}])),
    HostConfig: hostConfig(inputs),
    NetworkingConfig: first && { EndpointsConfig: { [first.name]: endpoint(first) } },
  });
}

/** What the Docker API is asked to change in a running container. */
export function updateRequest(inputs: ContainerInputs): Docker.HostConfig {
  const { Memory, MemorySwap, MemoryReservation, NanoCpus, CpuShares, CpusetCpus } = limits(inputs);
  const RestartPolicy = restartPolicy(inputs);
  return defined({ Memory, MemorySwap, MemoryReservation, NanoCpus, CpuShares, CpusetCpus, RestartPolicy });
}

/** Says of a limit that this Docker host knows none of its kind, as without swap accounting. */
const UNKNOWN_TO_HOST: readonly unknown[] = [0, -1, ''];

/** What of it is otherwise in a container, such as after `docker update`; what the program does not say does not count. */
export function driftOf(inputs: ContainerInputs, found: Docker.HostConfig): string[] {
  const { RestartPolicy, ...limited } = updateRequest(inputs);
  const names = (Object.keys(limited) as (keyof typeof limited)[]).filter(
    (name) => limited[name] !== found[name] && !UNKNOWN_TO_HOST.includes(found[name]),
  );
  const isRestarted = RestartPolicy === undefined || RestartPolicy.Name === found.RestartPolicy?.Name;
  return [...names, ...(isRestarted ? [] : ['RestartPolicy'])];
}

export function endpoint(network: NonNullable<ContainerInputs['networksAdvanced']>[number]): Docker.EndpointSettings {
  return defined({
    Aliases: network.aliases,
    IPAMConfig:
      network.ipv4Address === undefined && network.ipv6Address === undefined
        ? undefined
        : defined({ IPv4Address: network.ipv4Address, IPv6Address: network.ipv6Address }),
  });
}

export function portKey(port: { readonly internal: number; readonly protocol?: string | undefined }): string {
  return `${String(port.internal)}/${port.protocol ?? 'tcp'}`;
}

function hostConfig(inputs: ContainerInputs): Docker.HostConfig {
  const [first] = networksOf(inputs);
  return defined({
    // With networks of its own a container never joins the default bridge, which Pulumi's provider leaves again as well.
    NetworkMode: first?.name ?? inputs.networkMode,
    PortBindings: portBindings(inputs.ports ?? []),
    PublishAllPorts: inputs.publishAllPorts,
    Binds: binds(inputs),
    VolumesFrom: inputs.volumes?.flatMap((volume) => volume.fromContainer ?? []),
    Mounts: inputs.mounts?.map(mountSettings),
    Tmpfs: inputs.tmpfs,
    ...limits(inputs),
    RestartPolicy: restartPolicy(inputs),
    LogConfig: inputs.logDriver === undefined ? undefined : { Type: inputs.logDriver, Config: inputs.logOpts ?? {} },
    CapAdd: inputs.capabilities?.adds,
    CapDrop: inputs.capabilities?.drops,
    SecurityOpt: inputs.securityOpts,
    GroupAdd: inputs.groupAdds,
    Devices: inputs.devices?.map((device) => ({
      PathOnHost: device.hostPath,
      PathInContainer: device.containerPath ?? device.hostPath,
      CgroupPermissions: device.permissions ?? 'rwm',
    })),
    Privileged: inputs.privileged,
    ReadonlyRootfs: inputs.readOnly,
    Init: inputs.init,
    Runtime: inputs.runtime,
    Dns: inputs.dns,
    DnsOptions: inputs.dnsOpts,
    DnsSearch: inputs.dnsSearches,
    ExtraHosts: inputs.hosts?.map(({ host, ip }) => `${host}:${ip}`),
    CgroupParent: inputs.cgroupParent,
    CgroupnsMode: inputs.cgroupnsMode,
    IpcMode: inputs.ipcMode,
    PidMode: inputs.pidMode,
    UsernsMode: inputs.usernsMode,
  });
}

function restartPolicy({ restart, maxRetryCount }: ContainerInputs): Docker.HostRestartPolicy | undefined {
  return restart === undefined ? undefined : { Name: restart, MaximumRetryCount: maxRetryCount ?? 0 };
}

function limits(inputs: ContainerInputs): Docker.HostConfig {
  const swap = inputs.memorySwap;
  return {
    Memory: megabytes(inputs.memory),
    MemorySwap: swap === undefined || swap < 0 ? swap : megabytes(swap),
    MemoryReservation: megabytes(inputs.memoryReservation),
    NanoCpus: inputs.cpus === undefined ? undefined : Math.round(Number(inputs.cpus) * 1e9),
    CpuShares: inputs.cpuShares,
    CpuPeriod: inputs.cpuPeriod,
    CpuQuota: inputs.cpuQuota,
    CpusetCpus: inputs.cpuSet,
    ShmSize: megabytes(inputs.shmSize),
    Ulimits: inputs.ulimits?.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    Sysctls: inputs.sysctls,
  };
}

function megabytes(amount: number | undefined): number | undefined {
  return amount === undefined ? undefined : amount * MEGABYTE;
}

function portBindings(ports: NonNullable<ContainerInputs['ports']>): Docker.PortMap {
  const bindings: Docker.PortMap = {};
  for (const port of ports) {
    const binding = {
      HostIp: port.ip ?? '0.0.0.0',
      HostPort: port.external === undefined ? '' : String(port.external),
    };
    (bindings[portKey(port)] ??= []).push(binding);
  }
  return bindings;
}

function binds(inputs: ContainerInputs): string[] {
  return (inputs.volumes ?? []).flatMap(({ volumeName, hostPath, containerPath, readOnly }) => {
    const source = hostPath ?? volumeName;
    if (source === undefined || containerPath === undefined) return [];
    return [`${source}:${containerPath}${readOnly === true ? ':ro' : ':rw'}`];
  });
}

function anonymousVolumes(inputs: ContainerInputs): string[] {
  const anonymous = (inputs.volumes ?? []).filter((volume) => (volume.hostPath ?? volume.volumeName) === undefined);
  return anonymous.flatMap((volume) => volume.containerPath ?? []);
}

function mountSettings(mount: NonNullable<ContainerInputs['mounts']>[number]): Docker.MountSettings {
  return defined({
    Type: mount.type,
    Target: mount.target,
    Source: mount.source,
    ReadOnly: mount.readOnly,
    BindOptions: mount.bindOptions && { Propagation: mount.bindOptions.propagation },
    VolumeOptions: mount.volumeOptions && { NoCopy: mount.volumeOptions.noCopy ?? false },
    TmpfsOptions: mount.tmpfsOptions && { SizeBytes: mount.tmpfsOptions.sizeBytes, Mode: mount.tmpfsOptions.mode },
  }) as Docker.MountSettings;
}

function healthcheck(check: ContainerInputs['healthcheck']): Docker.HealthConfig | undefined {
  if (check === undefined) return undefined;
  const time = (text: string | undefined): number | undefined => (text === undefined ? undefined : nanoseconds(text));
  return defined({
    Test: check.tests,
    Interval: time(check.interval),
    Timeout: time(check.timeout),
    StartPeriod: time(check.startPeriod),
    StartInterval: time(check.startInterval),
    Retries: check.retries,
  });
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Without the keys that are not set: the daemon then applies its own default, as for `docker run`. */
function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
