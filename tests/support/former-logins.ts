import type { Credentials } from '../../runtime/credentials.js';
import { askBroker, askDatabase, askPooler, askRedis, askSentinel, type Process } from './logins.js';
import { connection, inside } from './test-stack.js';

/** A login as it was before a rotation, and how to find out whether it is still one. */
export interface FormerLogin {
  readonly name: string;
  readonly password: string;
  readonly ask: () => Promise<unknown>;
}

/** Whether an error says that the login is none, in the words of PostgreSQL, PgBouncer, Redis and RabbitMQ. */
export function isRefusal(error: unknown): boolean {
  const text = error instanceof Error ? error.message : String(error);
  return /(password|SASL) authentication failed|WRONGPASS|ACCESS_REFUSED|ACCESS-REFUSED/.test(text);
}

/** Every login that can be collected from a running stack; the superuser, who has one slot only, is the first. */
export async function formerLogins(told: Readonly<Record<Process, Credentials>>): Promise<FormerLogin[]> {
  return [...databaseLogins(told), ...(await cacheLogins(told)), ...brokerLogins(told)];
}

function databaseLogins(told: Readonly<Record<Process, Credentials>>): FormerLogin[] {
  const direct = { service: 'timescaledb', database: 'telegram_gateway' } as const;
  const superuser = loginOf('timescaledb');
  const reader = loginOf('pgbouncer');
  const stats = loginOf('pgbouncer-admin');
  const logins = (['gateway', 'consumer', 'api'] as const).flatMap((client) => {
    const login = need(told[client].database);
    return [
      { name: `${client} at PgBouncer`, ...login, ask: () => askPooler(client, login) },
      { name: `${client} at PostgreSQL`, ...login, ask: () => askDatabase(login, direct) },
    ];
  });
  return [
    { name: 'postgres', ...superuser, ask: () => askDatabase(superuser, direct) },
    ...logins,
    { name: 'reader at PgBouncer', ...reader, ask: () => askPooler('reader', reader) },
    {
      name: "PgBouncer's statistics",
      ...stats,
      ask: () => askDatabase(stats, { service: 'pgbouncer', database: 'pgbouncer' }, 'show version'),
    },
  ];
}

/** Replication, Sentinels and the admin are known to the containers alone. */
async function cacheLogins(told: Readonly<Record<Process, Credentials>>): Promise<FormerLogin[]> {
  const firstLine = async (file: string) =>
    (await inside('redis-master', 'head', '-n', '1', `/credentials/${file}`)).trim();
  const replication = /^masterauth (.*)$/m.exec(
    await inside('redis-master', 'cat', '/credentials/replication.conf'),
  )?.[1];
  const users = [
    ...(['gateway', 'consumer', 'api'] as const).map((client) => [client, need(told[client].redis).password] as const),
    ['reader', loginOf('redis-master').password] as const,
    ['replication', need(replication)] as const,
    ['sentinel', await firstLine('sentinel')] as const,
    ['admin', await firstLine('admin')] as const,
  ];
  const nodes = ['redis-master', 'redis-replica'];
  const onNodes = users.flatMap(([username, password]) =>
    nodes.map((node) => ({
      name: `${username} at ${node}`,
      password,
      ask: () => askRedis(node, { username, password }, 'PING'),
    })),
  );
  const client = need(told.api.redis).sentinelPassword;
  const onSentinels = [1, 2, 3].map((n) => ({
    name: `clients at Sentinel ${String(n)}`,
    password: client,
    ask: () => askSentinel(client, n),
  }));
  return [...onNodes, ...onSentinels];
}

function brokerLogins(told: Readonly<Record<Process, Credentials>>): FormerLogin[] {
  const logins = {
    gateway: need(told.gateway.rabbitmq),
    consumer: need(told.consumer.rabbitmq),
    reader: loginOf('rabbitmq'),
  };
  return Object.entries(logins).map(([name, login]) => ({
    name: `${name} at RabbitMQ`,
    ...login,
    ask: () => askBroker(login),
  }));
}

function loginOf(service: string): { user: string; password: string } {
  const { user = '', password = '' } = connection(service);
  return { user, password };
}

function need<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the test stack has not told this login');
  return value;
}
