import type * as docker from '@pulumi/docker';
import type * as pulumi from '@pulumi/pulumi';
import { DATABASE } from '../../runtime/contract.js';
import { addressFor, type Address, type Endpoint } from '../endpoint.js';
import { serviceContainer, type ServiceContainerArgs } from '../service-container.js';
import { HOST_NUMBERS, type StackContext } from '../stack-context.js';
import { hangUp } from '../one-shot.js';
import { customQueriesYml, nodeExporterOn, SUPERVISE } from './render.js';

/** uid and gid of everything in the monitoring images. */
export const OWNER = '65534:65534';

export const EXPORTERS = {
  postgres: { container: 'telegram-postgres-exporter', host: HOST_NUMBERS.exporters, port: 9187 },
  redis: { container: 'telegram-redis-exporter', host: HOST_NUMBERS.exporters + 1, port: 9121 },
  pgbouncer: { container: 'telegram-pgbouncer-exporter', host: HOST_NUMBERS.exporters + 2, port: 9127 },
  node: { container: nodeExporterOn(''), host: HOST_NUMBERS.exporters + 3, port: 9100 },
} as const;
export type Exporter = keyof typeof EXPORTERS;

export interface ExporterArgs {
  readonly stack: StackContext;
  readonly ports: Readonly<Record<Exporter, number>>;
  readonly cpus: number;
  readonly memoryMb: number;
  readonly database: Endpoint;
  readonly pooler: Endpoint;
  readonly credentials: pulumi.Input<string>;
  /** Each Docker host with what its node_exporter has for text files, the home host first. */
  readonly hosts: readonly ExportedHost[];
  readonly redis: boolean;
}

/** A Docker host that is asked for its own figures. */
export interface ExportedHost {
  readonly stack: StackContext;
  /** Volume with files of metrics at its root. */
  readonly textfiles: pulumi.Input<string>;
}

/** One container an exporter: PostgreSQL with custom queries, PgBouncer, each Docker host, and Redis where it is the stack's own. */
export function createExporters(args: ExporterArgs, opts: pulumi.CustomResourceOptions): docker.Container[] {
  return [
    exporter(args, 'postgres', postgres(addressFor(args.stack, args.database), args.database), opts),
    exporter(args, 'pgbouncer', pgbouncer(addressFor(args.stack, args.pooler)), opts),
    ...args.hosts.map(({ stack, textfiles }) => exporter({ ...args, stack }, 'node', node(textfiles), opts)),
    ...(args.redis ? [exporter(args, 'redis', redis(), opts)] : []),
  ];
}

/** Shell commands that make every exporter read its logins again. The containers stay, and so does the Redis exporter's process. */
export function readAgain({ namePrefix }: StackContext): string {
  const { postgres: database, pgbouncer: pool, redis: cache } = EXPORTERS;
  const reload = `curl -fsS -o /dev/null http://127.0.0.1:${String(cache.port)}/-/reload`;
  return [
    hangUp(namePrefix + database.container),
    hangUp(namePrefix + pool.container),
    `docker exec ${namePrefix}${cache.container} ${reload} >/dev/null 2>&1 || true`,
  ].join('\n');
}

/** What an exporter has of its own. */
interface Own extends Pick<ServiceContainerArgs, 'env' | 'files' | 'volumes'> {
  readonly argv: readonly string[];
}

function exporter(
  { stack, ports, cpus, memoryMb, credentials }: ExporterArgs,
  which: Exporter,
  { argv, ...own }: Own,
  opts: pulumi.CustomResourceOptions,
): docker.Container {
  const { container, host, port } = EXPORTERS[which];
  return serviceContainer(
    stack,
    {
      name: which === 'node' ? nodeExporterOn(stack.on) : container,
      image: stack.images.get('exporters'),
      host,
      ports: [{ internal: port, external: ports[which] }],
      cpus,
      memoryMb,
      entrypoint: argv,
      volumes: [{ volume: credentials, path: '/credentials', readOnly: true }],
      user: OWNER,
      health: ['curl', '-fsS', '-m', '5', '-o', '/dev/null', `http://127.0.0.1:${String(port)}/`],
      ...own,
    },
    opts,
  );
}

function postgres(address: Address, { tls, authorities }: Endpoint): Own {
  const queries = '/etc/exporter/queries.yml';
  const bundle = '/etc/exporter/authorities.pem';
  const verified = authorities === undefined ? 'verify-full' : `verify-full&sslrootcert=${bundle}`;
  return {
    argv: [...SUPERVISE, 'prometheus-postgres-exporter', `--extend.query-path=${queries}`, '--no-collector.wal'],
    files: [
      { path: queries, content: customQueriesYml() },
      ...(authorities === undefined ? [] : [{ path: bundle, content: authorities }]),
    ],
    env: {
      DATA_SOURCE_URI: `${address.host}:${String(address.port)}/${DATABASE}?sslmode=${tls ? verified : 'disable'}`,
      DATA_SOURCE_USER_FILE: '/credentials/postgres-user',
      DATA_SOURCE_PASS_FILE: '/credentials/postgres-password',
    },
  };
}

/** The user comes from the credentials, and the password from the pgpass file that the exporter's library reads itself. */
function pgbouncer({ host, port }: Address): Own {
  const url = `postgres://${host}:${String(port)}/pgbouncer?sslmode=disable`;
  return {
    argv: [
      ...SUPERVISE,
      '/bin/sh',
      '-c',
      `PGUSER=$(cat /credentials/pgbouncer-user) exec prometheus-pgbouncer-exporter --pgBouncer.connectionString=${url}`,
    ],
    env: { PGPASSFILE: '/credentials/pgbouncer.pgpass' },
  };
}

/** `CONFIG` would show the replication password; everything that is needed is in INFO. */
function redis(): Own {
  return {
    argv: [
      'prometheus-redis-exporter',
      '--redis.addr=',
      '--redis.password-file=/credentials/redis.json',
      '--config-command=-',
    ],
  };
}

/**
 * The Docker host without any of its folders: `/proc` shows a container the CPUs and memory of the host, and its volume lies on the
 * disk where Docker keeps its data. In that volume a scheduled backup leaves its time.
 */
function node(textfiles: pulumi.Input<string>): Own {
  return {
    argv: [
      'prometheus-node-exporter',
      '--collector.disable-defaults',
      ...['cpu', 'meminfo', 'loadavg', 'filesystem', 'textfile', 'time'].map((name) => `--collector.${name}`),
      '--collector.textfile.directory=/textfiles',
    ],
    volumes: [{ volume: textfiles, path: '/textfiles', readOnly: true }],
  };
}
