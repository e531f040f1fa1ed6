import type * as docker from '@pulumi/docker';
import { local } from '@pulumi/command';
import * as pulumi from '@pulumi/pulumi';
import { PORTS, type BrokerClient } from '../../runtime/contract.js';
import { Component } from '../component.js';
import { dataVolume } from '../data-volume.js';
import { endpointIn, type Endpoint, type Ready } from '../endpoint.js';
import { filesInVolume } from '../one-shot.js';
import { serviceContainer } from '../service-container.js';
import type { Slots } from '../slots.js';
import { HOST_NUMBERS, type StackContext } from '../stack-context.js';
import {
  DATA,
  FILES,
  HOSTNAME,
  NODE_NAME,
  OWNER,
  renderDefinitions,
  renderEnabledPlugins,
  renderErlangArguments,
  renderHealthScript,
  renderRabbitmqConf,
  renderStartScript,
} from './render.js';
import { renderUsers, type BrokerPasswords } from './users.js';

export interface RabbitMqArgs {
  readonly stack: StackContext;
  /** Host port of AMQP. A change replaces the container; the messages stay. */
  readonly amqpPort: number;
  /** Host port of the management interface. A change replaces the container. */
  readonly managementPort: number;
  /** Host port of the Prometheus metrics. A change replaces the container. */
  readonly metricsPort: number;
  /** CPU limit, in cores; also decides the schedulers. A change replaces the container. */
  readonly cpus: number;
  /** Memory limit in MiB; publishers are held back from 60 % on. A change replaces the container. */
  readonly memoryMb: number;
  /** Consumer groups that have a queue. One more replaces the container; a queue that is no longer named stays until somebody deletes it. */
  readonly groups: readonly string[];
  /** Passwords and salts of the clients. A change is taken over at run time; nothing restarts. */
  readonly users: Readonly<Record<BrokerClient, Slots & Salts>>;
  /** Secret that RabbitMQ's own tools share with the broker. Counts at the start of the container. */
  readonly cookie: pulumi.Output<string>;
}

interface Salts {
  /** Base64, 4 bytes. */
  readonly saltA: pulumi.Output<string>;
  readonly saltB: pulumi.Output<string>;
}

/**
 * The broker: topology from files when it starts, users at run time. Its data is in a volume that belongs to the node name,
 * which is fixed.
 */
export class RabbitMq extends Component implements Ready {
  readonly endpoint: Endpoint;
  readonly managementEndpoint: Endpoint;
  readonly metricsEndpoint: Endpoint;
  readonly container: docker.Container;
  readonly ready: pulumi.Resource[];

  constructor(args: RabbitMqArgs, opts?: pulumi.ComponentResourceOptions) {
    super('telegram:data:RabbitMq', HOSTNAME, opts);
    const credentials = dataVolume(args.stack, this.child('credentials'), this.under(), 'disposable');
    const cookie = this.#writeCookie(args, credentials);
    this.container = this.#createContainer(args, credentials, cookie);
    const at = (internal: number, external: number) =>
      endpointIn(args.stack, { host: HOST_NUMBERS.rabbitmq, internal, external });
    this.endpoint = at(PORTS.amqp, args.amqpPort);
    this.managementEndpoint = at(PORTS.rabbitManagement, args.managementPort);
    this.metricsEndpoint = at(PORTS.rabbitMetrics, args.metricsPort);
    this.ready = [this.#importUsers(args)];
    this.registerOutputs({ endpoint: this.endpoint });
  }

  #writeCookie({ stack, cookie }: RabbitMqArgs, credentials: docker.Volume): pulumi.Resource {
    return filesInVolume(
      stack,
      this.child('cookie'),
      { volume: credentials.name, files: { 'erlang.cookie': cookie }, owner: OWNER },
      this.under(),
    );
  }

  #createContainer(args: RabbitMqArgs, credentials: docker.Volume, cookie: pulumi.Resource): docker.Container {
    const { stack } = args;
    const data = dataVolume(stack, this.child('data'), this.under());
    return serviceContainer(
      stack,
      {
        name: this.componentName,
        image: stack.images.get('rabbitmq'),
        host: HOST_NUMBERS.rabbitmq,
        ports: [
          { internal: PORTS.amqp, external: args.amqpPort },
          { internal: PORTS.rabbitManagement, external: args.managementPort },
          { internal: PORTS.rabbitMetrics, external: args.metricsPort },
        ],
        cpus: args.cpus,
        memoryMb: args.memoryMb,
        entrypoint: ['sh', `${FILES}/start.sh`],
        files: [
          { path: `${FILES}/rabbitmq.conf`, content: renderRabbitmqConf(args) },
          { path: `${FILES}/enabled_plugins`, content: renderEnabledPlugins() },
          { path: `${FILES}/definitions.json`, content: renderDefinitions(args.groups) },
          { path: `${FILES}/start.sh`, content: renderStartScript() },
          { path: `${FILES}/health.sh`, content: renderHealthScript() },
        ],
        env: {
          HOME: DATA,
          RABBITMQ_NODENAME: NODE_NAME,
          RABBITMQ_LOGS: '-',
          RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: renderErlangArguments(args),
        },
        volumes: [
          { volume: data.name, path: DATA },
          { volume: credentials.name, path: '/credentials', readOnly: true },
        ],
        user: OWNER,
        health: ['bash', `${FILES}/health.sh`],
        // Seven seconds of CPU on one free core; a slow or busy machine takes a multiple.
        waitS: 150,
        graceS: 60,
      },
      this.under({ dependsOn: [cookie] }),
    );
  }

  /**
   * Makes the users and sets their passwords and rights, in one call of RabbitMQ's tool (each one starts a virtual machine).
   * The hashes arrive on stdin and stand in the container's own tmpfs while they are read, because the tool waits for ever on a
   * stdin that is a pipe. Runs again when a password changed, or for another container.
   */
  #importUsers({ stack, users }: RabbitMqArgs): local.Command {
    return new local.Command(
      this.child('users'),
      {
        create: `docker exec -i "$CONTAINER" sh -c '${IMPORT}'`,
        stdin: pulumi.secret(plain(users).apply(renderUsers)),
        environment: {
          CONTAINER: this.container.name,
          CONTAINER_ID: this.container.id,
          ...(stack.dockerHost && { DOCKER_HOST: stack.dockerHost }),
        },
        logging: local.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      this.under({ dependsOn: [this.container] }),
    );
  }
}

const IMPORT = [
  'umask 077',
  'trap "rm -f /tmp/users.json" EXIT',
  'cat >/tmp/users.json',
  'rabbitmqctl --quiet import_definitions /tmp/users.json </dev/null',
].join('; ');

function plain(
  users: Readonly<Record<BrokerClient, Slots & Salts>>,
): pulumi.Output<Record<BrokerClient, BrokerPasswords>> {
  const names = Object.keys(users) as BrokerClient[];
  return pulumi
    .all(names.map((name) => plainPair(users[name])))
    .apply(
      (pairs) => Object.fromEntries(names.map((name, n) => [name, pairs[n]])) as Record<BrokerClient, BrokerPasswords>,
    );
}

function plainPair({ a, b, saltA, saltB }: Slots & Salts): pulumi.Output<BrokerPasswords> {
  return pulumi.all([a, b, saltA, saltB]).apply(([first, second, firstSalt, secondSalt]) => ({
    a: first,
    b: second,
    saltA: firstSalt,
    saltB: secondSalt,
  }));
}
