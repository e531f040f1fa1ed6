import { DEFAULT_GROUP } from '../runtime/contract.js';
import type { StackConfig } from './config-schema.js';
import { placing } from './placing-checks.js';
import { publishedPorts } from './ports.js';
import { siteOf } from './sites.js';

/** Sum that PostgreSQL keeps back: superuser slots, TimescaleDB's background workers, migrations and a person. */
const RESERVED_CONNECTIONS = 10;

/** Limits of a stack whose values fit each other, as lines `path: expectation`. */
export function crossChecks(config: StackConfig): string[] {
  const misplaced = placing(config);
  if (misplaced.length > 0) return misplaced;
  return [
    ...duplicatePorts(config),
    ...quorum(config),
    ...pools(config),
    ...memory(config),
    ...production(config),
    ...modes(config),
    ...groups(config),
    ...accounts(config),
  ];
}

function duplicatePorts(config: StackConfig): string[] {
  const seen = new Map<string, string>();
  return publishedPorts(config).flatMap(({ path, port, container }) => {
    const place = `${siteOf(config, container)}:${String(port)}`;
    const other = seen.get(place);
    seen.set(place, path);
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
  return [
    ...twice('consumer.groups', [DEFAULT_GROUP, ...consumer.groups]),
    ...(consumer.groups.length > 0 && rabbitmq.kind === 'off'
      ? ['telegram:consumer.groups: expected none without a broker: its queues are not made']
      : []),
  ];
}

function accounts({ gateway }: StackConfig): string[] {
  return twice('gateway.accounts', gateway.accounts);
}

function twice(path: string, names: readonly string[]): string[] {
  const again = names.filter((name, n) => names.indexOf(name) < n);
  return again.map((name) => `telegram:${path}: "${name}" is there already`);
}
