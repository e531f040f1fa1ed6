import { BROKER_CLIENTS, CACHE_CLIENTS, DATABASE_CLIENTS, type CacheClient } from '../../runtime/contract.js';
import type { Credentials } from '../../runtime/credentials.js';
import type { Slot } from '../../stack/rotation.js';
import { askApi, askBroker, askDatabase, askPooler, askRedis, askSentinel, type Process } from './logins.js';
import type { Passwords } from './secrets/collect.js';

/** A login as it was before a rotation, and how to find out whether it is still one. */
export interface FormerLogin {
  readonly name: string;
  readonly password: string;
  readonly ask: () => Promise<unknown>;
}

/** Whether an error says that the login is none, in the words of PostgreSQL, PgBouncer, Redis, RabbitMQ and the API. */
export function isRefusal(error: unknown): boolean {
  const text = error instanceof Error ? error.message : String(error);
  return /(password|SASL) authentication failed|WRONGPASS|ACCESS_REFUSED|ACCESS-REFUSED|^401 /.test(text);
}

export interface Known {
  readonly told: Readonly<Record<Process, Credentials>>;
  /** From the state of the stack: some logins are told to nobody else. */
  readonly passwords: Passwords;
  readonly slot: Slot;
}

/** Every login of one slot; the superuser, who has one slot only, is the first. */
export function formerLogins(known: Known): FormerLogin[] {
  return [...databaseLogins(known), ...cacheLogins(known), ...brokerLogins(known), apiLogin(known)];
}

function apiLogin(known: Known): FormerLogin {
  const password = generated(known, 'api-key');
  return { name: 'API key', password, ask: () => askApi(password) };
}

function generated({ passwords, slot }: Known, name: string): string {
  return need(passwords[`${name}-${slot}`]);
}

function databaseLogins(known: Known): FormerLogin[] {
  const { told, slot } = known;
  const direct = { service: 'timescaledb', database: 'telegram_gateway' } as const;
  const console_ = { service: 'pgbouncer', database: 'pgbouncer' } as const;
  const login = (client: string) => ({ user: `${client}_${slot}`, password: generated(known, `database-${client}`) });
  const clients = DATABASE_CLIENTS.flatMap((client) => {
    const own = client === 'reader' || client === 'monitor' ? login(client) : need(told[client].database);
    return [
      { name: `${client} at PgBouncer`, ...own, ask: () => askPooler(client, own) },
      { name: `${client} at PostgreSQL`, ...own, ask: () => askDatabase(own, direct) },
    ];
  });
  const consoles = ['pgb_stats', 'pgb_admin'].map((user) => ({
    name: `${user} at PgBouncer's console`,
    ...login(user),
    ask: () => askDatabase(login(user), console_, 'show version'),
  }));
  const superuser = { user: 'postgres', password: generated(known, 'database-postgres') };
  return [{ name: 'postgres', ...superuser, ask: () => askDatabase(superuser, direct) }, ...clients, ...consoles];
}

function cacheLogins(known: Known): FormerLogin[] {
  const nodes = ['redis-master', 'redis-replica'];
  const sentinels = [1, 2, 3].map((n) => `redis-sentinel-${String(n)}`);
  const as = (username: CacheClient, service: string): FormerLogin => {
    const password = generated(known, `redis-${username}`);
    return {
      name: `${username} at ${service}`,
      password,
      ask: () => askRedis(service, { username, password }, 'PING'),
    };
  };
  const client = need(known.told.api.redis).sentinelPassword;
  return [
    ...CACHE_CLIENTS.flatMap((username) => nodes.map((node) => as(username, node))),
    ...(['sentinel', 'admin'] as const).flatMap((username) => sentinels.map((sentinel) => as(username, sentinel))),
    ...sentinels.map((name, n) => ({
      name: `clients at ${name}`,
      password: client,
      ask: () => askSentinel(client, n + 1),
    })),
  ];
}

function brokerLogins(known: Known): FormerLogin[] {
  return BROKER_CLIENTS.map((client) => {
    const login = { user: `${client}_${known.slot}`, password: generated(known, `rabbitmq-${client}`) };
    return { name: `${client} at RabbitMQ`, ...login, ask: () => askBroker(login) };
  });
}

function need<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the test stack has not told this login');
  return value;
}
