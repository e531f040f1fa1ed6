import * as docker from '@pulumi/docker';
import * as pulumi from '@pulumi/pulumi';
import { createHash } from 'node:crypto';
import { healthcheck } from './healthcheck.js';
import { inlineFiles, type InlineFile } from './inline-files.js';
import { CONFIG_LABEL, INSTANCE_LABEL, SOURCE_LABEL, type StackContext } from './stack-context.js';

export interface ServiceContainerArgs {
  /** Container name without the stack's prefix, for example `telegram-redis-master`. */
  readonly name: string;
  readonly image: pulumi.Input<string>;
  /** Last number of its fixed address. */
  readonly host: number;
  readonly ports?: readonly { readonly internal: number; readonly external: number }[];
  readonly cpus: number;
  readonly memoryMb: number;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  /** Plain settings only: secrets travel by file. */
  readonly env?: Readonly<Record<string, pulumi.Input<string>>>;
  /** Not secret files, written at every start (see `inlineFiles`); a change replaces the container. Need `entrypoint` or `command`. */
  readonly files?: readonly InlineFile[];
  readonly volumes?: readonly {
    readonly volume: pulumi.Input<string>;
    readonly path: string;
    readonly readOnly?: boolean;
  }[];
  /** `uid:gid`. @default the image's own */
  readonly user?: string;
  /** Health command, given to `sh` as words; the image needs `sh`, `cat`, `date`, `rm` and `sleep`. */
  readonly health: readonly string[];
  /** Bound of the wait for health at creation, in seconds. @default 90 */
  readonly waitS?: number;
  /** Grace between the stop signal and the kill, in seconds. @default 15 */
  readonly graceS?: number;
  readonly stopSignal?: string;
  /** Read-only root file system with a tmpfs at `/tmp`. @default true */
  readonly readOnly?: boolean;
  /** Further writable tmpfs paths → mount options. */
  readonly tmpfs?: Readonly<Record<string, string>>;
  /** Capabilities to add after all are dropped, each with its `CAP_` prefix. @default none */
  readonly capabilities?: readonly string[];
  readonly shmMb?: number;
}

/** A limit as Docker's provider reads it back; any other form would be a change for ever. */
export const cpuText = (cores: number) => (Number.isInteger(cores) ? `${String(cores)}.0` : String(cores));

/**
 * A container as every container of the stack is made: fixed address, loopback ports, limits (swap = memory), bounded
 * logs, health check with a wait, graceful stop, no capabilities, `no-new-privileges`, read-only root.
 * Changing anything but `cpus`' and `memoryMb`'s values replaces it: Docker would otherwise accept a new health check or
 * tmpfs and go on with the old one.
 */
export function serviceContainer(
  stack: StackContext,
  args: ServiceContainerArgs,
  opts: pulumi.CustomResourceOptions,
): docker.Container {
  const files = args.files ?? [];
  const hash = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16);
  const inline = inlineFiles(files, [...(args.entrypoint ?? []), ...(args.command ?? [])], args.user);
  const readOnly = args.readOnly ?? true;
  const waitS = args.waitS ?? 90;
  return new docker.Container(
    args.name,
    {
      name: stack.namePrefix + args.name,
      hostname: args.name,
      image: args.image,
      networkMode: 'bridge',
      networksAdvanced: [{ name: stack.network.name, ipv4Address: stack.address(args.host), aliases: [args.name] }],
      ports: (args.ports ?? []).map(({ internal, external }) => ({
        internal,
        external,
        ip: stack.bindAddress,
        protocol: 'tcp',
      })),
      ...(inline ? { entrypoints: inline.entrypoint } : args.entrypoint && { entrypoints: [...args.entrypoint] }),
      ...(inline ? { command: inline.command } : args.command && { command: [...args.command] }),
      ...(args.env && { envs: environment(args.env) }),
      ...(args.user && { user: args.user }),
      volumes: (args.volumes ?? []).map(({ volume, path, readOnly: ro }) => ({
        volumeName: volume,
        containerPath: path,
        ...(ro && { readOnly: true }),
      })),
      labels: [
        { label: INSTANCE_LABEL, value: stack.instance },
        { label: CONFIG_LABEL, value: hash },
        { label: SOURCE_LABEL, value: stack.images.source },
      ],
      cpus: cpuText(args.cpus),
      memory: args.memoryMb,
      memorySwap: args.memoryMb,
      ...(args.shmMb && { shmSize: args.shmMb }),
      readOnly,
      tmpfs: { ...(readOnly && { '/tmp': 'rw,noexec,nosuid,size=64m' }), ...inline?.tmpfs, ...args.tmpfs },
      capabilities: { drops: ['ALL'], adds: [...(args.capabilities ?? [])] },
      securityOpts: ['no-new-privileges:true'],
      healthcheck: healthcheck(stack, args.health, waitS),
      wait: true,
      waitTimeout: waitS,
      restart: 'unless-stopped',
      logDriver: 'json-file',
      logOpts: { 'max-size': '10m', 'max-file': '3' },
      destroyGraceSeconds: args.graceS ?? 15,
      ...(args.stopSignal && { stopSignal: args.stopSignal }),
    },
    // The provider deletes first where it asks for a replacement itself; where we do, two of one name would meet.
    {
      ...opts,
      provider: stack.provider,
      replaceOnChanges: ['healthcheck', 'tmpfs', 'init'],
      deleteBeforeReplace: true,
    },
  );
}

/** Key-sorted `NAME=value` lines, so that the order never makes a difference. */
function environment(env: Readonly<Record<string, pulumi.Input<string>>>): pulumi.Output<string>[] {
  return Object.keys(env)
    .sort()
    .map((name) => pulumi.output(env[name]).apply((value) => `${name}=${value ?? ''}`));
}
