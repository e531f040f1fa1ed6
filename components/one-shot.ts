import { local } from '@pulumi/command';
import * as pulumi from '@pulumi/pulumi';
import { ONE_SHOT_LABEL, type StackContext } from './stack-context.js';

export interface OneShotArgs {
  /** Words after the runtime's `admin`, for example `migrate`. Never a secret. */
  readonly tool: string;
  /** JSON document on the tool's stdin; secrets belong here. */
  readonly input: pulumi.Input<Record<string, unknown>>;
  /** Volumes to mount, path in the container → volume name. */
  readonly volumes?: Readonly<Record<string, pulumi.Input<string>>>;
  /** Stands without the network. @default false */
  readonly offline?: boolean;
  /** Shell commands for the machine that runs the program, once the tool is done. @default none */
  readonly then?: string;
}

/**
 * Runs one of the runtime's tools in a throw-away container inside the stack's network, so that it reaches what only the
 * network reaches, on any Docker host. It runs again, in place, when its input changes; it is idempotent and has no delete.
 */
export function oneShot(
  stack: StackContext,
  name: string,
  args: OneShotArgs,
  opts: pulumi.CustomResourceOptions,
): local.Command {
  const mounts = Object.keys(args.volumes ?? {}).map((path, n) => `-v "$VOLUME_${String(n)}:${path}"`);
  const volumes = Object.values(args.volumes ?? {}).map((volume, n) => [`VOLUME_${String(n)}`, volume] as const);
  const network = args.offline ? 'none' : '$NETWORK';
  const label = `--label ${ONE_SHOT_LABEL}="$INSTANCE"`;
  const run = `docker run --rm -i ${label} --network "${network}" ${mounts.join(' ')} "$IMAGE" admin ${args.tool}`;
  return new local.Command(
    name,
    {
      create: args.then ? `${run} || exit\n${args.then}` : run,
      stdin: pulumi.secret(pulumi.output(args.input).apply((input) => JSON.stringify(input))),
      environment: {
        IMAGE: stack.runtimeImage,
        INSTANCE: stack.instance,
        NETWORK: stack.network.name,
        ...Object.fromEntries(volumes),
        ...(stack.dockerHost && { DOCKER_HOST: stack.dockerHost }),
      },
      logging: local.Logging.Stderr,
      addPreviousOutputInEnv: false,
    },
    { ...opts, additionalSecretOutputs: ['stdout'] },
  );
}

export interface FilesInVolumeArgs {
  readonly volume: pulumi.Input<string>;
  /** Path below the volume → content. */
  readonly files: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>>;
  /** Owner of the files, `uid:gid`. */
  readonly owner: string;
  /** @default '0400' */
  readonly mode?: string;
  /** Shell commands that tell whoever reads the files, see `hangUp`. @default none */
  readonly then?: string;
}

/**
 * Secret files in a named volume, written atomically with owner and mode. A change rewrites them in place and
 * `then` tells the reader; nothing is replaced, so a rotation restarts nothing.
 */
export function filesInVolume(
  stack: StackContext,
  name: string,
  args: FilesInVolumeArgs,
  opts: pulumi.CustomResourceOptions,
): local.Command {
  return oneShot(
    stack,
    name,
    {
      tool: 'write-files',
      input: pulumi
        .output(args.files)
        .apply((files) => ({ directory: '/target', files, owner: args.owner, mode: args.mode ?? '0400' })),
      volumes: { '/target': args.volume },
      offline: true,
      ...(args.then && { then: args.then }),
    },
    opts,
  );
}

/** Shell command that makes a container read its files again, if it runs. */
export function hangUp(container: string): string {
  return `docker kill -s HUP ${container} >/dev/null 2>&1 || true`;
}
