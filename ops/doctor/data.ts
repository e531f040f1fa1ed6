import { Redis } from 'ioredis';
import { Client } from 'pg';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_GROUP, SENTINEL_MASTER, VHOST, groupQueue } from '../../runtime/contract.js';
import type { RunningStack } from '../context.js';
import { ROOT } from '../stack-folder.js';
import { Failing, type Check } from './check.js';

/** Runs one query with the login of the named service. */
async function query<R extends object>(
  stack: RunningStack,
  service: string,
  sql: string,
  database?: string,
): Promise<R[]> {
  const address = stack.outputs.services[service];
  const login = stack.outputs.logins[service];
  if (!address) throw new Failing(`${service} has no address`, 'npm run up');
  const client = new Client({
    host: address.host,
    port: address.port,
    user: login?.user,
    password: login?.password,
    database: database ?? 'telegram_gateway',
    connectionTimeoutMillis: 5_000,
  });
  await client.connect();
  try {
    return (await client.query<R>(sql)).rows;
  } finally {
    await client.end();
  }
}

const timescaledb: Check = {
  name: 'timescaledb',
  fix: 'npm run logs -- timescaledb',
  run: async (stack) => {
    const [row] = await query<{ version: string; extension: string | null }>(
      stack,
      'timescaledb',
      `select current_setting('server_version') as version,
              (select extversion from pg_extension where extname = 'timescaledb') as extension`,
    );
    if (!row?.extension) throw new Failing('the extension timescaledb is not installed', 'npm run up');
    return `PostgreSQL ${row.version}, TimescaleDB ${row.extension}`;
  },
};

const migrations: Check = {
  name: 'migrations',
  fix: 'npm run up',
  run: async (stack) => {
    const rows = await query<{ name: string }>(
      stack,
      'timescaledb',
      'select name from telegram_gateway.schema_migrations order by 1',
    );
    const files = readdirSync(join(ROOT, 'sql')).filter((file) => /^\d+_.*\.sql$/.test(file));
    const pending = files.filter((file) => !rows.some(({ name }) => file === name || file === `${name}.sql`));
    if (pending.length > 0) throw new Failing(`pending: ${pending.join(', ')}`, 'npm run up');
    return `${String(rows.length)} applied, none pending`;
  },
};

const pgbouncer: Check = {
  name: 'pgbouncer',
  fix: 'npm run logs -- pgbouncer',
  run: async (stack) => {
    const pools = await query<{
      cl_active: string;
      cl_waiting: string;
      sv_active: string;
      sv_idle: string;
      maxwait: string;
    }>(stack, 'pgbouncer-admin', 'show pools', 'pgbouncer');
    const sum = (field: 'cl_active' | 'cl_waiting' | 'sv_active' | 'sv_idle') =>
      pools.reduce((total, pool) => total + Number(pool[field]), 0);
    const waited = Math.max(0, ...pools.map(({ maxwait }) => Number(maxwait)));
    if (waited > 1)
      throw new Failing(
        `clients wait ${String(waited)} s for a connection`,
        'raise telegram:pgbouncer.maxServerConnections',
      );
    return `clients ${String(sum('cl_active'))} active, ${String(sum('cl_waiting'))} waiting; servers ${String(sum('sv_active'))} active, ${String(sum('sv_idle'))} idle`;
  },
};

const redis: Check = {
  name: 'redis',
  fix: 'npm run logs -- redis-sentinel-1',
  run: async ({ outputs }) => {
    const sentinels = Object.entries(outputs.services).filter(([name]) => name.startsWith('redis-sentinel'));
    const votes = await Promise.all(
      sentinels.map(async ([name, { host, port }]) => {
        const client = new Redis({
          host,
          port,
          lazyConnect: true,
          retryStrategy: () => null,
          connectTimeout: 3_000,
          ...credentials(outputs.logins[name]),
        });
        client.on('error', () => undefined);
        try {
          await client.connect();
          const answer = String(await client.call('SENTINEL', 'CKQUORUM', SENTINEL_MASTER));
          const master = (await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', SENTINEL_MASTER)) as string[];
          return { name, answer, master: master.join(':') };
        } catch (error) {
          return { name, answer: error instanceof Error ? error.message : String(error), master: '?' };
        } finally {
          client.disconnect();
        }
      }),
    );
    const failing = votes.filter(({ answer }) => !answer.startsWith('OK'));
    if (failing.length > 0)
      throw new Failing(failing.map(({ name, answer }) => `${name}: ${answer}`).join('; '), 'npm run up');
    const masters = new Set(votes.map(({ master }) => master));
    if (masters.size !== 1) throw new Failing(`the Sentinels name ${[...masters].join(' and ')}`, 'npm run up');
    return `${String(votes.length)} Sentinels agree on master ${[...masters].join('')}`;
  },
};

const rabbitmq: Check = {
  name: 'rabbitmq',
  fix: 'npm run logs -- rabbitmq',
  run: async ({ outputs }) => {
    const address = outputs.services['rabbitmq-metrics'];
    if (!address) return 'switched off or external';
    // The broker counts for Prometheus only: its management interface knows no consumers.
    const families = 'family=queue_consumer_count&family=queue_coarse_metrics';
    const url = `http://${address.host}:${String(address.port)}/metrics/detailed?${families}&vhost=${VHOST}`;
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Failing(`the metrics answer ${String(response.status)}`, 'npm run up');
    const lines = (await response.text()).split('\n');
    const queue = groupQueue(DEFAULT_GROUP);
    const value = (name: string) =>
      Number(lines.find((line) => line.startsWith(`${name}{`) && line.includes(`queue="${queue}"`))?.split(' ')[1]);
    const consumers = value('rabbitmq_detailed_queue_consumers');
    if (Number.isNaN(consumers)) throw new Failing(`there is no queue ${queue}`, 'npm run up');
    if (consumers === 0) throw new Failing(`nobody consumes ${queue}`, 'npm run logs -- consumer');
    const messages = value('rabbitmq_detailed_queue_messages');
    return `${queue}: ${String(messages)} messages, ${String(consumers)} consumer(s)`;
  },
};

function credentials(login: { user?: string; password?: string } | undefined): {
  username?: string;
  password?: string;
} {
  return { ...(login?.user && { username: login.user }), ...(login?.password && { password: login.password }) };
}

/** The data layer, each part asked by its own protocol. */
export const dataChecks: readonly Check[] = [timescaledb, migrations, pgbouncer, redis, rabbitmq];
