import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import {
  renderDefinitions,
  renderEnabledPlugins,
  renderErlangArguments,
  renderHealthScript,
  renderRabbitmqConf,
  renderStartScript,
} from '../../../components/rabbitmq/render.js';
import { passwordHash, renderUsers, type BrokerPasswords } from '../../../components/rabbitmq/users.js';
import { BROKER_CLIENTS, type BrokerClient } from '../../../runtime/contract.js';

interface Definitions {
  readonly vhosts: { name: string }[];
  readonly exchanges: { name: string; type: string; durable: boolean }[];
  readonly queues: { name: string; durable: boolean; arguments: Record<string, unknown> }[];
  readonly bindings: {
    source: string;
    destination: string;
    routing_key: string;
    arguments: Record<string, unknown>;
  }[];
  readonly users?: unknown;
}

const definitions = (groups: readonly string[]) => JSON.parse(renderDefinitions(groups)) as Definitions;

describe('rabbitmq.conf', () => {
  it('D6 has an absolute watermark and takes its topology from a file', () => {
    expect(renderRabbitmqConf({ memoryMb: 512 })).toBe(`# Made by the stack.
listeners.tcp.default = 5672
management.tcp.port = 15672
prometheus.tcp.port = 15692
default_queue_type = quorum
definitions.import_backend = local_filesystem
definitions.local.path = /etc/rabbitmq/definitions.json
vm_memory_high_watermark.absolute = 307MiB
disk_free_limit.absolute = 1GB
raft.wal_max_size_bytes = 33554432
loopback_users.guest = true
heartbeat = 10
log.file = false
log.console = true
log.console.level = info
management_agent.disable_metrics_collector = true
management.enable_queue_totals = true
`);
  });

  it('D6 enables the management interface and the metrics', () => {
    expect(renderEnabledPlugins()).toBe('[rabbitmq_management,rabbitmq_prometheus].\n');
  });

  it.each([
    [0.5, '+S 1:1'],
    [1.5, '+S 2:2'],
    [2, '+S 2:2'],
  ])('D12 %d cores make schedulers that do not wait busily', (cpus, schedulers) => {
    expect(renderErlangArguments({ cpus })).toBe(`${schedulers} +sbwt none +sbwtdcpu none +sbwtdio none`);
  });
});

describe('definitions.json', () => {
  it('D6 holds topology only', () => {
    expect(Object.keys(definitions(['default']))).toEqual(['vhosts', 'exchanges', 'queues', 'bindings']);
  });

  it('R6 has the exchanges, and a durable quorum queue for each group, each retry delay and the dead letters', () => {
    const { exchanges, queues } = definitions(['default', 'audit']);
    expect(exchanges.map(({ name, type, durable }) => [name, type, durable])).toEqual([
      ['telegram.messages', 'topic', true],
      ['telegram.messages.dlx', 'topic', true],
      ['telegram.retry', 'headers', true],
    ]);
    expect(queues.map(({ name }) => name)).toEqual([
      'telegram.consumer.default',
      'telegram.consumer.audit',
      'telegram.messages.dlq',
      'telegram.retry.1000',
      'telegram.retry.5000',
      'telegram.retry.30000',
    ]);
    expect(queues.every((queue) => queue.durable && queue.arguments['x-queue-type'] === 'quorum')).toBe(true);
  });

  it('R6 binds each group to every channel, dead letters to their queue, and each delay to its header', () => {
    expect(
      definitions(['default', 'audit']).bindings.map((b) => [b.source, b.destination, b.routing_key, b.arguments]),
    ).toEqual([
      ['telegram.messages', 'telegram.consumer.default', 'telegram.channel.*', {}],
      ['telegram.messages', 'telegram.consumer.audit', 'telegram.channel.*', {}],
      ['telegram.messages.dlx', 'telegram.messages.dlq', '#', {}],
      ['telegram.retry', 'telegram.retry.1000', '', { 'x-match': 'all', 'telegram-retry-delay-ms': '1000' }],
      ['telegram.retry', 'telegram.retry.5000', '', { 'x-match': 'all', 'telegram-retry-delay-ms': '5000' }],
      ['telegram.retry', 'telegram.retry.30000', '', { 'x-match': 'all', 'telegram-retry-delay-ms': '30000' }],
    ]);
  });
});

describe('users', () => {
  const clients = Object.fromEntries(
    BROKER_CLIENTS.map((name) => [name, { a: `${name}A`, b: `${name}B`, saltA: 'kI3GCg==', saltB: 'AAECAw==' }]),
  ) as Record<BrokerClient, BrokerPasswords>;
  const text = renderUsers(clients);
  const { users, permissions } = JSON.parse(text) as {
    users: { name: string; password_hash: string; tags: string[] }[];
    permissions: { user: string; configure: string; write: string; read: string }[];
  };

  it('D6 the hash is the one RabbitMQ documents', () => {
    expect(passwordHash('test12', 'kI3GCg==')).toBe('kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR');
  });

  it('O5 makes a pair for each client and carries no password', () => {
    expect(users.map(({ name }) => name)).toEqual(BROKER_CLIENTS.flatMap((name) => [`${name}_a`, `${name}_b`]));
    expect(text).not.toMatch(/"(?:gateway|consumer|reader|monitor)[AB]"/);
  });

  it('O5 a new password of one slot changes that one user and no other', () => {
    const turned = renderUsers({ ...clients, gateway: { ...clients.gateway, a: 'new' } });
    const after = (JSON.parse(turned) as { users: typeof users }).users;
    expect(after.filter((user, n) => user.password_hash !== users[n]?.password_hash).map(({ name }) => name)).toEqual([
      'gateway_a',
    ]);
  });

  it('D6 nobody configures, and each writes and reads no more than its part', () => {
    const rights = (user: string) => {
      const found = permissions.find((permission) => permission.user === user);
      return [found?.configure, found?.write, found?.read];
    };
    expect(rights('gateway_a')).toEqual(['^$', '^(telegram\\.messages|telegram\\.retry)$', '^$']);
    expect(rights('consumer_b')).toEqual(['^$', '^telegram\\.retry$', '^telegram\\.consumer\\..*$']);
    expect(rights('monitor_a')).toEqual(['^$', '^$', '^$']);
    expect(users.filter(({ tags }) => tags.length > 0).map(({ name, tags }) => [name, tags])).toEqual([
      ['reader_a', ['monitoring']],
      ['reader_b', ['monitoring']],
      ['monitor_a', ['monitoring']],
      ['monitor_b', ['monitoring']],
    ]);
  });
});

describe('scripts', () => {
  it.each([
    ['start', renderStartScript(), 'sh'],
    ['health', renderHealthScript(), 'bash'],
  ])('the %s script is valid', (_, script, shell) => {
    expect(() => execFileSync(shell, ['-n'], { input: script, stdio: 'pipe' })).not.toThrow();
  });
});
