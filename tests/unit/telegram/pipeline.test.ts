import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { metrics } from '../../../runtime/metrics.js';
import { updatesObject } from '../../../runtime/simulator/objects.js';
import { Bench } from './support/bench.js';
import { waitFor } from './support/wait-for.js';

jest.setTimeout(120_000);

/** The gateway's pipeline against the real simulator, with the store in memory. */
describe('pipeline', () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await Bench.start();
  });
  afterEach(async () => {
    await bench.close();
  });

  it('R1 stores every post once and in order, channel by channel', async () => {
    const [one, two] = bench.channels;
    const expected = new Map<number, string[]>([
      [one, []],
      [two, []],
    ]);
    for (let round = 0; round < 50; round += 1)
      for (const channel of [one, two]) expected.get(channel)?.push(...bench.post(channel, `post ${String(round)}`));
    for (const channel of [one, two]) {
      await bench.untilStored(channel, expected.get(channel) ?? []);
      expect(bench.store.ids(channel)).toEqual(expected.get(channel));
    }
    expect(bench.store.duplicates).toBe(0);
  });

  it('R3 tells the sinks of each stored event once, with its outbox id, after the commit', async () => {
    const [one] = bench.channels;
    const ids = bench.post(one, 'a', 'b', 'c');
    await waitFor('sinks are told', () => bench.stored.length === 3);
    expect(bench.stored.map(({ event }) => event.messageId)).toEqual(ids);
    expect(bench.stored.map(({ event }) => event.source)).toEqual(['push', 'push', 'push']);
    expect(new Set(bench.stored.map(({ outboxId }) => outboxId)).size).toBe(3);
  });

  it('R2 fetches what was posted while the connection was cut', async () => {
    const [one, two] = bench.channels;
    const before = bench.post(one, 'before');
    await bench.untilStored(one, before);
    bench.simulator.kick();
    await waitFor('connection lost', () => bench.simulator.connections.size === 0);
    const missed = [...bench.post(one, 'missed 1', 'missed 2'), ...bench.post(one, 'missed 3')];
    const elsewhere = bench.post(two, 'missed there');
    await bench.untilStored(one, missed);
    await bench.untilStored(two, elsewhere);
    await waitFor('connected again', () => bench.pipeline.connected);
    const after = bench.post(one, 'after');
    await bench.untilStored(one, after);
    expect(bench.store.ids(one)).toEqual([...before, ...missed, ...after]);
  });

  it('R2 fetches what was posted while the gateway was down', async () => {
    const [one] = bench.channels;
    let missed: string[] = [];
    await bench.restart(() => {
      missed = bench.post(one, ...Array.from({ length: 250 }, (_, index) => `missed ${String(index)}`));
    });
    await bench.untilStored(one, missed);
    expect(bench.store.ids(one)).toEqual(missed);
    expect(bench.stored.every(({ event }) => event.source === 'difference')).toBe(true);
  });

  it('R2 notices a push that never came and fetches it', async () => {
    const [one] = bench.channels;
    const recovered = (await metrics.gapRecovered.get()).values[0]?.value ?? 0;
    bench.simulator.faults.inject({ kind: 'dropPushes', count: 1 });
    const ids = bench.post(one, 'dropped', 'comes through');
    await bench.untilStored(one, ids);
    expect(bench.store.ids(one)).toEqual(ids);
    expect((await metrics.gapRecovered.get()).values[0]?.value).toBe(recovered + 2);
  });

  it('R2 puts updates that overtook each other into their order without a difference', async () => {
    const [one] = bench.channels;
    const fault = bench.simulator.faults.inject({ kind: 'holdPushes' });
    const held = bench.post(one, 'held');
    const channel = bench.simulator.world.channel(one);
    // The second goes out first: only what is held waits.
    const late = bench.simulator.world.post(channel, 'overtakes');
    for (const connection of bench.simulator.connections) connection.push(updatesObject(channel, [late]).getBytes());
    bench.simulator.faults.clear(fault.id);
    const ids = bench.truth(one);
    await bench.untilStored(one, ids);
    expect(bench.store.ids(one)).toEqual(ids);
    expect(bench.store.ids(one)[0]).toBe(held[0]);
    expect(bench.stored.map(({ event }) => event.source)).toEqual(['push', 'push']);
  });

  it('R2 drops repeated pushes and counts them', async () => {
    const [one] = bench.channels;
    const before = await duplicatesByPts();
    bench.simulator.faults.inject({ kind: 'duplicatePushes', count: 5 });
    const ids = bench.post(one, '1', '2', '3', '4', '5', 'last');
    await bench.untilStored(one, ids);
    await waitFor('repeats were looked at', async () => (await duplicatesByPts()) === before + 5);
    expect(bench.store.ids(one)).toEqual(ids);
    expect(bench.store.duplicates).toBe(0);
  });

  it('R2 moves pts over edits and deletions without a gap', async () => {
    const [one] = bench.channels;
    const ids = bench.post(one, 'first', 'second');
    bench.simulator.edit(one, Number(ids[0]), 'first, edited');
    bench.simulator.remove(one, [Number(ids[1])]);
    const last = bench.post(one, 'third');
    await bench.untilStored(one, last);
    expect(bench.store.channels.get(String(one))?.pts).toBe(bench.simulator.world.channel(one).pts);
    expect(bench.stored.every(({ event }) => event.source === 'push')).toBe(true);
  });

  it('R1 reads a channel that appears while it runs, from its first post', async () => {
    const channel = bench.simulator.world.createChannel({ title: 'New' });
    const ids = bench.post(channel.id, 'first', 'second', 'third');
    await bench.untilStored(channel.id, ids);
    expect(bench.store.ids(channel.id)).toEqual(ids);
    expect(bench.store.channels.get(String(channel.id))?.title).toBe('New');
  });

  it('R2 reports one fatal error when Telegram revokes the session', async () => {
    bench.simulator.faults.inject({ kind: 'rpcError', method: '*', code: 401, message: 'AUTH_KEY_UNREGISTERED' });
    bench.simulator.kick();
    await waitFor('fatal error', () => bench.fatal.length > 0);
    expect(bench.fatal.map(({ reason }) => reason)).toEqual(['AUTH_KEY_UNREGISTERED']);
    expect(bench.pipeline.connected).toBe(false);
  });
});

async function duplicatesByPts(): Promise<number> {
  const { values } = await metrics.duplicates.get();
  return values.find(({ labels }) => labels.stage === 'pts')?.value ?? 0;
}
