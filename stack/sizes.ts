import type { StackConfig } from './config-schema.js';

/** Every part of the stack that has limits, with how many of it there are. */
function parts(config: StackConfig): { cpus: number; memoryMb: number; count: number }[] {
  const { timescale, pgbouncer, redis, rabbitmq, gateway, telegram, api, consumer, monitoring, backup } = config;
  return [
    ...(timescale.kind === 'container' ? [{ ...timescale, count: 1 }] : []),
    { ...pgbouncer, count: 1 },
    ...(redis.kind === 'container'
      ? [
          { ...redis, count: 2 },
          { cpus: SENTINEL_CPUS, memoryMb: redis.sentinelMemoryMb, count: redis.sentinels },
        ]
      : []),
    ...(rabbitmq.kind === 'container' ? [{ ...rabbitmq, count: 1 }] : []),
    ...(gateway.kind === 'container' ? [{ ...gateway, count: 1 }] : []),
    ...(telegram.kind === 'simulator' ? [{ ...telegram, count: 1 }] : []),
    { ...api, count: 1 },
    { ...consumer, count: 1 },
    ...(monitoring.enabled
      ? [
          { ...monitoring, count: 1 },
          {
            cpus: monitoring.exporterCpus,
            memoryMb: monitoring.exporterMemoryMb,
            count: redis.kind === 'container' ? 4 : 3,
          },
          {
            cpus: monitoring.exporterCpus,
            memoryMb: monitoring.alertmanagerMemoryMb,
            count: monitoring.alertWebhook ? 1 : 0,
          },
        ]
      : []),
    ...(monitoring.enabled && monitoring.grafana
      ? [{ cpus: monitoring.grafanaCpus, memoryMb: monitoring.grafanaMemoryMb, count: 1 }]
      : []),
    ...(backup.enabled ? [{ ...backup, count: 1 }] : []),
  ];
}

/** CPU limit of one Sentinel, in cores: starved for two seconds, it stops judging for thirty. */
export const SENTINEL_CPUS = 0.25;

/** Sum of the containers' memory limits, in MiB. */
export function memoryOf(config: StackConfig): number {
  return parts(config).reduce((sum, { memoryMb, count }) => sum + memoryMb * count, 0);
}

/** Sum of the containers' CPU limits, in cores. */
export function cpusOf(config: StackConfig): number {
  return parts(config).reduce((sum, { cpus, count }) => sum + cpus * count, 0);
}
