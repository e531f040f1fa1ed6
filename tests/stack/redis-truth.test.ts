/**
 * Whatever happens to the Redis containers, they end with one master and one replica, without a hand (but that `up` makes again
 * what is gone). A sequence begins where
 * the one before ended, so that either node has either role at some time.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SENTINEL_MASTER } from '../../runtime/contract.js';
import { asAdmin, masterAsSeenBy, settledPair, type RedisPart } from '../support/redis-pair.js';
import { waitFor } from '../support/services.js';
import { container, docker, inspect, must, ready } from '../support/test-stack.js';

const NODES = ['redis-master', 'redis-replica'] as const;
const SENTINELS = ['redis-sentinel-1', 'redis-sentinel-2', 'redis-sentinel-3'] as const;
const ALL = [...NODES, ...SENTINELS];
const BOUND_MS = 60_000;
/** After this a Sentinel has given a failover up. */
const FAILOVER_MS = 15_000;

interface Roles {
  readonly master: RedisPart;
  readonly replica: RedisPart;
}

const restart = async (...parts: readonly string[]) => docker('restart', '--time', '10', ...parts.map(container));
const kill = async (...parts: readonly string[]) => docker('kill', ...parts.map(container));
const stop = async (...parts: readonly string[]) => docker('stop', '--time', '10', ...parts.map(container));
/** One after the other, in this order. */
const start = async (...parts: readonly string[]) => docker('start', ...parts.map(container));

/** Another master than this one, by the word of a Sentinel. */
async function replaced(old: RedisPart, boundMs = BOUND_MS): Promise<void> {
  await waitFor(
    'another master',
    async () => {
      const seen = await masterAsSeenBy(1);
      return seen !== null && seen.part !== old;
    },
    boundMs,
  );
}

/** A failover by command. A Sentinel refuses it while it still knows no replica, and gives one up that takes too long. */
async function failover({ master }: Roles): Promise<void> {
  await waitFor(
    'another master, by command',
    async () => {
      await asAdmin('redis-sentinel-1', 'SENTINEL', 'FAILOVER', SENTINEL_MASTER).catch(() => undefined);
      return replaced(master, FAILOVER_MS).then(
        () => true,
        () => false,
      );
    },
    2 * BOUND_MS,
  );
}

/** One master, its replica linked, and three Sentinels that say so with nothing under way. */
async function truth(): Promise<Roles> {
  const isTrue = async (): Promise<Roles | false> => {
    const roles = await settledPair(BOUND_MS);
    const info = String(await asAdmin(roles.replica, 'INFO', 'replication').catch(() => ''));
    if (!info.includes('master_link_status:up')) return false;
    const seen = await Promise.all([1, 2, 3].map(masterAsSeenBy));
    const agreed = seen.every((one) => one?.part === roles.master && one.flags === 'master' && one.sentinels === 2);
    return agreed && new Set(seen.map((one) => one?.epoch)).size === 1 && roles;
  };
  return waitFor('one master, one replica, three Sentinels of one mind', isTrue, BOUND_MS);
}

/** A Sentinel's patience with a master that does not answer, in milliseconds. */
const DOWN_AFTER_MS = 1_000;

/** Nobody is replaced meanwhile, however long this machine takes to restart a container. */
async function patiently(happen: () => Promise<unknown>): Promise<void> {
  const patience = async (ms: number) => {
    for (const part of SENTINELS)
      await asAdmin(part, 'SENTINEL', 'SET', SENTINEL_MASTER, 'down-after-milliseconds', String(ms));
  };
  await patience(10 * BOUND_MS);
  try {
    await happen();
    const back = async () => {
      const seen = await Promise.all([1, 2, 3].map(masterAsSeenBy));
      return seen.every((one) => one?.flags === 'master' && one.silence < DOWN_AFTER_MS);
    };
    await waitFor('an answer of the master to every Sentinel', back, BOUND_MS);
  } finally {
    await patience(DOWN_AFTER_MS);
  }
}

const STAYS = 'the master stays';
type Sequence = readonly [what: string, happen: (roles: Roles) => Promise<unknown>, stays?: typeof STAYS];

/** What happens, what it is done with (the roles at its beginning), and whether the master is the same one in the end. */
const SEQUENCES: readonly Sequence[] = [
  ['the replica alone restarts', async ({ replica }) => restart(replica), STAYS],
  [
    'the replica alone is killed, and started',
    async ({ replica }) => {
      await kill(replica);
      await start(replica);
    },
    STAYS,
  ],
  [
    'the replica alone is removed, and `up` makes it again',
    async ({ replica }) => {
      await docker('rm', '-f', container(replica));
      must('up');
    },
    STAYS,
  ],
  [
    'the master restarts, and is back before a Sentinel takes it for down',
    async ({ master }) => patiently(() => restart(master)),
    STAYS,
  ],
  ['a failover, then the promoted node restarts', async (was) => failover(was).then(() => restart(was.replica))],
  ['a failover, then both restart at once', async (was) => failover(was).then(() => restart(...NODES))],
  ['a failover, then all Sentinels restart', async (was) => failover(was).then(() => restart(...SENTINELS))],
  [
    'both are stopped, and the former replica starts first',
    async ({ master, replica }) => {
      await stop(...NODES);
      await start(replica, master);
    },
  ],
  [
    'everything is killed after a failover, and the Sentinels start first',
    async (was) => {
      await failover(was);
      await kill(...ALL);
      await start(...SENTINELS, ...NODES);
    },
  ],
  [
    'the master hangs until it is replaced, and then goes on',
    async ({ master }) => {
      await docker('pause', container(master));
      await replaced(master).finally(() => docker('unpause', container(master)));
    },
  ],
  [
    'the master is killed while all Sentinels restart',
    async ({ master }) => {
      await Promise.all([kill(master), restart(...SENTINELS)]);
      await start(master);
    },
  ],
];

describe('D4 Redis tells the truth about itself', () => {
  const times: number[] = [];
  beforeAll(truth, 2 * BOUND_MS);
  afterAll(async () => {
    await start(...ALL);
    for (const part of ALL)
      await waitFor(part, async () => (await inspect(part)).State.Health?.Status === 'healthy', 2 * BOUND_MS);
    process.stderr.write(
      `    D4 ${String(times.length)} sequences, one master again within ${Math.max(...times).toFixed(1)} s: ${times.map((s) => s.toFixed(1)).join(' ')}\n`,
    );
  }, 10 * BOUND_MS);

  it.each(SEQUENCES.map(([what, happen, stays]) => ({ what, happen, stays })))(
    'D4 D5 $what',
    async ({ happen, stays }) => {
      const was = await truth();
      await happen(was);
      const began = performance.now();
      const { master, replica } = await truth();
      times.push((performance.now() - began) / 1000);
      expect([master, replica].sort()).toEqual([...NODES]);
      if (stays) expect(master).toBe(was.master);
    },
    5 * BOUND_MS,
  );

  it(
    'D5 gateway, consumer and API find the master by themselves',
    async () => {
      for (const service of ['gateway', 'consumer', 'api'] as const)
        await waitFor(service, async () => ready(service), BOUND_MS);
    },
    4 * BOUND_MS,
  );
});
