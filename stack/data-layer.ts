import { ExternalEngines } from '../components/external-engines/index.js';
import { Migrations } from '../components/migrations/index.js';
import { PgBouncer, type PgBouncerUser } from '../components/pgbouncer/index.js';
import { RabbitMq } from '../components/rabbitmq/index.js';
import { RedisCluster } from '../components/redis/index.js';
import type { Endpoint } from '../components/endpoint.js';
import type { StackContext } from '../components/stack-context.js';
import { activeOf } from '../components/slots.js';
import { TimescaleDb } from '../components/timescale/index.js';
import { DATABASE_CLIENTS, DEFAULT_GROUP } from '../runtime/contract.js';
import type { StackConfig } from './config-schema.js';
import type { Grounds } from './context.js';
import { PRIVATE_NETWORKS } from './private-address.js';
import type { Secrets } from './secrets.js';
import { placeOf, type Placeable } from './sites.js';
import { SENTINEL_CPUS } from './sizes.js';

/** The data services as their users see them, containers of the stack or not. */
export interface DataLayer {
  readonly timescale: TimescaleDb | null;
  readonly database: Endpoint;
  readonly migrations: Migrations;
  readonly pgbouncer: PgBouncer;
  readonly redis: RedisCluster | null;
  readonly rabbitmq: RabbitMq | null;
  /** Cache and broker that somebody else runs; null where neither is. */
  readonly external: ExternalEngines | null;
}

const SLOTS = ['a', 'b'] as const;

/** Databases, cache and broker, in the order of what needs what, each on its Docker host. */
export function createDataLayer(grounds: Grounds, config: StackConfig, secrets: Secrets): DataLayer {
  const at = (part: Placeable) => grounds.at(placeOf(config, part));
  const stack = at('timescale');
  const timescale = createTimescale(stack, config, secrets);
  const database = timescale?.endpoint ?? externalDatabase(config);
  const migrations = createMigrations(stack, { config, secrets, timescale, database });
  return {
    timescale,
    database,
    migrations,
    pgbouncer: createPgBouncer(stack, { config, secrets, migrations, database }),
    redis: createRedis(at('redis'), config, secrets),
    rabbitmq: createRabbitMq(at('rabbitmq'), config, secrets),
    external: createExternal(grounds.home, config),
  };
}

function createTimescale(
  stack: StackContext,
  { timescale, backup }: StackConfig,
  secrets: Secrets,
): TimescaleDb | null {
  if (timescale.kind === 'external') return null;
  const { port, cpus, memoryMb, maxConnections } = timescale;
  return new TimescaleDb({
    stack,
    port,
    cpus,
    memoryMb,
    maxConnections,
    // From another Docker host people and exporters come with the address of that machine.
    clients: [`${stack.address(0)}/24`, ...(stack.on === '' ? [] : PRIVATE_NETWORKS)],
    archiving: backup.enabled ? backup : null,
    bootstrapPassword: secrets.bootstrap,
  });
}

/** An engine that somebody else runs is seen alike from everywhere. */
function externalDatabase({ timescale, tlsAuthorities }: StackConfig): Endpoint {
  if (timescale.kind === 'container') throw new Error('a container has an endpoint of its own');
  const address = { host: timescale.host, port: timescale.port };
  const authorities = timescale.tls ? tlsAuthorities : undefined;
  return { inNetwork: address, published: address, tls: timescale.tls, authorities };
}

interface DatabaseParts {
  readonly config: StackConfig;
  readonly secrets: Secrets;
  readonly database: Endpoint;
}

function createMigrations(
  stack: StackContext,
  { config, secrets, timescale, database }: DatabaseParts & { readonly timescale: TimescaleDb | null },
): Migrations {
  const external = config.timescale.kind === 'external' ? config.timescale : null;
  return new Migrations({
    stack,
    database,
    adminUser: external?.adminUser ?? 'postgres',
    ...adminPasswords(config, secrets),
    roles: DATABASE_CLIENTS.flatMap((client) =>
      SLOTS.map((slot) => ({
        name: `${client}_${slot}`,
        memberOf: client,
        verifier: secrets.database[client].verifiers[slot],
      })),
    ),
    after: timescale?.ready ?? [],
  });
}

/** Somebody else's engine has an admin of its own; ours has the superuser, who may still know a former password. */
function adminPasswords({ timescale }: StackConfig, secrets: Secrets) {
  if (timescale.kind === 'external') return { adminPassword: timescale.adminPassword };
  const { postgres } = secrets.database;
  const former = postgres.active === 'a' ? postgres.b : postgres.a;
  return {
    adminPassword: activeOf(postgres),
    formerPasswords: [former, secrets.bootstrap],
    adminVerifier: postgres.verifiers[postgres.active],
  };
}

function createPgBouncer(
  stack: StackContext,
  { config, secrets, migrations, database }: DatabaseParts & { readonly migrations: Migrations },
): PgBouncer {
  const { port, cpus, memoryMb, maxServerConnections, maxClientConnections } = config.pgbouncer;
  const users: PgBouncerUser[] = [...DATABASE_CLIENTS, 'pgb_admin' as const, 'pgb_stats' as const].flatMap((client) =>
    SLOTS.map((slot) => ({ role: `${client}_${slot}`, verifier: secrets.database[client].verifiers[slot] })),
  );
  return new PgBouncer({
    stack,
    port,
    cpus,
    memoryMb,
    maxServerConnections,
    maxClientConnections,
    database,
    users,
    after: migrations.ready,
    enforceFloor: config.environment === 'production' && !config.pgbouncer.acceptBelowFloor,
  });
}

function createRedis(stack: StackContext, { redis }: StackConfig, secrets: Secrets): RedisCluster | null {
  if (redis.kind === 'external') return null;
  const { kind: _kind, on: _on, ...sizes } = redis;
  return new RedisCluster({
    stack,
    ...sizes,
    sentinelCpus: SENTINEL_CPUS,
    users: secrets.cache,
    sentinelClients: secrets.sentinel,
  });
}

function createRabbitMq(stack: StackContext, { rabbitmq, consumer }: StackConfig, secrets: Secrets): RabbitMq | null {
  if (rabbitmq.kind !== 'container') return null;
  const { port, managementPort, metricsPort, cpus, memoryMb } = rabbitmq;
  return new RabbitMq({
    stack,
    amqpPort: port,
    managementPort,
    metricsPort,
    cpus,
    memoryMb,
    groups: [DEFAULT_GROUP, ...consumer.groups],
    users: secrets.broker,
    cookie: secrets.erlangCookie,
  });
}

function createExternal(stack: StackContext, config: StackConfig): ExternalEngines | null {
  const { redis, rabbitmq, consumer, tlsAuthorities } = config;
  if (redis.kind !== 'external' && rabbitmq.kind !== 'external') return null;
  const trusted = (tls: boolean) => (tls && tlsAuthorities !== undefined ? { authorities: tlsAuthorities } : {});
  return new ExternalEngines({
    stack,
    cache: redis.kind === 'external' ? { ...withoutKind(redis), ...trusted(redis.tls) } : null,
    broker:
      rabbitmq.kind === 'external'
        ? { ...withoutKind(rabbitmq), ...trusted(rabbitmq.tls), groups: [DEFAULT_GROUP, ...consumer.groups] }
        : null,
  });
}

function withoutKind<T extends { readonly kind: string }>({ kind: _, ...rest }: T): Omit<T, 'kind'> {
  return rest;
}
