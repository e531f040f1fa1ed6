import * as pulumi from '@pulumi/pulumi';
import type { Backup } from '../components/backup/index.js';
import { addressFor, type Address } from '../components/endpoint.js';
import { Monitoring, type MonitoringArgs } from '../components/monitoring/index.js';
import type { ExporterLogins } from '../components/monitoring/render.js';
import { activeOf } from '../components/slots.js';
import { HOST_NUMBERS, type StackContext } from '../components/stack-context.js';
import { PORTS } from '../runtime/contract.js';
import type { StackConfig } from './config-schema.js';
import { allReady } from './context.js';
import { allAccounts } from './gateway-accounts.js';
import type { DataLayer } from './data-layer.js';
import type { Secrets } from './secrets.js';
import { placeOf } from './sites.js';

/** Wanted, and to be had from the image source. */
export function hasGrafana({ images }: StackContext, { monitoring }: StackConfig): boolean {
  return monitoring.enabled && monitoring.grafana && images.has('grafana');
}

interface Parts {
  readonly stack: StackContext;
  readonly further: readonly StackContext[];
  readonly config: StackConfig;
  readonly secrets: Secrets;
  readonly data: DataLayer;
  /** Null where nothing is backed up. */
  readonly backup: Backup | null;
}

/** Prometheus and its exporters, told of everything that stands; null where the config wants none. */
export function createMonitoring(parts: Parts): Monitoring | null {
  const { stack, further, config, data } = parts;
  const { monitoring } = config;
  if (!monitoring.enabled) return null;
  return new Monitoring({
    stack,
    port: monitoring.prometheusPort,
    exporterPorts: {
      postgres: monitoring.postgresExporterPort,
      redis: monitoring.redisExporterPort,
      pgbouncer: monitoring.pgbouncerExporterPort,
      node: monitoring.nodeExporterPort,
    },
    cpus: monitoring.cpus,
    memoryMb: monitoring.memoryMb,
    exporterCpus: monitoring.exporterCpus,
    exporterMemoryMb: monitoring.exporterMemoryMb,
    retentionDays: monitoring.retentionDays,
    retentionMb: monitoring.retentionMb,
    database: data.database,
    pooler: data.pgbouncer.endpoint,
    redis: redisNodes(parts),
    rabbitmq: data.rabbitmq && addressFor(stack, data.rabbitmq.metricsEndpoint),
    processes: processes(parts),
    logins: logins(parts),
    alertmanager: monitoring.alertWebhook
      ? {
          port: monitoring.alertmanagerPort,
          cpus: monitoring.exporterCpus,
          memoryMb: monitoring.alertmanagerMemoryMb,
          webhook: pulumi.secret(monitoring.alertWebhook),
        }
      : null,
    grafana: grafana(parts),
    further,
    textfiles: parts.backup && { on: placeOf(config, 'timescale'), volume: parts.backup.metrics },
    after: allReady(data.migrations, data.pgbouncer, data.redis),
  });
}

function redisNodes({ stack, data: { redis } }: Pick<Parts, 'stack' | 'data'>) {
  if (!redis) return null;
  return {
    nodes: [redis.masterEndpoint, redis.replicaEndpoint].map((endpoint) => addressFor(stack, endpoint)),
    sentinels: redis.sentinelEndpoints.map((endpoint) => addressFor(stack, endpoint)),
  };
}

/** A machine's metrics are where its health is; Prometheus must be able to reach that address. */
function processes({ stack, config }: Parts): MonitoringArgs['processes'] {
  const { gateway, telegram } = config;
  const at = (number: number, port: number): Address[] => [{ host: stack.address(number), port }];
  const host = gateway.kind === 'machine' ? gateway.host : stack.address(HOST_NUMBERS.gatewayHost);
  return {
    gateway: allAccounts(config).map(({ name, port }) => ({ host, port, labels: { account: name } })),
    api: at(HOST_NUMBERS.api, PORTS.api),
    consumer: at(HOST_NUMBERS.consumer, PORTS.consumerHealth),
    ...(telegram.kind === 'simulator' && { simulator: at(HOST_NUMBERS.simulator, PORTS.simulatorControl) }),
  };
}

/** People look through Grafana: it reads the database and the cache as the reader, by the slot in use. */
function grafana({ stack, config, secrets, data }: Parts): MonitoringArgs['grafana'] {
  if (!secrets.grafana) return null;
  const { grafanaPort: port, grafanaCpus: cpus, grafanaMemoryMb: memoryMb } = config.monitoring;
  const [cache] = redisNodes({ stack, data })?.nodes ?? [];
  const known = pulumi.output({
    ...secrets.grafana,
    database: {
      address: addressFor(stack, data.pgbouncer.endpoint),
      user: `reader_${secrets.active}`,
      password: activeOf(secrets.database.reader),
    },
    redis: cache ? { address: cache, user: 'reader', password: activeOf(secrets.cache.reader) } : null,
  });
  return { port, cpus, memoryMb, secrets: pulumi.secret(known) };
}

/** Logins by the slot in use. They read only: `monitor` the statistics, `pgb_stats` the pool's console, `reader` the cache. */
function logins({ stack, secrets, data }: Parts): pulumi.Output<ExporterLogins> {
  const pooler = addressFor(stack, data.pgbouncer.endpoint);
  const redis = redisNodes({ stack, data });
  return pulumi.secret(
    pulumi.output({
      database: { user: `monitor_${secrets.active}`, password: activeOf(secrets.database.monitor) },
      pooler: { address: pooler, user: `pgb_stats_${secrets.active}`, password: activeOf(secrets.database.pgb_stats) },
      redis: { nodes: redis?.nodes ?? [], user: 'reader', password: activeOf(secrets.cache.reader) },
      sentinels: { nodes: redis?.sentinels ?? [], password: activeOf(secrets.sentinel) },
    }),
  );
}
