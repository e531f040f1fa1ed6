import type * as docker from '@pulumi/docker';
import type * as pulumi from '@pulumi/pulumi';
import type { ImageCatalogue } from './images.js';

/** What every component needs to know of the stack it stands in, handed down by `stack/platform.ts`. */
export interface StackContext {
  /** Put before every container, volume and network name; empty for the only stack of a host. */
  readonly namePrefix: string;
  /** Value of the label that tells whose a container is. */
  readonly instance: string;
  /** Further Docker host that it is; empty for the home host, on which everything stands that is not placed elsewhere. */
  readonly on: string;
  readonly provider: docker.Provider;
  /** Docker host of the `docker` command line (`DOCKER_HOST`); empty for the local daemon. */
  readonly dockerHost: string;
  readonly network: docker.Network;
  /** Fixed address inside the stack's subnet, by its last number. */
  readonly address: (last: number) => string;
  /** Address that published ports bind to. */
  readonly bindAddress: string;
  /** Address at which those outside the network reach the published ports. */
  readonly publishedAddress: string;
  /** Whether data volumes outlive `destroy`. */
  readonly retainData: boolean;
  /** Whether the engine asks a starting container more often than a running one (Docker 25 and newer). */
  readonly probesStart: boolean;
  readonly images: ImageCatalogue;
  /** Image of the project's own runtime bundle; also runs the one-shot tools. */
  readonly runtimeImage: pulumi.Output<string>;
}

export const INSTANCE_LABEL = 'org.telegram-hybrid-stack.instance';
/** On one-shot containers, which are no part of the stack; its value is the instance. */
export const ONE_SHOT_LABEL = 'org.telegram-hybrid-stack.one-shot';
/** Label that remembers which image source a stack settled on. */
export const SOURCE_LABEL = 'org.telegram-hybrid-stack.image-source';
export const CONFIG_LABEL = 'org.telegram-hybrid-stack.config-hash';
/** File in each image built here: `<part> <version> <floor> <ok|below>`, one line a part. */
export const VERSIONS_FILE = '/usr/share/telegram-stack/versions';

/** Last number of the fixed address of everything that stands in the network. */
export const HOST_NUMBERS = {
  timescaledb: 10,
  pgbouncer: 11,
  redisMaster: 20,
  redisReplica: 21,
  /** The first; the others follow. */
  redisSentinel: 31,
  rabbitmq: 40,
  gatewayHost: 50,
  api: 51,
  consumer: 52,
  simulator: 53,
  backup: 54,
  prometheus: 60,
  grafana: 61,
  alertmanager: 62,
  /** The first; the others follow. */
  exporters: 70,
} as const;
