import type { StackConfig } from './config-schema.js';
import { furtherNames, placeOf } from './sites.js';

/** Limits of a part of the stack, and how many of it there are. */
interface Sized {
  readonly cpus: number;
  readonly memoryMb: number;
  /** @default 1 */
  readonly count?: number;
  /** Docker host that it stands on. @default the home host */
  readonly on?: string;
}

/** Every part of the stack that has limits. */
function parts(config: StackConfig): Sized[] {
  const { gateway, telegram, api, consumer } = config;
  return [
    ...dataParts(config),
    ...(gateway.kind === 'container' ? [sized(gateway)] : []),
    ...(telegram.kind === 'simulator' ? [sized(telegram)] : []),
    sized(api),
    sized(consumer),
    ...monitoringParts(config),
  ];
}

function dataParts(config: StackConfig): Sized[] {
  const { timescale, pgbouncer, redis, rabbitmq, backup } = config;
  const on = placeOf(config, 'timescale');
  return [
    ...(timescale.kind === 'container' ? [timescale] : []),
    { ...sized(pgbouncer), on },
    ...(redis.kind === 'container'
      ? [
          { ...redis, count: 2 },
          { cpus: SENTINEL_CPUS, memoryMb: redis.sentinelMemoryMb, count: redis.sentinels, on: redis.on },
        ]
      : []),
    ...(rabbitmq.kind === 'container' ? [rabbitmq] : []),
    ...(backup.enabled ? [{ ...sized(backup), on }] : []),
  ];
}

function monitoringParts(config: StackConfig): Sized[] {
  const { monitoring, redis } = config;
  if (!monitoring.enabled) return [];
  const exporter = { cpus: monitoring.exporterCpus, memoryMb: monitoring.exporterMemoryMb };
  return [
    sized(monitoring),
    { ...exporter, count: redis.kind === 'container' ? 4 : 3 },
    ...furtherNames(config).map((on) => ({ ...exporter, on })),
    { ...exporter, memoryMb: monitoring.alertmanagerMemoryMb, count: monitoring.alertWebhook ? 1 : 0 },
    ...(monitoring.grafana ? [{ cpus: monitoring.grafanaCpus, memoryMb: monitoring.grafanaMemoryMb }] : []),
  ];
}

const sized = ({ cpus, memoryMb }: Sized): Sized => ({ cpus, memoryMb });

/** CPU limit of one Sentinel, in cores: starved for two seconds, it stops judging for thirty. */
export const SENTINEL_CPUS = 0.25;

const sum = (list: readonly Sized[], limit: 'cpus' | 'memoryMb') =>
  list.reduce((total, { count = 1, ...part }) => total + part[limit] * count, 0);

/** Sum of the memory limits of the containers on one Docker host, in MiB; the home host has no name. */
export function memoryOn(config: StackConfig, site: string): number {
  return sum(
    parts(config).filter(({ on = '' }) => on === site),
    'memoryMb',
  );
}

/** Sum of the containers' memory limits on all Docker hosts, in MiB. */
export function memoryOf(config: StackConfig): number {
  return sum(parts(config), 'memoryMb');
}

/** Sum of the containers' CPU limits, in cores. */
export function cpusOf(config: StackConfig): number {
  return sum(parts(config), 'cpus');
}
