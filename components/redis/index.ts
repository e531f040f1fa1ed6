import { local } from '@pulumi/command';
import * as pulumi from '@pulumi/pulumi';
import { createHash } from 'node:crypto';
import type { CacheClient } from '../../runtime/contract.js';
import { Component } from '../component.js';
import { dataVolume } from '../data-volume.js';
import type { Endpoint, Ready } from '../endpoint.js';
import { filesInVolume } from '../one-shot.js';
import type { Slots } from '../slots.js';
import { HOST_NUMBERS, type StackContext } from '../stack-context.js';
import { RedisMaster, RedisReplica, RedisSentinel } from './nodes.js';
import { FILES, OWNER, majority } from './render.js';
import type { Topology } from './scripts.js';
import { renderCredentialFiles, type Passwords } from './users.js';

export interface RedisClusterArgs {
  readonly stack: StackContext;
  /** Host port of the node that is master at first. A change replaces the container; the data stays. */
  readonly masterPort: number;
  /** Host port of the node that is its replica at first. A change replaces the container; the data stays. */
  readonly replicaPort: number;
  /** Host port of the first Sentinel; the others follow. A change replaces the Sentinels. */
  readonly sentinelPort: number;
  /** How many Sentinels: an odd number. A change replaces all containers, one after the other. */
  readonly sentinels: number;
  /** CPU limit of each data node, in cores. A change replaces it. */
  readonly cpus: number;
  /** Memory limit of each data node, in MiB. Changed in place. */
  readonly memoryMb: number;
  /** `maxmemory` of each data node, in MiB; at most 83 % of `memoryMb`. A change replaces the data nodes. */
  readonly maxMemoryMb: number;
  /** CPU limit of each Sentinel, in cores: starved for two seconds, it stops judging for thirty. */
  readonly sentinelCpus: number;
  /** Memory limit of each Sentinel, in MiB. */
  readonly sentinelMemoryMb: number;
  /** Passwords of the users of the data nodes. A change is taken over at run time; nothing restarts. */
  readonly users: Readonly<Record<CacheClient, Slots>>;
  /** Password that clients show to the Sentinels. A change is taken over at run time; nothing restarts. */
  readonly sentinelClients: Slots;
}

/**
 * A data node, its replica and the Sentinels that watch them. Clients ask a Sentinel for the master; which of the two
 * nodes that is changes with every failover.
 */
export class RedisCluster extends Component implements Ready {
  readonly sentinelEndpoints: readonly Endpoint[];
  /** The node that is master at first. Who writes asks the Sentinels. */
  readonly masterEndpoint: Endpoint;
  readonly replicaEndpoint: Endpoint;
  /** Every address that the Sentinels name (`address:port`) → where it is for those outside the network. */
  readonly natMap: Readonly<Record<string, string>>;
  readonly master: RedisMaster;
  readonly replica: RedisReplica;
  readonly sentinels: readonly RedisSentinel[];
  readonly ready: pulumi.Resource[];

  constructor(args: RedisClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super('telegram:data:RedisCluster', 'telegram-redis', opts);
    const topology = topologyOf(args);
    const secrets = pulumi.secret(credentialFiles(args));
    const volume = dataVolume(args.stack, this.child('credentials'), this.under(), 'disposable').name;
    const credentials = this.#writeCredentials(args, volume, secrets);
    const common = { ...args, topology, credentials: volume };
    const parent = { parent: this };
    this.master = new RedisMaster({ ...common, port: args.masterPort, after: [credentials] }, parent);
    // One after the other, so that a change of both leaves one of them serving.
    this.replica = new RedisReplica({ ...common, port: args.replicaPort, after: [this.master.container] }, parent);
    const after = [this.master.container, this.replica.container];
    this.sentinels = topology.sentinels.map((_, index) => new RedisSentinel({ ...common, index, after }, parent));
    this.masterEndpoint = this.master.endpoint;
    this.replicaEndpoint = this.replica.endpoint;
    this.sentinelEndpoints = this.sentinels.map(({ endpoint }) => endpoint);
    this.natMap = natMapOf([this.masterEndpoint, this.replicaEndpoint, ...this.sentinelEndpoints]);
    this.ready = [this.#reload(args, secrets)];
    this.registerOutputs({ natMap: this.natMap });
  }

  #writeCredentials(
    { stack }: RedisClusterArgs,
    volume: pulumi.Output<string>,
    secrets: pulumi.Output<Readonly<Record<string, string>>>,
  ): pulumi.Resource {
    const files = Object.fromEntries(
      CREDENTIAL_FILES.map((name) => [name, secrets.apply((contents) => contents[name] ?? '')]),
    );
    return filesInVolume(stack, this.child('credential-files'), { volume, files, owner: OWNER }, this.under());
  }

  /**
   * Takes rewritten credentials over: accepted everywhere first, then used. Runs again when a password changed, and only
   * then; at first it changes nothing.
   */
  #reload({ stack }: RedisClusterArgs, secrets: pulumi.Output<Readonly<Record<string, string>>>): local.Command {
    const containers = [this.master, this.replica, ...this.sentinels].map(({ container }) => container);
    return new local.Command(
      this.child('reload'),
      {
        create: `for step in accept use; do for name in $CONTAINERS; do docker exec "$name" sh ${FILES}/reload.sh $step || exit 1; done; done`,
        stdin: secrets.apply((files) => createHash('sha256').update(JSON.stringify(files)).digest('hex')),
        environment: {
          CONTAINERS: pulumi.all(containers.map(({ name }) => name)).apply((names) => names.join(' ')),
          ...(stack.dockerHost && { DOCKER_HOST: stack.dockerHost }),
        },
        logging: local.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      this.under({ dependsOn: containers }),
    );
  }
}

const CREDENTIAL_FILES = [
  'users.acl',
  'sentinel-users.acl',
  'replication.conf',
  'sentinel.conf',
  'admin',
  'sentinel',
  'sentinel-client',
] as const;

function topologyOf({ stack, sentinels }: RedisClusterArgs): Topology {
  return {
    nodes: [stack.address(HOST_NUMBERS.redisMaster), stack.address(HOST_NUMBERS.redisReplica)],
    sentinels: Array.from({ length: sentinels }, (_, n) => stack.address(HOST_NUMBERS.redisSentinel + n)),
    quorum: majority(sentinels),
  };
}

function credentialFiles({ users, sentinelClients }: RedisClusterArgs): pulumi.Output<Record<string, string>> {
  const names = Object.keys(users) as CacheClient[];
  return pulumi
    .all([pulumi.all(names.map((name) => plain(users[name]))), plain(sentinelClients)])
    .apply(([passwords, clients]) => ({
      ...renderCredentialFiles(
        Object.fromEntries(names.map((name, n) => [name, passwords[n]])) as Record<CacheClient, Passwords>,
        clients,
      ),
    }));
}

function plain({ a, b, active }: Slots): pulumi.Output<Passwords> {
  return pulumi.all([a, b]).apply(([first, second]) => ({ a: first, b: second, active }));
}

function natMapOf(endpoints: readonly Endpoint[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    endpoints.map(({ inNetwork, published }) => [
      `${inNetwork.host}:${String(inNetwork.port)}`,
      `${published.host}:${String(published.port)}`,
    ]),
  );
}
