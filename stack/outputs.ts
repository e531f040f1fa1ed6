import * as pulumi from '@pulumi/pulumi';
import type { types } from '@pulumi/command';
import type { Endpoint } from '../components/endpoint.js';
import { GRAFANA_ADMIN } from '../components/monitoring/grafana-render.js';
import { activeOf } from '../components/slots.js';
import { backupKey } from './backup.js';
import type { StackConfig } from './config-schema.js';
import type { DataLayer } from './data-layer.js';
import type { GatewayLogin } from './gateway-login.js';
import type { HostCheck } from './host-check.js';
import { containerNames } from './ports.js';
import { publishedAddress } from './published-address.js';
import type { Secrets } from './secrets.js';
import { siteOf } from './sites.js';

type SshConnection = types.input.remote.ConnectionArgs;

/** Where a service is reached from the Docker host. */
export interface ServiceAddress {
  readonly host: string;
  readonly port: number;
  /** Group under which it is printed. */
  readonly group: 'data' | 'gateway' | 'telegram' | 'monitoring';
  /** How a person would write it. */
  readonly url: string;
  /** Connections use TLS and verify the certificate. @default false */
  readonly tls?: boolean;
}

export interface Login {
  readonly user?: string;
  readonly password?: string;
  readonly key?: string;
}

/** A Docker host beside the home host. */
export interface FurtherHost {
  readonly name: string;
  readonly dockerHost: string;
  readonly imageSource: string;
  /** Full names of the containers there. */
  readonly containers: readonly string[];
}

/** What a finished `up` leaves for people and commands. */
export interface StackOutputs {
  readonly instance: string;
  readonly environment: string;
  readonly namePrefix: string;
  readonly dockerHost: string;
  readonly imageSource: string;
  readonly credentialEpoch: number;
  /** How the database is backed up: with every point in time, by dumps, or not at all. */
  readonly backup: 'pgbackrest' | 'dump' | 'off';
  /** What `destroy` does with the data volumes. */
  readonly dataPolicy: 'retain' | 'delete';
  /** `container`, or the address of the machine. */
  readonly gatewayHost: string;
  /** Full names of the stack's containers, on whichever Docker host. */
  readonly containers: readonly string[];
  /** Docker hosts beside `dockerHost`, and what stands there. @default none */
  readonly further?: readonly FurtherHost[];
  readonly services: Readonly<Record<string, ServiceAddress>>;
  /** One sentence for each part that the config wants and the image source does not have. */
  readonly leftOut: readonly string[];
  /** PEM certificates of the authorities that engines reached with TLS are verified with. @default the well-known ones */
  readonly tlsAuthorities?: string;
  /** How the gateway host is reached over SSH; secret. */
  readonly gatewayLogin: GatewayLogin;
  /** By the name of the service; secret. */
  readonly logins: Readonly<Record<string, Login>>;
}

/** The same before it is known. */
export type StackOutputInputs = { readonly [K in keyof StackOutputs]: pulumi.Input<StackOutputs[K]> };

interface OutputParts {
  readonly config: StackConfig;
  readonly host: HostCheck;
  readonly secrets: Secrets;
  readonly data: DataLayer;
  readonly gatewayLogin: SshConnection;
}

/** Addresses in plain, logins as a secret. */
export function stackOutputs(parts: OutputParts): StackOutputInputs {
  const { config, host } = parts;
  const leftOut = config.monitoring.enabled && config.monitoring.grafana && !parts.secrets.grafana ? [NO_GRAFANA] : [];
  const containers = containerNames(config).filter((name) => name !== 'telegram-grafana' || parts.secrets.grafana);
  const full = (name: string) => config.namePrefix + name;
  const [home, ...further] = host.sites;
  if (!home) throw new Error('a stack has a home host');
  return {
    instance: host.instance,
    environment: config.environment,
    namePrefix: config.namePrefix,
    dockerHost: config.docker.host,
    imageSource: home.imageSource,
    credentialEpoch: config.credentialEpoch,
    backup: backupMode(config),
    dataPolicy: config.dataPolicy,
    gatewayHost: config.gateway.kind === 'machine' ? config.gateway.host : 'container',
    containers: containers.map(full),
    services: services(parts),
    ...(further.length > 0 && {
      further: further.map(({ site, imageSource }) => ({
        name: site.on,
        dockerHost: site.host,
        imageSource,
        containers: containers.filter((name) => siteOf(config, name) === site.on).map(full),
      })),
    }),
    leftOut,
    ...(config.tlsAuthorities !== undefined && { tlsAuthorities: config.tlsAuthorities }),
    gatewayLogin: gatewayLogin(parts.gatewayLogin),
    logins: logins(parts),
  };
}

const NO_GRAFANA =
  'there is no Grafana: Debian has none; set telegram:images to upstream on a host that can pull it, or import dashboards/*.json into your own';

function services({ config, data, secrets }: OutputParts): Record<string, ServiceAddress> {
  const { gateway, telegram, api, consumer, rabbitmq, monitoring } = config;
  const published = publishedAddress(config);
  const list: Record<string, ServiceAddress> = {};
  const add = (name: string, group: ServiceAddress['group'], scheme: string, host: string, port: number) => {
    list[name] = { host, port, group, url: `${scheme}://${host}:${String(port)}` };
  };
  const addEndpoint = (name: string, scheme: string, endpoint: Endpoint) => {
    add(name, 'data', scheme, endpoint.published.host, endpoint.published.port);
    if (endpoint.tls && list[name]) list[name] = { ...list[name], tls: true };
  };
  addEndpoint('timescaledb', 'postgresql', data.database);
  addEndpoint('pgbouncer', 'postgresql', data.pgbouncer.endpoint);
  addEndpoint('pgbouncer-admin', 'postgresql', data.pgbouncer.endpoint);
  if (data.redis) {
    addEndpoint('redis-master', 'redis', data.redis.masterEndpoint);
    addEndpoint('redis-replica', 'redis', data.redis.replicaEndpoint);
    data.redis.sentinelEndpoints.forEach((endpoint, n) => {
      addEndpoint(`redis-sentinel-${String(n + 1)}`, 'redis', endpoint);
    });
  }
  if (data.rabbitmq) {
    addEndpoint('rabbitmq', 'amqp', data.rabbitmq.endpoint);
    addEndpoint('rabbitmq-management', 'http', data.rabbitmq.managementEndpoint);
    addEndpoint('rabbitmq-metrics', 'http', data.rabbitmq.metricsEndpoint);
  }
  if (rabbitmq.kind === 'external') {
    const { host, port, vhost, tls } = rabbitmq;
    const url = `${tls ? 'amqps' : 'amqp'}://${host}:${String(port)}/${encodeURIComponent(vhost)}`;
    list['rabbitmq'] = { host, port, group: 'data', url };
  }
  const gatewayAddress = gateway.kind === 'machine' ? gateway.host : published;
  add('gateway', 'gateway', 'http', gatewayAddress, gateway.healthPort);
  add('gateway-ssh', 'gateway', 'ssh', gatewayAddress, gateway.kind === 'machine' ? gateway.port : gateway.sshPort);
  add('consumer', 'gateway', 'http', published, consumer.port);
  add('api', 'gateway', 'http', published, api.port);
  if (telegram.kind === 'simulator') {
    add('simulator', 'telegram', 'mtproto', published, telegram.mtprotoPort);
    add('simulator-control', 'telegram', 'http', published, telegram.controlPort);
  }
  if (monitoring.enabled) {
    add('prometheus', 'monitoring', 'http', published, monitoring.prometheusPort);
    if (secrets.grafana) add('grafana', 'monitoring', 'http', published, monitoring.grafanaPort);
    if (monitoring.alertWebhook) add('alertmanager', 'monitoring', 'http', published, monitoring.alertmanagerPort);
  }
  return list;
}

function backupMode({ backup, timescale }: StackConfig): StackOutputs['backup'] {
  if (!backup.enabled) return 'off';
  return timescale.kind === 'container' ? 'pgbackrest' : 'dump';
}

function gatewayLogin(connection: SshConnection): pulumi.Output<GatewayLogin> {
  return pulumi.secret(pulumi.output(connection).apply((login) => login as GatewayLogin));
}

/** People read: the logins are those of the readers, the database's own admin apart. */
function logins({ config, secrets }: OutputParts): pulumi.Output<Record<string, Login>> {
  const slot = (name: string) => `${name}_${secrets.active}`;
  const redis = { user: 'reader', password: activeOf(secrets.cache.reader) };
  const sentinel = { password: activeOf(secrets.sentinel) };
  const admin =
    config.timescale.kind === 'external'
      ? { user: config.timescale.adminUser, password: config.timescale.adminPassword }
      : { user: 'postgres', password: activeOf(secrets.database.postgres) };
  const reader = { user: slot('reader'), password: activeOf(secrets.broker.reader) };
  const rabbitmq =
    config.rabbitmq.kind === 'external' ? { user: config.rabbitmq.user, password: config.rabbitmq.password } : reader;
  const sentinels = config.redis.kind === 'container' ? config.redis.sentinels : 0;
  return pulumi.secret(
    pulumi
      .output({
        timescaledb: admin,
        pgbouncer: { user: slot('reader'), password: activeOf(secrets.database.reader) },
        'pgbouncer-admin': { user: slot('pgb_stats'), password: activeOf(secrets.database.pgb_stats) },
        'redis-master': redis,
        'redis-replica': redis,
        ...Object.fromEntries(
          Array.from({ length: sentinels }, (_, n) => [`redis-sentinel-${String(n + 1)}`, sentinel]),
        ),
        rabbitmq,
        'rabbitmq-management': reader,
        api: { key: activeOf(secrets.apiKey) },
        ...(secrets.grafana && { grafana: { user: GRAFANA_ADMIN, password: secrets.grafana.adminPassword } }),
        ...(config.backup.enabled && { backup: { key: backupKey(config, secrets) } }),
      })
      .apply((list): Record<string, Login> => list),
  );
}
