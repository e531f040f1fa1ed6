import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { eventsOf } from '../../../bench/chaos/events.js';
import type { StoredMessage } from '../../../bench/chaos/evidence.js';
import { follow } from '../../../bench/chaos/lane.js';
import { judge } from '../../../bench/chaos/oracle.js';
import { makeSchedule } from '../../../bench/chaos/schedule.js';
import { settle } from '../../../bench/chaos/settle.js';
import { World } from '../../../bench/chaos/world.js';
import { cleanMessage } from '../../../runtime/store/clean-message.js';
import { Bench, IMPATIENT } from '../telegram/support/bench.js';
import type { MemoryStore } from '../telegram/support/memory-store.js';
import { noSecondChance } from '../../support/no-second-chance.js';

noSecondChance();

/** Of the schedule; `MEMORY_RUNS` is how many seeds of their own are tried. */
const DURATION_MS = 5_000;
/** Both kinds of channels come early in it while the gateway is away. */
const FIXED_SEED = 289;
/** So long it is away then. */
const AWAY_MS = 300;
const CHANNELS = 3;
const SETTLE = { longestMs: 60_000, againMs: 200, stillMs: 500, signal: new AbortController().signal };
jest.setTimeout(150_000);

/** Faults of Telegram and channels that come, without a stack: the gateway's pipeline, its store in memory. */
describe('N8 the oracle and the gateway agree', () => {
  let bench: Bench;
  afterEach(() => bench.close());

  const own = Array.from({ length: Number(process.env['MEMORY_RUNS'] ?? 1) }, () => randomInt(2 ** 31));
  it.each([['a fixed seed', FIXED_SEED] as const, ...own.map((seed) => [`seed ${String(seed)}`, seed] as const)])(
    'N8 R2 R4 with %s: nothing is lost, and only what nobody could see is not there',
    async (_what, seed) => {
      bench = await Bench.start(
        { channels: CHANNELS },
        { intervals: IMPATIENT, retryMs: { first: 20, longest: 200, gone: 500 } },
      );
      const world = new World(`http://127.0.0.1:${String(bench.simulator.controlPort)}`);
      await world.begin(CHANNELS);
      const { changes, troubles } = makeSchedule({ seed, durationMs: DURATION_MS, rate: 40, troubleEveryMs: 200 });
      const run = { startedAt: performance.now(), signal: AbortSignal.timeout(3 * DURATION_MS) };
      const lasting: Promise<unknown>[] = [];
      await Promise.all([
        follow({ ...run, list: changes, perform: (change) => world.change(change) }),
        follow({
          ...run,
          list: troubles,
          perform: async (trouble) => {
            if (trouble.on === 'telegram')
              lasting.push(delay(trouble.forMs / 10).then(await world.injure(trouble.wish)));
            else if (trouble.on === 'world') await comes(world, trouble);
            else if (trouble.part === 'gateway') await bench.replace(() => undefined);
          },
        }),
      ]);
      await Promise.all(lasting);
      await world.heal();
      const { found } = await settle({
        ...SETTLE,
        look: () => look(world),
        good: ({ findings }) => findings.length === 0,
      });
      if (found.findings.length > 0) throw new Error(`seed ${String(seed)}: ${JSON.stringify(found, null, 1)}`);
      expect(found.posted).toBeGreaterThan(100);
      expect(found.stored + found.neverShown).toBe(found.posted);
    },
  );

  async function comes(world: World, { away, ...arrival }: Parameters<World['arrive']>[0] & { away: boolean }) {
    if (!away) await world.arrive(arrival);
    else
      await bench.replace(async () => {
        await world.arrive(arrival);
        await delay(AWAY_MS);
      });
  }

  async function look(world: World) {
    const stored = storedIn(bench.store, world);
    const events = new Map(stored.flatMap(eventsOf));
    const published = new Map([...events].map(([id, text]) => [id, { copies: 1, text }]));
    return judge({ truth: await world.truth(), stored, published, effects: {}, ...(await world.kept()) });
  }
});

function storedIn(store: MemoryStore, { ranges }: World): StoredMessage[] {
  const keys = new Set([...store.versions.keys(), ...store.deleted]);
  return [...keys].flatMap((key) => {
    const [channelId = '', messageId = ''] = key.split(':');
    if (!ranges.some((range) => range.channelId === channelId && Number(messageId) > range.after)) return [];
    const copies = (store.versions.get(key) ?? []).map(({ message }) => message);
    const versions = copies.map((message, index) => {
      const { text, mediaType } = cleanMessage(message);
      return { version: index + 1, text, mediaType };
    });
    return [{ channelId, messageId, kind: copies[0]?.kind ?? '', versions, deleted: store.deleted.has(key) }];
  });
}
