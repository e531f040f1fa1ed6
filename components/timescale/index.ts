import type * as docker from '@pulumi/docker';
import type * as pulumi from '@pulumi/pulumi';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PORTS } from '../../runtime/contract.js';
import { Component } from '../component.js';
import { dataVolume } from '../data-volume.js';
import { endpointIn, type Endpoint, type Ready } from '../endpoint.js';
import { filesInVolume } from '../one-shot.js';
import { serviceContainer } from '../service-container.js';
import { HOST_NUMBERS, type StackContext } from '../stack-context.js';
import { memoryPlan, pgHbaConf, postgresqlConf, type Archiving } from './render.js';

export interface TimescaleDbArgs {
  readonly stack: StackContext;
  /** Host port. A change replaces the container; the data stays. */
  readonly port: number;
  /** CPU limit, in cores; also decides the parallel workers. A change replaces the container. */
  readonly cpus: number;
  /** Memory limit in MiB; `postgresql.conf` is computed from it. A change replaces the container. */
  readonly memoryMb: number;
  /** `max_connections`. A change replaces the container. */
  readonly maxConnections: number;
  /** Networks that clients come from: the stack's own, and on a further Docker host those of the others. A change replaces the container. */
  readonly clients: readonly string[];
  /** WAL is handed to the backup, which shares the data volume. A change replaces the container; null is off. */
  readonly archiving: Archiving | null;
  /** Password of the superuser `postgres`. Counts when the container starts, also on a volume that outlived its stack. */
  readonly bootstrapPassword: pulumi.Output<string>;
}

/** Owner of data and secrets: uid and gid of `postgres` in the official image and in the project's own. */
const OWNER = '70:70';
const START_SCRIPT = '/telegram/start-postgres.sh';

/** A script of this folder, where the container has it. */
const file = (name: string) => ({
  path: `/telegram/${name}`,
  content: readFileSync(join('components', 'timescale', name), 'utf8'),
});

/**
 * PostgreSQL 17 with TimescaleDB: database `telegram_gateway`, superuser `postgres`, nothing else; roles and tables are
 * the migrations' business. The data volume is mounted at the image's own data path, so that no anonymous one takes its
 * place.
 */
export class TimescaleDb extends Component implements Ready {
  readonly endpoint: Endpoint;
  readonly container: docker.Container;
  /** Volume that holds the cluster; the backup reads it. */
  readonly dataVolume: pulumi.Output<string>;
  readonly ready: pulumi.Resource[];

  constructor(args: TimescaleDbArgs, opts?: pulumi.ComponentResourceOptions) {
    super('telegram:data:TimescaleDb', 'telegram-timescaledb', opts);
    const data = dataVolume(args.stack, this.child('data'), this.under());
    this.dataVolume = data.name;
    const credentials = dataVolume(args.stack, this.child('credentials'), this.under(), 'disposable');
    const password = this.#writePassword(args, credentials);
    this.container = this.#createContainer(args, data, credentials, password);
    this.endpoint = endpointIn(args.stack, {
      host: HOST_NUMBERS.timescaledb,
      internal: PORTS.postgres,
      external: args.port,
    });
    this.ready = [this.container];
    this.registerOutputs({ endpoint: this.endpoint });
  }

  #writePassword(args: TimescaleDbArgs, credentials: docker.Volume): pulumi.Resource {
    return filesInVolume(
      args.stack,
      this.child('bootstrap-password'),
      { volume: credentials.name, files: { 'bootstrap-password': args.bootstrapPassword }, owner: OWNER },
      this.under(),
    );
  }

  #createContainer(
    args: TimescaleDbArgs,
    data: docker.Volume,
    credentials: docker.Volume,
    password: pulumi.Resource,
  ): docker.Container {
    const { stack } = args;
    return serviceContainer(
      stack,
      {
        name: this.componentName,
        image: stack.images.get('timescaledb'),
        host: HOST_NUMBERS.timescaledb,
        ports: [{ internal: PORTS.postgres, external: args.port }],
        cpus: args.cpus,
        memoryMb: args.memoryMb,
        shmMb: memoryPlan(args).shmMb,
        entrypoint: ['sh', START_SCRIPT],
        files: [
          file('start-postgres.sh'),
          { path: '/telegram/postgresql.conf', content: postgresqlConf(args, args.archiving) },
          { path: '/telegram/pg_hba.conf', content: pgHbaConf(args.clients, args.archiving !== null) },
          ...(args.archiving ? [file('pgbackrest-spool.sh'), file('fetch-wal.sh')] : []),
        ],
        volumes: [
          { volume: data.name, path: '/var/lib/postgresql/data' },
          { volume: credentials.name, path: '/credentials', readOnly: true },
        ],
        user: OWNER,
        tmpfs: { '/var/run/postgresql': 'rw,noexec,nosuid,size=1m,uid=70,gid=70,mode=0755' },
        health: ['pg_isready', '-q', '-h', '127.0.0.1', '-p', String(PORTS.postgres), '-t', '3'],
        waitS: 180,
        graceS: 60,
        // Fast shutdown: sessions are cut off, the checkpoint is written.
        stopSignal: 'SIGINT',
      },
      this.under({ dependsOn: [password] }),
    );
  }
}
