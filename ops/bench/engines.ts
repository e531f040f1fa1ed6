import { Redis } from 'ioredis';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Engines } from '../../bench/rates/engines.js';
import type { PoolerPair } from '../../bench/rates/with-and-without.js';
import { entryName } from '../../components/pgbouncer/pools.js';
import { passwordHash } from '../../components/rabbitmq/users.js';
import { DATABASE } from '../../runtime/contract.js';
import { createLogger } from '../../runtime/logger.js';
import { Database } from '../../runtime/store/database.js';
import { migrate } from '../../runtime/store/migrate.js';
import { UserError } from '../../stack/errors.js';
import type { RunningStack } from '../context.js';
import { container } from '../doctor/fix.js';
import { databaseAt, sqlOn } from '../sql.js';
import { ROOT } from '../stack-folder.js';

/**
 * Runs `work` on the engines of a stack, apart from its data: a database and a vhost of its own, removed at the end, and keys
 * under a prefix, which expire.
 */
export async function withEngines<T>(stack: RunningStack, work: (engines: Engines) => Promise<T>): Promise<T> {
  const name = `bench_${randomBytes(4).toString('hex')}`;
  const logger = createLogger('bench', process.env['DEBUG'] ? 'debug' : 'silent');
  const inBroker = (...command: string[]) =>
    stack.docker.docker(['exec', container(stack, 'rabbitmq'), ...command], 60_000);
  const undo: (() => Promise<unknown>)[] = [];
  try {
    const admin = databaseAt(stack.outputs, 'timescaledb');
    const sql = sqlOn({ ...admin, query_timeout: 60_000 });
    await sql(`create database ${name} template template0`);
    undo.push(() => sql(`drop database ${name} with (force)`));
    const login = stack.outputs.logins['timescaledb'];
    const { user = '', password = '' } = login ?? {};
    const { host, port } = address(stack, 'timescaledb');
    const client = { host, port, user, password, database: name };
    await migrate({ client, directory: join(ROOT, 'sql'), logger });
    const database = new Database({
      ...{ host, port, name, poolSize: 6, tls: false, applicationName: 'bench', queryTimeoutMs: 600_000 },
      login: () => ({ user, password }),
    });
    undo.push(() => database.close());

    const secret = randomBytes(16).toString('hex');
    await inBroker('sh', '-c', IMPORT, 'sh', definitions(name, secret));
    undo.push(() =>
      inBroker('sh', '-c', 'rabbitmqctl -q delete_vhost "$1"; rabbitmqctl -q delete_user "$1"', 'sh', name),
    );
    const broker = { ...address(stack, 'rabbitmq'), vhost: name, tls: false, name };

    const redis = await openRedis(stack);
    undo.push(() => redis.quit());
    return await work({
      database,
      broker: { ...broker, login: () => ({ user: name, password: secret }) },
      redis,
      logger,
      pooler: poolerOf(stack),
    });
  } finally {
    for (const step of undo.reverse()) await step().catch(() => undefined);
  }
}

/** As a reader of the stack's own database, which is asked for nothing. */
function poolerOf({ outputs }: RunningStack): PoolerPair | null {
  if (!outputs.services['pgbouncer']) return null;
  const pooled = databaseAt(outputs, 'pgbouncer', entryName('reader'));
  const { host, port } = databaseAt(outputs, 'timescaledb');
  return { pooled, direct: { ...pooled, host, port, database: DATABASE } };
}

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
async function openRedis(stack: RunningStack): Promise<Redis> {
  for (const part of ['redis-master', 'redis-replica']) {
    const file = await stack.docker.docker(['exec', container(stack, part), 'cat', '/credentials/admin']);
    const redis = new Redis({
      ...address(stack, part),
      ...{ username: 'admin', password: file.split('\n')[0] ?? '', keyPrefix: 'bench:' },
      ...{ connectTimeout: 5_000, enableAutoPipelining: true },
    });
    redis.on('error', () => undefined);
    const [role] = (await redis.role()) as [string];
    if (role === 'master') return redis;
    redis.disconnect();
  }
  throw new UserError('NOT_UP', 'the stack has no Redis master now', { fix: 'npm run doctor' });
}

function address({ outputs }: RunningStack, name: string): { host: string; port: number } {
  const found = outputs.services[name];
  if (!found) throw new UserError('USAGE', `bench needs ${name} in the stack, and this one has none`);
  return { host: found.host, port: found.port };
}
