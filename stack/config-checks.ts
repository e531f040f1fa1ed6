import { DEFAULT_GROUP } from '../runtime/contract.js';
import type { StackConfig } from './config-schema.js';
import { publishedPorts } from './ports.js';

/** Sum that PostgreSQL keeps back: superuser slots, TimescaleDB's background workers, migrations and a person. */
const RESERVED_CONNECTIONS = 10;

/** Limits of a stack whose values fit each other, as lines `path: expectation`. */
export function crossChecks(config: StackConfig): string[] {
  return [
    ...duplicatePorts(config),
    ...quorum(config),
    ...pools(config),
    ...memory(config),
    ...production(config),
    ...modes(config),
    ...groups(config),
  ];
}

function duplicatePorts(config: StackConfig): string[] {
  const seen = new Map<number, string>();
  return publishedPorts(config).flatMap(({ path, port }) => {
    const other = seen.get(port);
    seen.set(port, path);
    return other ? [`telegram:${path}: port ${String(port)} is also telegram:${other}`] : [];
  });
}

function quorum({ redis }: StackConfig): string[] {
  if (redis.kind !== 'container' || redis.sentinels % 2 === 1) return [];
  return [
    `telegram:redis.sentinels: expected an odd number, got ${String(redis.sentinels)}: an even one cannot form a majority`,
  ];
}

function pools({ timescale, pgbouncer }: StackConfig): string[] {
  const free = timescale.maxConnections - RESERVED_CONNECTIONS;
  if (pgbouncer.maxServerConnections <= free) return [];
  return [
    `telegram:pgbouncer.maxServerConnections: expected at most ${String(free)} (telegram:timescale.maxConnections ${String(timescale.maxConnections)} less ${String(RESERVED_CONNECTIONS)} in reserve), got ${String(pgbouncer.maxServerConnections)}`,
  ];
}

function memory({ redis }: StackConfig): string[] {
  if (redis.kind !== 'container' || redis.maxMemoryMb * 1.2 <= redis.memoryMb) return [];
  return [
    `telegram:redis.maxMemoryMb: expected at most 83 % of telegram:redis.memoryMb (${String(redis.memoryMb)}), got ${String(redis.maxMemoryMb)}`,
  ];
}

function production({ environment, telegram, gateway, dataPolicy }: StackConfig): string[] {
  if (environment !== 'production') return [];
  return [
    ...(telegram.kind === 'simulator'
      ? ['telegram:telegram.kind: expected "real": a production stack refuses the simulator (set apiId and apiHash)']
      : []),
    ...(gateway.kind === 'container'
      ? ['telegram:gateway.kind: expected "machine" with host and hostKey: a container is for development']
      : []),
    ...(dataPolicy === 'delete' ? ['telegram:dataPolicy: expected "retain" in production'] : []),
  ];
}

/** The default group's queue takes every event: with nobody reading from it, it would grow for ever. */
function modes({ rabbitmq, consumer }: StackConfig): string[] {
  if (rabbitmq.kind === 'off' && consumer.mode !== 'poll')
    return ['telegram:consumer.mode: expected "poll" while telegram:rabbitmq.kind is "off"'];
  if (rabbitmq.kind !== 'off' && consumer.mode === 'poll')
    return [
      'telegram:consumer.mode: expected "queue" or "dual" with a broker; "poll" goes with telegram:rabbitmq.kind "off"',
    ];
  return [];
}

function groups({ rabbitmq, consumer }: StackConfig): string[] {
  const names = [DEFAULT_GROUP, ...consumer.groups];
  const twice = names.filter((name, n) => names.indexOf(name) < n);
  return [
    ...twice.map((name) => `telegram:consumer.groups: "${name}" is there already`),
    ...(consumer.groups.length > 0 && rabbitmq.kind === 'off'
      ? ['telegram:consumer.groups: expected none without a broker: its queues are not made']
      : []),
  ];
}
