import type { Redis } from 'ioredis';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Engines } from '../../bench/rates/engines.js';
import type { PoolerPair } from '../../bench/rates/with-and-without.js';
import { entryName } from '../../components/pgbouncer/pools.js';
import { passwordHash } from '../../components/rabbitmq/users.js';
import { DATABASE, PORTS } from '../../runtime/contract.js';
import { wait } from '../../runtime/admin/wait.js';
import { openRedis as redisAt } from '../../runtime/cache/client.js';
import { createLogger, type Logger } from '../../runtime/logger.js';
import type { BrokerOptions } from '../../runtime/queue/connection.js';
import { Database } from '../../runtime/store/database.js';
import { migrate } from '../../runtime/store/migrate.js';
import { UserError } from '../../stack/errors.js';
import type { RunningStack } from '../context.js';
import { container } from '../doctor/fix.js';
import { databaseAt, sqlOn, type Sql } from '../sql.js';
import { ROOT } from '../stack-folder.js';
import { startPooler, type Pooler } from './pooler.js';
import { BenchRemoval, removeLeftBenches } from './remove.js';
import { usageOf } from './usage.js';
import { wayTo } from './way.js';

/**
 * Runs `work` on the engines of a stack, apart from its data: a database and a vhost of its own, removed at the end, and keys
 * under a prefix, which expire. Rejects with the signal's reason once it is aborted; `work` is not waited for then.
 */
export async function withEngines<T>(
  stack: RunningStack,
  work: (engines: Engines) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const name = `bench_${randomBytes(4).toString('hex')}`;
  const logger = createLogger('bench', process.env['DEBUG'] ? 'debug' : 'silent');
  const undo: (() => Promise<unknown>)[] = [];
  const sql = sqlOn({ ...databaseAt(stack.outputs, 'timescaledb'), query_timeout: 60_000 });
  const run: Run = { stack, name, sql, removal: new BenchRemoval(stack, sql, name), logger, undo };
  try {
    const { database, pooler } = await openDatabase(run);
    const broker = await openVhost(run);
    const { redis, part } = await openRedis(stack);
    undo.push(() => redis.quit());
    const usage = usageOf(stack, {
      timescaledb: container(stack, 'timescaledb'),
      pgbouncer: pooler.container,
      rabbitmq: container(stack, 'rabbitmq'),
      redis: container(stack, part),
    });
    const engines = { database, broker, redis, logger, usage, pooler: poolerOf(stack) };
    return await Promise.race([work(engines), ...(signal ? [aborted(signal)] : [])]);
  } finally {
    for (const step of undo.reverse()) await step().catch(() => undefined);
  }
}

async function aborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
}

interface Run {
  readonly stack: RunningStack;
  /** Of the database, of the vhost and of its user. */
  readonly name: string;
  /** As the administrator of the database. */
  readonly sql: Sql;
  readonly removal: BenchRemoval;
  readonly logger: Logger;
  /** What takes each thing back, in the order in which they were made; noted before, as Ctrl-C cuts `docker` off too. */
  readonly undo: (() => Promise<unknown>)[];
}

/** Longest wait for a pooler to begin. */
const POOLER_START_MS = 30_000;

/** Migrated, and behind a pooler like the stack's own. */
async function openDatabase({
  stack,
  name,
  sql,
  removal,
  logger,
  undo,
}: Run): Promise<{ database: Database; pooler: Pooler }> {
  await removeLeftBenches(stack, sql);
  await sql(`create database ${name} template template0`);
  undo.push(removal.removeDatabase);
  const { user = '', password = '' } = stack.outputs.logins['timescaledb'] ?? {};
  const client = { ...address(stack, 'timescaledb'), user, password, database: name };
  await migrate({ client, directory: join(ROOT, 'sql'), logger });
  const [role] = await sql<{ verifier: string }>(VERIFIER, [user]);
  undo.push(removal.removePooler);
  const pooler = await startPooler(stack, {
    ...{ name: removal.pooler, database: name, role: user, verifier: role?.verifier ?? '' },
  });
  // The entry of the gateway: what one process of the runtime may have.
  const way = { host: pooler.host, port: pooler.port };
  const entry = entryName('gateway');
  const login = { ...way, name: entry, user, password };
  await wait({ endpoint: { type: 'database', database: login }, timeoutMs: POOLER_START_MS });
  const database = new Database({
    ...{ ...way, name: entry, tls: false, poolSize: 6, applicationName: 'bench', queryTimeoutMs: 600_000 },
    login: () => ({ user, password }),
  });
  // Not waited for: a query that still runs ends with its pooler.
  undo.push(() => {
    database.close().catch(() => undefined);
    return Promise.resolve();
  });
  return { database, pooler };
}

async function openVhost({ stack, name, removal, undo }: Run): Promise<BrokerOptions> {
  const inBroker = (...command: string[]) =>
    stack.hosts.docker(['exec', container(stack, 'rabbitmq'), ...command], 60_000);
  const password = randomBytes(16).toString('hex');
  undo.push(removal.removeVhost);
  await inBroker('sh', '-c', IMPORT, 'sh', definitions(name, password));
  const way = await insideWay(stack, 'rabbitmq', PORTS.amqp);
  return { ...way, vhost: name, tls: false, name, login: () => ({ user: name, password }) };
}

/** As a reader of the stack's own database, which is asked for nothing. */
function poolerOf({ outputs }: RunningStack): PoolerPair | null {
  if (!outputs.services['pgbouncer']) return null;
  const pooled = databaseAt(outputs, 'pgbouncer', entryName('reader'));
  const { host, port } = databaseAt(outputs, 'timescaledb');
  return { pooled, direct: { ...pooled, host, port, database: DATABASE } };
}

/** As the server keeps it, so that the pooler can hand on what a client proves. */
const VERIFIER = 'select rolpassword as verifier from pg_authid where rolname = $1';

/** Only a hash goes by the command line. */
const IMPORT =
  'printf %s "$1" >/tmp/bench.json; rabbitmqctl --quiet import_definitions /tmp/bench.json; s=$?; rm -f /tmp/bench.json; exit $s';

function definitions(name: string, password: string): string {
  return JSON.stringify({
    vhosts: [{ name, default_queue_type: 'quorum' }],
    users: [
      {
        name,
        password_hash: passwordHash(password, randomBytes(4).toString('base64')),
        hashing_algorithm: 'rabbit_password_hashing_sha256',
        tags: [],
      },
    ],
    permissions: [{ user: name, vhost: name, configure: '.*', write: '.*', read: '.*' }],
  });
}

/** To whichever node is the master now. */
async function openRedis(stack: RunningStack): Promise<{ redis: Redis; part: string }> {
  for (const part of ['redis-master', 'redis-replica']) {
    const file = await stack.hosts.docker(['exec', container(stack, part), 'cat', '/credentials/admin']);
    const redis = redisAt({
      ...(await insideWay(stack, part, PORTS.redis)),
      ...{ username: 'admin', password: file.split('\n')[0] ?? '', keyPrefix: 'bench:' },
      ...{ connectTimeout: 5_000 },
    });
    redis.on('error', () => undefined);
    const [role] = (await redis.role()) as [string];
    if (role === 'master') return { redis, part };
    redis.disconnect();
  }
  throw new UserError('NOT_UP', 'the stack has no Redis master now', { fix: 'npm run doctor' });
}

/** The way to a part that the stack's own processes take, by its port inside. */
async function insideWay(stack: RunningStack, part: string, port: number): Promise<{ host: string; port: number }> {
  const name = container(stack, part);
  return wayTo(stack.hosts.at(name), name, port, address(stack, part));
}

function address({ outputs }: RunningStack, name: string): { host: string; port: number } {
  const found = outputs.services[name];
  if (!found) throw new UserError('USAGE', `bench needs ${name} in the stack, and this one has none`);
  return { host: found.host, port: found.port };
}
