import { join } from 'node:path';
import type { ClientConfig } from 'pg';
import { BACKUP_CONTAINER } from '../../components/backup/render.js';
import { trust } from '../../runtime/tls.js';
import { DATABASE } from '../../runtime/contract.js';
import { parseStackFile, type StackConfig } from '../../stack/config.js';
import type { SourceConfig } from '../../stack/config-schema.js';
import { UserError } from '../../stack/errors.js';
import type { ServiceAddress, StackOutputs } from '../../stack/outputs.js';
import type { DockerHost } from '../../stack/docker-host.js';
import { databaseAt } from '../sql.js';
import { openStack, runningStack, type StackOptions } from '../context.js';
import type { Source } from './databases.js';
import { SshNewGateway } from './new-gateway.js';
import { DockerOldGateway } from './old-gateway.js';
import type { NewGateway, OldGateway } from './ports.js';

/** Both ends of the migration of a stack, as its configuration and its outputs name them. */
export interface Ends {
  readonly config: SourceConfig;
  readonly retention: StackConfig['retention'];
  /** `host:port/database.schema`: what the journal knows the source by. */
  readonly name: string;
  readonly source: Source;
  /** PEM certificates of the authorities that TLS is verified with on both ends. @default the well-known ones */
  readonly authorities: string | undefined;
  readonly target: ClientConfig;
  readonly old: OldGateway;
  readonly fresh: NewGateway;
  /** Where the new database and `dumpFrom` are. */
  readonly docker: DockerHost;
  /** Container of the new database; null for an external engine. */
  readonly container: string | null;
  /** Container whose image has the `pg_dump` for the old schema. */
  readonly dumpFrom: string;
  readonly folder: string;
  readonly connections: { readonly file: string; readonly url: string } | null;
}

export async function endsOf(options: StackOptions): Promise<Ends> {
  const { folder, outputs, hosts } = await runningStack(options);
  const all = parseStackFile(await openStack(options).choice.engine.config());
  const { source: config, retention, timescale, tlsAuthorities } = all;
  if (!config)
    throw new UserError('MIGRATE_SOURCE', 'the stack file names no telegram:source', {
      fix: 'Set the keys of telegram:source; docs/configuration.md lists them, docs/guides/migration.md shows one.',
    });
  const { host, port, database, schema, user, password, tls } = config;
  const container = timescale.kind === 'container' ? `${outputs.namePrefix}telegram-timescaledb` : null;
  // Beside an external database, the backup brings the clients of PostgreSQL; the image of an old gateway may.
  const backup = outputs.backup === 'off' ? null : outputs.namePrefix + BACKUP_CONTAINER;
  const dumpFrom = container ?? backup ?? config.container;
  return {
    config,
    retention,
    name: `${host}:${String(port)}/${database}.${schema}`,
    source: { client: { host, port, database, user, password, ssl: tls && trust(tlsAuthorities) }, schema },
    authorities: tlsAuthorities,
    target: databaseAt(outputs, 'timescaledb'),
    old: new DockerOldGateway(hosts.home, config),
    fresh: new SshNewGateway(outputs.gatewayLogin, () => isReady(service(outputs, 'gateway'))),
    docker: hosts.at(dumpFrom),
    container,
    dumpFrom,
    folder: join(folder.path, 'migration'),
    connections:
      config.connectionsFile === undefined ? null : { file: config.connectionsFile, url: readerUrl(outputs) },
  };
}

function service({ services }: StackOutputs, name: string): ServiceAddress {
  const found = services[name];
  if (!found) throw new UserError('NOT_UP', `the stack has no ${name}`);
  return found;
}

function login(outputs: StackOutputs, name: string): { host: string; port: number; user: string; password: string } {
  const { host, port } = service(outputs, name);
  const { user = '', password = '' } = outputs.logins[name] ?? {};
  return { host, port, user, password };
}

/** Applications of the old layout read the database: the reader's login, through the pool. */
function readerUrl(outputs: StackOutputs): string {
  const { host, port, user, password } = login(outputs, 'pgbouncer');
  return `postgresql://${user}:${encodeURIComponent(password)}@${host}:${String(port)}/${DATABASE}`;
}

async function isReady({ host, port }: ServiceAddress): Promise<boolean> {
  return fetch(`http://${host}:${String(port)}/health/ready`, { signal: AbortSignal.timeout(3_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}
