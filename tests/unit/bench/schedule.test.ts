import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { makeSchedule } from '../../../bench/chaos/schedule.js';
import { kindsOf } from '../../../bench/chaos/troubles.js';
import { faultSchema } from '../../../runtime/simulator/fault-kinds.js';

const seed = fc.integer({ min: 0, max: 2 ** 31 });
const options = fc.record({
  seed,
  durationMs: fc.integer({ min: 6_000, max: 60_000 }),
  rate: fc.integer({ min: 1, max: 20 }),
  troubleEveryMs: fc.integer({ min: 500, max: 10_000 }),
  channels: fc.integer({ min: 1, max: 5 }),
  scope: fc.constantFrom('all' as const, 'telegram' as const),
});

describe('N8 the schedule of a chaos run', () => {
  it('N8 the same seed is the same schedule, another one is not', () => {
    fc.assert(
      fc.property(options, (wish) => {
        const text = (seed: number) => JSON.stringify(makeSchedule({ ...wish, seed }));
        expect(text(wish.seed) === text(wish.seed)).toBe(true);
        expect(text(wish.seed) === text(wish.seed + 1)).toBe(false);
      }),
      { numRuns: 15 },
    );
  });

  it('N8 the world does not change with its troubles', () => {
    const [calm, wild] = [4_000, 500].map((troubleEveryMs) =>
      makeSchedule({ seed: 7, durationMs: 60_000, troubleEveryMs }),
    );
    expect(JSON.stringify(calm?.changes) === JSON.stringify(wild?.changes)).toBe(true);
    expect(calm?.troubles.length).toBeLessThan(wild?.troubles.length ?? 0);
  });

  it('N8 everything is in the order of its time, inside the duration, at the asked-for rate', () => {
    fc.assert(
      fc.property(options, (wish) => {
        const { changes, troubles } = makeSchedule(wish);
        for (const list of [changes, troubles]) {
          const times = list.map(({ atMs }) => atMs);
          expect(times.every((atMs, n) => atMs >= (times[n - 1] ?? 0) && atMs < wish.durationMs)).toBe(true);
        }
        const posts = changes.filter(({ what }) => what.do === 'post');
        expect(posts).toHaveLength(Math.floor((wish.durationMs * wish.rate) / 1_000));
        expect(changes.every(({ what }) => what.channel < wish.channels)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  it('N8 no kind of trouble comes again before every other one had its turn', () => {
    fc.assert(
      fc.property(seed, (seed) => {
        const { troubles } = makeSchedule({ seed, durationMs: 120_000, troubleEveryMs: 1_000, rate: 1 });
        const kinds = kindsOf('all');
        // `gateway kill` is in the deck twice.
        const round = troubles.slice(0, kinds.length + 1).map(({ what }) => what.kind);
        expect([...new Set(round)].sort()).toEqual(kinds);
      }),
      { numRuns: 20 },
    );
  });

  it('N8 every fault is one that the simulator takes, and each of its kinds has its place or its reason', () => {
    const { troubles } = makeSchedule({ seed: 1, durationMs: 600_000, troubleEveryMs: 1_000 });
    const wishes = troubles.flatMap(({ what }) => (what.on === 'telegram' ? [what.wish] : []));
    for (const wish of wishes) expect(() => faultSchema.parse(wish)).not.toThrow();
    const known = faultSchema.options.map((option) => option.shape.kind.value);
    const absent = known.filter((kind) => !wishes.some((wish) => wish.kind === kind));
    // One is about logins, the other hides a message for as long as it lasts, so it names one that has to exist.
    expect(absent.sort()).toEqual(['migrateLogin', 'unreadableMessage']);
  });

  it('N8 channels come during a run, also while the gateway is away, and the database is killed', () => {
    expect(kindsOf('all')).toEqual(
      expect.arrayContaining(['channel made', 'channel joined while away', 'timescaledb kill', 'gateway kill']),
    );
  });

  it('N8 a client alone meets the faults of Telegram, and is killed', () => {
    expect(kindsOf('telegram').filter((kind) => !kindsOf('all').includes(kind))).toEqual([]);
    expect(kindsOf('telegram')).toEqual(expect.arrayContaining(['kick', 'tooLong', 'dropPushes', 'gateway kill']));
    expect(kindsOf('telegram').filter((kind) => / (restart|pause|cut)$|^channel/.test(kind))).toEqual([]);
  });
});
