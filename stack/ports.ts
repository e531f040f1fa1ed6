import { BACKUP_CONTAINER } from '../components/backup/render.js';
import { nodeExporterOn } from '../components/monitoring/render.js';
import type { StackConfig } from './config-schema.js';
import { furtherNames, siteOf } from './sites.js';

export interface PublishedPort {
  /** Path of the key that sets it, without the namespace. */
  readonly path: string;
  readonly port: number;
  /** Container that publishes it, without the prefix. */
  readonly container: string;
}

/** Every port that the stack's containers publish on one of its Docker hosts; the home host has no name. */
export function portsOn(config: StackConfig, on: string): PublishedPort[] {
  return publishedPorts(config).filter(({ container }) => siteOf(config, container) === on);
}

/** Names of the stack's containers on one of its Docker hosts, without the prefix. */
export function containersOn(config: StackConfig, on: string): string[] {
  return containerNames(config).filter((container) => siteOf(config, container) === on);
}

/** Names of all containers of the stack, without the prefix. */
export function containerNames(config: StackConfig): string[] {
  const publishing = publishedPorts(config).map(({ container }) => container);
  return [...new Set([...publishing, ...(config.backup.enabled ? [BACKUP_CONTAINER] : [])])];
}

/** Every port that the stack's containers publish, on all of its Docker hosts. */
export function publishedPorts(config: StackConfig): PublishedPort[] {
  const { timescale, pgbouncer, redis, rabbitmq, gateway, telegram, api, consumer, monitoring } = config;
  const ports: PublishedPort[] = [];
  const add = (path: string, port: number, container: string) => ports.push({ path, port, container });
  if (timescale.kind === 'container') add('timescale.port', timescale.port, 'telegram-timescaledb');
  add('pgbouncer.port', pgbouncer.port, 'telegram-pgbouncer');
  if (redis.kind === 'container') {
    add('redis.masterPort', redis.masterPort, 'telegram-redis-master');
    add('redis.replicaPort', redis.replicaPort, 'telegram-redis-replica');
    for (let n = 0; n < redis.sentinels; n++)
      add('redis.sentinelPort', redis.sentinelPort + n, `telegram-redis-sentinel-${String(n + 1)}`);
  }
  if (rabbitmq.kind === 'container') {
    add('rabbitmq.port', rabbitmq.port, 'telegram-rabbitmq');
    add('rabbitmq.managementPort', rabbitmq.managementPort, 'telegram-rabbitmq');
    add('rabbitmq.metricsPort', rabbitmq.metricsPort, 'telegram-rabbitmq');
  }
  if (gateway.kind === 'container') {
    add('gateway.sshPort', gateway.sshPort, 'telegram-gateway-host');
    add('gateway.healthPort', gateway.healthPort, 'telegram-gateway-host');
  }
  if (telegram.kind === 'simulator') {
    add('telegram.mtprotoPort', telegram.mtprotoPort, 'telegram-simulator');
    add('telegram.controlPort', telegram.controlPort, 'telegram-simulator');
  }
  add('api.port', api.port, 'telegram-gateway-api');
  add('consumer.port', consumer.port, 'telegram-consumer');
  if (monitoring.enabled) {
    add('monitoring.prometheusPort', monitoring.prometheusPort, 'telegram-prometheus');
    add('monitoring.postgresExporterPort', monitoring.postgresExporterPort, 'telegram-postgres-exporter');
    add('monitoring.pgbouncerExporterPort', monitoring.pgbouncerExporterPort, 'telegram-pgbouncer-exporter');
    for (const on of ['', ...furtherNames(config)])
      add('monitoring.nodeExporterPort', monitoring.nodeExporterPort, nodeExporterOn(on));
    if (monitoring.grafana) add('monitoring.grafanaPort', monitoring.grafanaPort, 'telegram-grafana');
    if (monitoring.alertWebhook)
      add('monitoring.alertmanagerPort', monitoring.alertmanagerPort, 'telegram-alertmanager');
    if (redis.kind === 'container')
      add('monitoring.redisExporterPort', monitoring.redisExporterPort, 'telegram-redis-exporter');
  }
  return ports;
}
