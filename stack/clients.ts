import * as pulumi from '@pulumi/pulumi';
import { addressFor, isNear, type Viewer } from '../components/endpoint.js';
import { entryName } from '../components/pgbouncer/pools.js';
import { activeOf } from '../components/slots.js';
import type { StackConfig } from './config-schema.js';
import type { DataLayer } from './data-layer.js';
import type { Secrets } from './secrets.js';

/** Processes that use the data layer. */
export type Client = 'gateway' | 'consumer' | 'api';

/** How one process reaches the data layer: environment (nothing secret) and content of its credentials file. */
export interface ClientSettings {
  readonly environment: Readonly<Record<string, pulumi.Input<string>>>;
  readonly credentials: pulumi.Output<object>;
}

/** Settings of a client that stands in the network of a Docker host, or in none. */
export function clientSettings(
  client: Client,
  viewer: Viewer,
  { config, secrets, data }: { readonly config: StackConfig; readonly secrets: Secrets; readonly data: DataLayer },
): ClientSettings {
  const pooler = addressFor(viewer, data.pgbouncer.endpoint);
  return {
    environment: {
      TELEGRAM_ENVIRONMENT: config.environment,
      TELEGRAM_DB_HOST: pooler.host,
      TELEGRAM_PGBOUNCER_PORT: String(pooler.port),
      TELEGRAM_DB_NAME: entryName(client),
      ...cacheEnvironment(viewer, config, data),
      ...brokerEnvironment(viewer, config, data),
    },
    credentials: credentialsOf(client, config, secrets),
  };
}

function cacheEnvironment(viewer: Viewer, { redis }: StackConfig, data: DataLayer): Record<string, string> {
  const sentinels =
    redis.kind === 'external'
      ? redis.sentinels
      : (data.redis?.sentinelEndpoints ?? []).map((endpoint) => addressFor(viewer, endpoint));
  const { redis: own } = data;
  const outside = own && !isNear(viewer, own.masterEndpoint) ? Object.entries(own.natMap) : [];
  return {
    TELEGRAM_REDIS_SENTINELS: sentinels.map(({ host, port }) => `${host}:${String(port)}`).join(','),
    ...(outside.length > 0 && {
      TELEGRAM_REDIS_NAT_MAP: outside.map(([inside, address]) => `${inside}=${address}`).join(','),
    }),
    ...(redis.kind === 'external' && { TELEGRAM_REDIS_MASTER_NAME: redis.masterName }),
    ...(redis.kind === 'external' && redis.tls && { TELEGRAM_REDIS_TLS: 'true' }),
  };
}

function brokerEnvironment(viewer: Viewer, { rabbitmq }: StackConfig, data: DataLayer): Record<string, string> {
  if (rabbitmq.kind === 'off') return {};
  const endpoint = data.rabbitmq?.endpoint;
  const address = rabbitmq.kind === 'external' ? rabbitmq : endpoint && addressFor(viewer, endpoint);
  if (!address) throw new Error('a broker container has an endpoint');
  return {
    TELEGRAM_RABBITMQ_HOST: address.host,
    TELEGRAM_RABBITMQ_PORT: String(address.port),
    ...(rabbitmq.kind === 'external' && {
      TELEGRAM_RABBITMQ_VHOST: rabbitmq.vhost,
      TELEGRAM_RABBITMQ_TLS: String(rabbitmq.tls),
    }),
  };
}

/** Logins by the slot in use; engines of somebody else have one login for all, and perhaps authorities of their own. */
function credentialsOf(client: Client, config: StackConfig, secrets: Secrets): pulumi.Output<object> {
  const { redis, rabbitmq, telegram, tlsAuthorities } = config;
  const overTls = (redis.kind === 'external' && redis.tls) || (rabbitmq.kind === 'external' && rabbitmq.tls);
  const slot = (name: string) => `${name}_${secrets.active}`;
  const broker = client === 'api' ? 'reader' : client;
  return pulumi.secret(
    pulumi.output({
      epoch: config.credentialEpoch,
      ...(overTls && tlsAuthorities !== undefined && { tlsAuthorities }),
      database: { user: slot(client), password: activeOf(secrets.database[client]) },
      redis:
        redis.kind === 'external'
          ? { user: redis.user, password: redis.password, sentinelPassword: redis.sentinelPassword }
          : {
              user: client,
              password: activeOf(secrets.cache[client]),
              sentinelPassword: activeOf(secrets.sentinel),
            },
      ...(rabbitmq.kind === 'external' && { rabbitmq: { user: rabbitmq.user, password: rabbitmq.password } }),
      // Also without a broker: who still runs with one when it is switched off would not take over a file that has no login.
      ...(rabbitmq.kind !== 'external' && {
        rabbitmq: { user: slot(broker), password: activeOf(secrets.broker[broker]) },
      }),
      ...(client === 'gateway' && {
        // The simulator takes any application.
        telegram:
          telegram.kind === 'real'
            ? { apiId: telegram.apiId, apiHash: telegram.apiHash }
            : { apiId: 1, apiHash: '0'.repeat(32) },
      }),
      ...(client === 'api' && { apiKeys: [secrets.apiKey.a, secrets.apiKey.b] }),
    }),
  );
}
