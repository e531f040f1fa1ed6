import type * as docker from '@pulumi/docker';
import * as pulumi from '@pulumi/pulumi';
import { Component } from '../component.js';
import { dataVolume } from '../data-volume.js';
import { endpointIn, type Endpoint, type Ready } from '../endpoint.js';
import { filesInVolume } from '../one-shot.js';
import { serviceContainer } from '../service-container.js';
import type { StackContext } from '../stack-context.js';
import { CREDENTIALS_FOLDER, OWNER, changeOverScript, commandOf, healthOf, type RuntimeProcess } from './render.js';

export type { RuntimeProcess } from './render.js';

/** One port of the process, inside and on the Docker host. */
export interface RuntimePort {
  readonly internal: number;
  readonly external: number;
}

export interface RuntimeServiceArgs {
  readonly stack: StackContext;
  /** Container name without the stack's prefix, for example `telegram-consumer`. */
  readonly containerName: string;
  readonly process: RuntimeProcess;
  /** Last number of its fixed address. */
  readonly host: number;
  /** Serves `/health/live` and `/metrics`. */
  readonly healthPort: RuntimePort;
  /** Further published ports. @default none */
  readonly ports?: readonly RuntimePort[];
  /** CPU limit in cores. A change replaces the container. */
  readonly cpus: number;
  /** Memory limit in MiB; sets the heap's limit too, so a change replaces the container. */
  readonly memoryMb: number;
  /** `TELEGRAM_*` of runtime/config.ts, nothing secret. A change replaces the container. */
  readonly environment: Readonly<Record<string, pulumi.Input<string>>>;
  /** Content of the credentials file. A change is re-read by the running process; nothing restarts. @default none */
  readonly credentials?: pulumi.Input<object>;
  /** Epoch of these credentials: a running process has changed over to it when they count as written. @default none */
  readonly credentialEpoch?: number;
  /** Further secret files beside the credentials, name → content. Read at start. @default none */
  readonly secretFiles?: Readonly<Record<string, pulumi.Input<string>>>;
  /** Name of a volume that becomes `/data`, owned by the process. @default none */
  readonly dataVolume?: string;
  /** What must be ready before the process starts, and before it is told new credentials: they are accepted there by then. @default none */
  readonly after?: readonly pulumi.Resource[];
}

/** A process of the runtime bundle in a container: API, consumer, or the simulator of the development stack. */
export class RuntimeService extends Component implements Ready {
  readonly container: docker.Container;
  /** Where health and metrics are. */
  readonly endpoint: Endpoint;
  readonly ready: pulumi.Resource[];

  constructor(name: string, args: RuntimeServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super('telegram:runtime:RuntimeService', name, opts);
    const secrets = this.#secrets(args);
    const data = args.dataVolume === undefined ? undefined : dataVolume(args.stack, args.dataVolume, this.under());
    this.container = this.#container(args, secrets, data);
    this.endpoint = endpointIn(args.stack, { host: args.host, ...args.healthPort });
    this.ready = [this.container, ...(secrets ? [secrets.written] : [])];
    this.registerOutputs({});
  }

  #secrets(args: RuntimeServiceArgs): SecretVolume | undefined {
    if (args.credentials === undefined && args.secretFiles === undefined) return undefined;
    const volume = dataVolume(args.stack, `${args.containerName}-credentials`, this.under(), 'disposable');
    const written = filesInVolume(
      args.stack,
      this.child('credentials'),
      {
        volume: volume.name,
        files: {
          ...(args.credentials !== undefined && {
            'credentials.json': pulumi.output(args.credentials).apply((document) => JSON.stringify(document)),
          }),
          ...args.secretFiles,
        },
        owner: OWNER,
        ...(args.credentialEpoch !== undefined && {
          then: changeOverScript({
            container: args.stack.namePrefix + args.containerName,
            port: args.healthPort.internal,
            epoch: args.credentialEpoch,
          }),
        }),
      },
      this.under({ dependsOn: [...(args.after ?? [])] }),
    );
    return { name: volume.name, written };
  }

  #container(
    args: RuntimeServiceArgs,
    secrets: SecretVolume | undefined,
    data: docker.Volume | undefined,
  ): docker.Container {
    return serviceContainer(
      args.stack,
      {
        name: args.containerName,
        image: args.stack.runtimeImage,
        host: args.host,
        ports: [args.healthPort, ...(args.ports ?? [])],
        cpus: args.cpus,
        memoryMb: args.memoryMb,
        ...commandOf(args.process, args.memoryMb),
        env: { NODE_ENV: 'production', TELEGRAM_LISTEN_PORT: String(args.healthPort.internal), ...args.environment },
        volumes: [
          ...(secrets ? [{ volume: secrets.name, path: CREDENTIALS_FOLDER, readOnly: true }] : []),
          ...(data ? [{ volume: data.name, path: '/data' }] : []),
        ],
        user: OWNER,
        health: healthOf(args.healthPort.internal),
        // Longer than the process's own deadline of 15 s.
        graceS: 20,
      },
      this.under({ dependsOn: [...(args.after ?? []), ...(secrets ? [secrets.written] : [])] }),
    );
  }
}

interface SecretVolume {
  readonly name: pulumi.Output<string>;
  readonly written: pulumi.Resource;
}
