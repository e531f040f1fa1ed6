import type * as docker from '@pulumi/docker';
import type * as pulumi from '@pulumi/pulumi';
import { PORTS } from '../../runtime/contract.js';
import { Component } from '../component.js';
import { dataVolume } from '../data-volume.js';
import { endpointIn, type Endpoint } from '../endpoint.js';
import { serviceContainer, type ServiceContainerArgs } from '../service-container.js';
import { HOST_NUMBERS, type StackContext } from '../stack-context.js';
import { CREDENTIALS, FILES, OWNER, renderRedisConf, renderSentinelConf } from './render.js';
import {
  nodeHealthScript,
  nodeStartScript,
  reloadScript,
  sentinelHealthScript,
  sentinelStartScript,
  type Topology,
} from './scripts.js';

interface NodeArgs {
  readonly stack: StackContext;
  readonly topology: Topology;
  /** Name of the volume with the secret files. */
  readonly credentials: pulumi.Input<string>;
  /** What the container starts after. */
  readonly after: readonly pulumi.Resource[];
  /** Host port. */
  readonly port: number;
  readonly cpus: number;
  readonly memoryMb: number;
  readonly maxMemoryMb: number;
}

/** What is the same in both data nodes, which differ in where they stand and in the role they have at first. */
abstract class RedisNode extends Component {
  readonly container: docker.Container;
  readonly endpoint: Endpoint;

  protected constructor(
    kind: 'Master' | 'Replica',
    host: number,
    args: NodeArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(`telegram:data:Redis${kind}`, `telegram-redis-${kind.toLowerCase()}`, opts);
    const { stack, topology, maxMemoryMb } = args;
    const address = stack.address(host);
    this.container = redisContainer(this.componentName, args, this.under(), {
      host,
      ports: [{ internal: PORTS.redis, external: args.port }],
      cpus: args.cpus,
      memoryMb: args.memoryMb,
      files: [
        { path: `${FILES}/redis.conf`, content: renderRedisConf({ address, maxMemoryMb }) },
        { path: `${FILES}/start.sh`, content: nodeStartScript(topology, address) },
        { path: `${FILES}/health.sh`, content: nodeHealthScript() },
        { path: `${FILES}/reload.sh`, content: reloadScript('node') },
      ],
    });
    this.endpoint = endpointIn(stack, { host, internal: PORTS.redis, external: args.port });
    this.registerOutputs({ endpoint: this.endpoint });
  }
}

/** The data node that is master at first. */
export class RedisMaster extends RedisNode {
  constructor(args: NodeArgs, opts?: pulumi.ComponentResourceOptions) {
    super('Master', HOST_NUMBERS.redisMaster, args, opts);
  }
}

/** The data node that is replica at first. */
export class RedisReplica extends RedisNode {
  constructor(args: NodeArgs, opts?: pulumi.ComponentResourceOptions) {
    super('Replica', HOST_NUMBERS.redisReplica, args, opts);
  }
}

interface SentinelArgs {
  readonly stack: StackContext;
  readonly topology: Topology;
  readonly credentials: pulumi.Input<string>;
  readonly after: readonly pulumi.Resource[];
  /** Which one, from 0. */
  readonly index: number;
  /** Host port of the first. */
  readonly sentinelPort: number;
  readonly sentinelCpus: number;
  readonly sentinelMemoryMb: number;
}

/** One Sentinel. What it knows of the past (its id, epochs, the master) is in its volume. */
export class RedisSentinel extends Component {
  readonly container: docker.Container;
  readonly endpoint: Endpoint;

  constructor(args: SentinelArgs, opts?: pulumi.ComponentResourceOptions) {
    super('telegram:data:RedisSentinel', `telegram-redis-sentinel-${String(args.index + 1)}`, opts);
    const { stack, topology } = args;
    const host = HOST_NUMBERS.redisSentinel + args.index;
    const address = stack.address(host);
    const port = args.sentinelPort + args.index;
    this.container = redisContainer(this.componentName, args, this.under(), {
      host,
      ports: [{ internal: PORTS.sentinel, external: port }],
      cpus: args.sentinelCpus,
      memoryMb: args.sentinelMemoryMb,
      files: [
        { path: `${FILES}/sentinel.conf`, content: renderSentinelConf({ address, quorum: topology.quorum }) },
        { path: `${FILES}/start.sh`, content: sentinelStartScript(topology, address) },
        { path: `${FILES}/health.sh`, content: sentinelHealthScript() },
        { path: `${FILES}/reload.sh`, content: reloadScript('sentinel') },
      ],
    });
    this.endpoint = endpointIn(stack, { host, internal: PORTS.sentinel, external: port });
    this.registerOutputs({ endpoint: this.endpoint });
  }
}

/** A container of the Redis image with a data volume and the secret files. */
function redisContainer(
  name: string,
  { stack, credentials, after }: Pick<NodeArgs, 'stack' | 'credentials' | 'after'>,
  opts: pulumi.CustomResourceOptions,
  own: Pick<ServiceContainerArgs, 'host' | 'ports' | 'cpus' | 'memoryMb' | 'files'>,
): docker.Container {
  const data = dataVolume(stack, `${name}-data`, opts);
  return serviceContainer(
    stack,
    {
      ...own,
      name,
      image: stack.images.get('redis'),
      entrypoint: ['sh', `${FILES}/start.sh`],
      volumes: [
        { volume: data.name, path: '/data' },
        { volume: credentials, path: CREDENTIALS, readOnly: true },
      ],
      user: OWNER,
      health: ['sh', `${FILES}/health.sh`],
      waitS: 60,
      // A master that stops waits up to five seconds for its replica to catch up.
      graceS: 20,
    },
    { ...opts, dependsOn: [...after] },
  );
}
