import { Redis } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import { SENTINEL_MASTER } from '../../runtime/contract.js';
import { waitFor } from './services.js';
import { connection, inside, testSubnet } from './test-stack.js';

/** Both data nodes of the test stack, by the part that they are. Who is master changes with each failover. */
const NODES = { 'redis-master': testSubnet(0, '20'), 'redis-replica': testSubnet(0, '21') } as const;
export type RedisPart = keyof typeof NODES;

/** A connection as `admin`, to a data node. */
async function open(part: RedisPart): Promise<Redis> {
  const [password = ''] = (await inside(part, 'cat', '/credentials/admin')).split('\n');
  const { host, port } = connection(part);
  return silent(
    new Redis({ host, port, username: 'admin', password, retryStrategy: () => 100, connectTimeout: 2_000 }),
  );
}

function silent(redis: Redis): Redis {
  redis.on('error', () => undefined);
  return redis;
}

/** `master` or `slave`; null while the node does not answer. */
export async function roleOf(part: RedisPart): Promise<string | null> {
  const { host, port } = connection(part);
  const { user, password } = connection(part);
  const redis = silent(
    new Redis({
      host,
      port,
      ...(user && { username: user }),
      ...(password && { password }),
      lazyConnect: true,
      retryStrategy: () => null,
      connectTimeout: 2_000,
      commandTimeout: 2_000,
    }),
  );
  // A connection that is closed while it begins may leave `connect` without an answer for good.
  const asked = async () => {
    await redis.connect();
    return (await redis.call('ROLE')) as [string];
  };
  try {
    const [role] = await within(asked());
    return role;
  } catch {
    return null;
  } finally {
    redis.disconnect();
  }
}

/** Roles of both, once there is exactly one master and its replica is linked. */
export async function settledPair(timeoutMs = 60_000): Promise<{ master: RedisPart; replica: RedisPart }> {
  return waitFor(
    'one master and one replica',
    async () => {
      const roles = await Promise.all([roleOf('redis-master'), roleOf('redis-replica')]);
      if (roles.join(' ') === 'master slave') return { master: 'redis-master', replica: 'redis-replica' } as const;
      if (roles.join(' ') === 'slave master') return { master: 'redis-replica', replica: 'redis-master' } as const;
      return false;
    },
    timeoutMs,
  );
}

/** Connections to the present master and its replica. */
export async function openPair(): Promise<{
  master: Redis;
  replica: Redis;
  parts: { master: RedisPart; replica: RedisPart };
}> {
  const parts = await settledPair();
  return { parts, master: await open(parts.master), replica: await open(parts.replica) };
}

/** A Sentinel, as clients see it. */
export function openSentinel(number: number): Redis {
  const { host, port, password } = connection(`redis-sentinel-${String(number)}`);
  return silent(new Redis({ host, port, ...(password && { password }), retryStrategy: () => 100 }));
}

/** The part that a Sentinel names as master. */
export async function namedMaster(sentinel: Redis): Promise<RedisPart | undefined> {
  const [address] = (await sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', SENTINEL_MASTER)) as string[];
  return (Object.keys(NODES) as RedisPart[]).find((part) => NODES[part] === address);
}

export interface SeenMaster {
  readonly part: RedisPart | undefined;
  /** `master`, with more words while something is wrong or under way. */
  readonly flags: string;
  readonly epoch: string;
  /** Other Sentinels that it knows. */
  readonly sentinels: number;
  /** Since it last answered, in milliseconds. */
  readonly silence: number;
}

/** What a Sentinel says of the master; null while it does not answer. */
export async function masterAsSeenBy(number: number): Promise<SeenMaster | null> {
  const sentinel = openSentinel(number);
  try {
    const reply = (await within(sentinel.call('SENTINEL', 'MASTER', SENTINEL_MASTER))) as string[];
    const fact = (name: string) => reply[reply.indexOf(name) + 1] ?? '';
    const part = (Object.keys(NODES) as RedisPart[]).find((name) => NODES[name] === fact('ip'));
    return {
      part,
      flags: fact('flags'),
      epoch: fact('config-epoch'),
      sentinels: Number(fact('num-other-sentinels')),
      silence: Number(fact('last-ok-ping-reply')),
    };
  } catch {
    return null;
  } finally {
    sentinel.disconnect();
  }
}

/** One command as `admin`, to a node or a Sentinel. */
export async function asAdmin(part: string, command: string, ...args: readonly string[]): Promise<unknown> {
  const [password = ''] = (await inside(part, 'cat', '/credentials/admin')).split('\n');
  const { host, port } = connection(part);
  const redis = silent(new Redis({ host, port, username: 'admin', password, retryStrategy: () => null }));
  try {
    return await within(redis.call(command, ...args));
  } finally {
    redis.disconnect();
  }
}

/** A server that hangs answers neither yes nor no. */
async function within<T>(answer: Promise<T>): Promise<T> {
  return Promise.race([
    answer,
    delay(3_000, undefined, { ref: false }).then(() => Promise.reject(new Error('no answer within 3 s'))),
  ]);
}
