import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Bench } from './support/bench.js';
import { waitFor } from './support/wait-for.js';

jest.setTimeout(120_000);

/** What happens while the database is away, slow, or refuses a message. */
describe('database outage', () => {
  let bench: Bench;

  afterEach(async () => {
    await bench.close();
  });

  it('R2 neither loses a message nor moves pts while the database is away', async () => {
    bench = await Bench.start();
    const [one] = bench.channels;
    const before = bench.store.channels.get(String(one))?.pts;
    bench.store.offline = true;
    const ids = bench.post(one, 'a', 'b', 'c');
    await waitFor('commits are tried again', () => bench.store.attemptsWhileOffline >= 2);
    expect(bench.store.channels.get(String(one))?.pts).toBe(before);
    expect(bench.pipeline.databaseFailingSince).not.toBeNull();
    expect(bench.pipeline.alive).toBe(true);
    bench.store.offline = false;
    await bench.untilStored(one, ids);
    expect(bench.store.ids(one)).toEqual(ids);
    expect(bench.pipeline.databaseFailingSince).toBeNull();
  });

  it('R2 drops a full queue and fetches it again', async () => {
    bench = await Bench.start({}, { capacity: 20 });
    const [one] = bench.channels;
    bench.store.hold();
    const ids = bench.post(one, ...Array.from({ length: 300 }, (_, index) => `post ${String(index)}`));
    await waitFor('the queue overflowed', () => overflowed(bench, one));
    bench.store.release();
    await bench.untilStored(one, ids);
    expect(bench.store.ids(one)).toEqual(ids);
    expect(bench.stored.some(({ event }) => event.source === 'difference')).toBe(true);
  });

  it('R2 notes a message that the database refuses, goes on behind it, and stores it once it can', async () => {
    bench = await Bench.start();
    const [one, two] = bench.channels;
    bench.store.refuses = ({ message }) => message.text === 'poison';
    const poison = bench.post(one, 'poison');
    const later = bench.post(one, 'behind it');
    const elsewhere = bench.post(two, 'a', 'b');
    await bench.untilStored(two, elsewhere);
    await bench.untilStored(one, later);
    expect(bench.store.holes.get(String(one))).toEqual(new Set(poison));
    bench.store.refuses = () => false;
    await bench.restart(() => undefined);
    await bench.untilStored(one, poison);
    await waitFor('no hole is left', () => bench.store.holes.get(String(one))?.size === 0);
  });

  it('R2 tries holes again and again, not only at a start', async () => {
    bench = await Bench.start({}, { intervals: { auditMs: 50 } });
    const [one] = bench.channels;
    let refusals = 0;
    bench.store.refuses = ({ message }) => {
      const poison = message.text.startsWith('poison');
      if (poison) refusals += 1;
      return poison;
    };
    // More than one try takes up.
    const poison = bench.post(one, ...Array.from({ length: 25 }, (_, index) => `poison ${String(index)}`));
    await bench.untilStored(one, bench.post(one, 'behind it'));
    await waitFor('all are holes', () => bench.store.holes.get(String(one))?.size === poison.length);
    const before = refusals;
    await waitFor('each was tried again, twice', () => refusals >= before + 2 * poison.length);
    expect(bench.store.holes.get(String(one))).toEqual(new Set(poison));
    bench.store.refuses = () => false;
    await bench.untilStored(one, poison);
    await waitFor('no hole is left', () => bench.store.holes.get(String(one))?.size === 0);
  });

  it('R2 makes no hole of a message over which this program stumbles: its channel waits, the others go on', async () => {
    bench = await Bench.start({}, { retryMs: { first: 20, longest: 50, gone: 200 } });
    const [one, two] = bench.channels;
    const before = bench.store.channels.get(String(one))?.pts;
    bench.store.stumbles = ({ message }) => message.text === 'poison';
    const ids = bench.post(one, 'poison', 'behind it');
    await bench.untilStored(two, bench.post(two, 'a', 'b'));
    expect(bench.store.channels.get(String(one))?.pts).toBe(before);
    expect(bench.store.holes.size).toBe(0);
    bench.store.stumbles = () => false;
    await bench.untilStored(one, ids);
    expect(bench.store.ids(one)).toEqual(ids);
  });

  it('R2 starts while the database is away and reads on when it is back', async () => {
    bench = await Bench.start();
    const [one] = bench.channels;
    let ids: string[] = [];
    await bench.pipeline.close();
    bench.store.offline = true;
    ids = bench.post(one, 'missed');
    const started = bench.restart(() => undefined);
    await waitFor('connected', () => bench.pipeline.connected);
    ids.push(...bench.post(one, 'pushed'));
    bench.store.offline = false;
    await started;
    await bench.untilStored(one, ids);
    expect(bench.store.ids(one)).toEqual(ids);
  });
});

/** The worker has dropped its queue: it waits for a difference. */
function overflowed(bench: Bench, channel: number): boolean {
  const worker = bench.pipeline.workers.find((candidate) => candidate.state.id === String(channel));
  return worker?.dirty ?? false;
}
