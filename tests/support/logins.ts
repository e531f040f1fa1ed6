import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { entryName } from '../../components/pgbouncer/pools.js';
import { sqlOn } from '../../ops/sql.js';
import { SENTINEL_MASTER, VHOST, groupQueue, type DatabaseClient } from '../../runtime/contract.js';
import type { Credentials } from '../../runtime/credentials.js';
import { connection, docker, container } from './test-stack.js';

/** Processes and where their credentials files are. */
const FILES = {
  gateway: ['gateway-host', '/opt/telegram-gateway/credentials/credentials.json'],
  consumer: ['consumer', '/credentials/credentials.json'],
  api: ['gateway-api', '/credentials/credentials.json'],
} as const;
export type Process = keyof typeof FILES;

/** What a process of the test stack has been told. */
export async function credentialsOf(process: Process): Promise<Credentials> {
  const [part, path] = FILES[process];
  return JSON.parse(await docker('exec', container(part), 'cat', path)) as Credentials;
}

/** Longer than any delay of a busy machine: what fails is refused, not slow. */
const BOUND_MS = 60_000;

interface Login {
  readonly user: string;
  readonly password: string;
}

/** One query on a connection of its own. */
export function askDatabase(
  login: Login,
  at: { readonly service: 'pgbouncer' | 'timescaledb'; readonly database: string },
  sql = 'select 1',
): Promise<unknown[]> {
  const { host, port } = connection(at.service);
  const bounds = { connectionTimeoutMillis: BOUND_MS, query_timeout: BOUND_MS };
  const { user, password } = login;
  return sqlOn({ host, port, user, password, database: at.database, ...bounds })(sql);
}

/** One query through the entry of a client. */
export function askPooler(client: DatabaseClient, login: Login, sql = 'select 1'): Promise<unknown[]> {
  return askDatabase(login, { service: 'pgbouncer', database: entryName(client) }, sql);
}

/** One command on a connection of its own to a Redis node or a Sentinel. */
export async function askRedis(
  service: string,
  login: { readonly username?: string; readonly password: string },
  ...command: [string, ...string[]]
): Promise<unknown> {
  const { host, port } = connection(service);
  const redis = new Redis({
    host,
    port,
    ...login,
    lazyConnect: true,
    enableReadyCheck: false,
    retryStrategy: () => null,
    connectTimeout: BOUND_MS,
  });
  let refusal: Error | undefined;
  redis.on('error', (error) => (refusal = error));
  try {
    await redis.connect();
    return await redis.call(...command);
  } catch (error) {
    // A refused login is told apart from the command that fails without one.
    throw refusal ?? error;
  } finally {
    redis.disconnect();
  }
}

export function askSentinel(password: string, number = 1): Promise<unknown> {
  return askRedis(
    `redis-sentinel-${String(number)}`,
    { password },
    'SENTINEL',
    'GET-MASTER-ADDR-BY-NAME',
    SENTINEL_MASTER,
  );
}

/** Looks at the consumers' queue on a connection of its own. */
export async function askBroker({ user, password }: Login, queue = groupQueue('default')): Promise<unknown> {
  const { host, port } = connection('rabbitmq');
  const model = await connect(
    { hostname: host, port, vhost: VHOST, username: user, password, heartbeat: 0 },
    { timeout: BOUND_MS },
  );
  model.on('error', () => undefined);
  try {
    const channel = await model.createChannel();
    channel.on('error', () => undefined);
    return await channel.checkQueue(queue);
  } finally {
    await model.close().catch(() => undefined);
  }
}

/** Looks at the vhost by RabbitMQ's management interface. */
export async function askManagement({ user, password }: Login): Promise<unknown> {
  const { host, port } = connection('rabbitmq-management');
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  return answered(`http://${host}:${String(port)}/api/queues/${encodeURIComponent(VHOST)}`, authorization);
}

/** One request to the REST API with a key. */
export async function askApi(key: string): Promise<unknown> {
  const { host, port } = connection('api');
  return answered(`http://${host}:${String(port)}/v1/channels`, `Bearer ${key}`);
}

async function answered(url: string, authorization: string): Promise<unknown> {
  const answer = await fetch(url, { headers: { authorization }, signal: AbortSignal.timeout(BOUND_MS) });
  if (!answer.ok) throw new Error(`${String(answer.status)} ${await answer.text()}`);
  return answer.json();
}
