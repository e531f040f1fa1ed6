import type * as docker from '@pulumi/docker';
import * as pulumi from '@pulumi/pulumi';
import { PORTS } from '../../runtime/contract.js';
import { Component } from '../component.js';
import { dataVolume } from '../data-volume.js';
import { addressFor, endpointIn, type Endpoint, type Ready } from '../endpoint.js';
import { filesInVolume, hangUp } from '../one-shot.js';
import { serviceContainer } from '../service-container.js';
import { refuseBelowFloor } from '../version-floor.js';
import { HOST_NUMBERS, type StackContext } from '../stack-context.js';
import { AUTHORITIES_PATH, HEALTH_PROBE, pgbouncerIni, userlist } from './render.js';

export interface PgBouncerUser {
  /** Login role of the database, or `pgb_admin…` / `pgb_stats…` for PgBouncer's own console. */
  readonly role: string;
  /** SCRAM verifier, byte for byte as PostgreSQL stores it. A change reloads, nothing restarts. */
  readonly verifier: pulumi.Output<string>;
}

export interface PgBouncerArgs {
  readonly stack: StackContext;
  /** Host port. A change replaces the container. */
  readonly port: number;
  /** CPU limit, in cores; PgBouncer uses one at most. A change replaces the container. */
  readonly cpus: number;
  /** Memory limit in MiB. Changed in place. */
  readonly memoryMb: number;
  /** Server connections in all, shared out among the roles. A change replaces the container. */
  readonly maxServerConnections: number;
  /** Client connections in all. A change replaces the container. */
  readonly maxClientConnections: number;
  readonly database: Endpoint;
  /** Every login. A new or missing role replaces the container, a new verifier reloads it. */
  readonly users: readonly PgBouncerUser[];
  /** What comes before a new verifier reaches the user list: PostgreSQL has to know it first. @default nothing */
  readonly after?: readonly pulumi.Resource[];
  /** Refuse an image below the security floor. @default false */
  readonly enforceFloor?: boolean;
}

const OWNER = '70:70';
const CONFIGURATION = '/etc/pgbouncer/pgbouncer.ini';

/**
 * Transaction pooling in front of TimescaleDB. It outlives the database's restarts: clients wait, at most
 * `query_wait_timeout`. It holds verifiers only, never a password.
 */
export class PgBouncer extends Component implements Ready {
  readonly endpoint: Endpoint;
  readonly container: docker.Container;
  readonly ready: pulumi.Resource[];

  constructor(args: PgBouncerArgs, opts?: pulumi.ComponentResourceOptions) {
    super('telegram:data:PgBouncer', 'telegram-pgbouncer', opts);
    const credentials = dataVolume(args.stack, this.child('credentials'), this.under(), 'disposable');
    const users = this.#writeUserlist(args, credentials);
    const floor = args.enforceFloor ? [this.#enforceFloor(args)] : [];
    this.container = this.#createContainer(args, credentials, [users, ...floor]);
    this.endpoint = endpointIn(args.stack, {
      host: HOST_NUMBERS.pgbouncer,
      internal: PORTS.pgbouncer,
      external: args.port,
    });
    this.ready = [this.container, users];
    this.registerOutputs({ endpoint: this.endpoint });
  }

  #writeUserlist({ stack, users, after }: PgBouncerArgs, credentials: docker.Volume): pulumi.Resource {
    const entries = pulumi.all(users.map(({ role, verifier }) => verifier.apply((text) => ({ role, verifier: text }))));
    return filesInVolume(
      stack,
      this.child('userlist'),
      {
        volume: credentials.name,
        files: { 'userlist.txt': pulumi.secret(entries.apply(userlist)) },
        owner: OWNER,
        then: hangUp(stack.namePrefix + this.componentName),
      },
      this.under({ dependsOn: [...(after ?? [])] }),
    );
  }

  #enforceFloor({ stack }: PgBouncerArgs): pulumi.Resource {
    const args = { image: stack.images.get('pgbouncer'), acceptedBy: 'telegram:pgbouncer.acceptBelowFloor' };
    return refuseBelowFloor(stack, this.child('floor'), args, this.under());
  }

  #createContainer(args: PgBouncerArgs, credentials: docker.Volume, after: pulumi.Resource[]): docker.Container {
    const { stack, database } = args;
    const ini = pgbouncerIni({
      database: addressFor(stack, database),
      tls: database.tls,
      ownAuthorities: database.authorities !== undefined,
      maxServerConnections: args.maxServerConnections,
      maxClientConnections: args.maxClientConnections,
      roles: args.users.map(({ role }) => role),
    });
    return serviceContainer(
      stack,
      {
        name: this.componentName,
        image: stack.images.get('pgbouncer'),
        host: HOST_NUMBERS.pgbouncer,
        ports: [{ internal: PORTS.pgbouncer, external: args.port }],
        cpus: args.cpus,
        memoryMb: args.memoryMb,
        entrypoint: ['pgbouncer', CONFIGURATION],
        files: [
          { path: CONFIGURATION, content: ini },
          ...(database.authorities === undefined ? [] : [{ path: AUTHORITIES_PATH, content: database.authorities }]),
        ],
        volumes: [{ volume: credentials.name, path: '/credentials', readOnly: true }],
        user: OWNER,
        health: [...HEALTH_PROBE],
        // Waits for running transactions; SIGTERM would wait for every client to leave.
        stopSignal: 'SIGINT',
      },
      this.under({ dependsOn: after }),
    );
  }
}
