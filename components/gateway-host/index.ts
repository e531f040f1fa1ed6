import * as docker from '@pulumi/docker';
import * as pulumi from '@pulumi/pulumi';
import { PORTS } from '../../runtime/contract.js';
import { Component } from '../component.js';
import { dataVolume } from '../data-volume.js';
import type { Ready } from '../endpoint.js';
import { filesInVolume } from '../one-shot.js';
import { healthcheck } from '../healthcheck.js';
import { cpuText } from '../service-container.js';
import { HOST_NUMBERS, INSTANCE_LABEL, SOURCE_LABEL, type StackContext } from '../stack-context.js';
import { CAPABILITIES, KEYS_FOLDER, SYSTEMD_CONTAINER, keyFiles } from './render.js';

const NAME = 'telegram-gateway-host';
const GRACE_S = 30;
/** Bound of the wait for sshd at creation, in seconds. */
const WAIT_S = 90;

export interface GatewayHostArgs {
  readonly stack: StackContext;
  /** Host port of sshd. A change replaces the container. */
  readonly sshPort: number;
  /** Host port of health and metrics. A change replaces the container. */
  readonly healthPort: number;
  /** CPU limit in cores. A change replaces the container. */
  readonly cpus: number;
  /** Memory limit in MiB, systemd and sshd (about 20) included. Changed in place. */
  readonly memoryMb: number;
  /** Private host key of sshd, OpenSSH form; pinned by who connects. Read at start. */
  readonly hostPrivateKey: pulumi.Input<string>;
  /** Line of `authorized_keys` for root. Read at each login: a change restarts nothing. */
  readonly clientPublicKey: pulumi.Input<string>;
}

/**
 * Development only: a container that plays the machine on which the gateway runs, with systemd and sshd. Its `/opt` is a
 * volume that plays the machine's disk. What is installed there follows `hostId`.
 */
export class GatewayHost extends Component implements Ready {
  readonly container: docker.Container;
  /** Changes with the container, so that a new one is installed again. */
  readonly hostId: pulumi.Output<string>;
  readonly ready: pulumi.Resource[];

  constructor(name: string, args: GatewayHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super('telegram:gateway:GatewayHost', name, opts);
    const disk = dataVolume(args.stack, 'telegram-gateway-opt', this.under());
    const keys = this.#keys(args);
    this.container = this.#container(args, { disk: disk.name, keys: keys.volume, after: keys.written });
    this.hostId = this.container.id;
    this.ready = [this.container];
    this.registerOutputs({});
  }

  #keys(args: GatewayHostArgs): { volume: pulumi.Output<string>; written: pulumi.Resource } {
    const volume = dataVolume(args.stack, 'telegram-gateway-host-keys', this.under(), 'disposable');
    const written = filesInVolume(
      args.stack,
      this.child('keys'),
      {
        volume: volume.name,
        files: keyFiles<pulumi.Input<string>>({
          hostPrivateKey: args.hostPrivateKey,
          clientPublicKey: args.clientPublicKey,
        }),
        owner: '0:0',
      },
      this.under(),
    );
    return { volume: volume.name, written };
  }

  /** Not a `serviceContainer`: systemd is root, mounts, and writes its root; the other rules hold all the same. */
  #container(
    { stack, ...args }: GatewayHostArgs,
    parts: { disk: pulumi.Input<string>; keys: pulumi.Input<string>; after: pulumi.Resource },
  ): docker.Container {
    const published = (internal: number, external: number) => ({
      internal,
      external,
      ip: stack.bindAddress,
      protocol: 'tcp',
    });
    return new docker.Container(
      NAME,
      {
        name: stack.namePrefix + NAME,
        hostname: NAME,
        image: stack.images.get('gateway-host'),
        networkMode: 'bridge',
        networksAdvanced: [
          { name: stack.network.name, ipv4Address: stack.address(HOST_NUMBERS.gatewayHost), aliases: [NAME] },
        ],
        ports: [published(PORTS.ssh, args.sshPort), published(PORTS.gatewayHealth, args.healthPort)],
        volumes: [
          { volumeName: parts.disk, containerPath: '/opt' },
          { volumeName: parts.keys, containerPath: KEYS_FOLDER, readOnly: true },
        ],
        labels: [
          { label: INSTANCE_LABEL, value: stack.instance },
          { label: SOURCE_LABEL, value: stack.images.source },
        ],
        cpus: cpuText(args.cpus),
        memory: args.memoryMb,
        memorySwap: args.memoryMb,
        cgroupnsMode: SYSTEMD_CONTAINER.cgroupnsMode,
        securityOpts: [...SYSTEMD_CONTAINER.securityOpts],
        capabilities: { drops: ['ALL'], adds: [...CAPABILITIES] },
        tmpfs: SYSTEMD_CONTAINER.tmpfs,
        stopSignal: SYSTEMD_CONTAINER.stopSignal,
        healthcheck: healthcheck(stack, ['/usr/local/sbin/host-health'], WAIT_S),
        wait: true,
        waitTimeout: WAIT_S,
        restart: 'unless-stopped',
        logDriver: 'json-file',
        logOpts: { 'max-size': '10m', 'max-file': '3' },
        destroyGraceSeconds: GRACE_S,
      },
      this.under({
        dependsOn: [parts.after],
        provider: stack.provider,
        replaceOnChanges: ['healthcheck', 'tmpfs', 'init', 'cgroupnsMode', 'securityOpts', 'capabilities'],
        deleteBeforeReplace: true,
      }),
    );
  }
}
