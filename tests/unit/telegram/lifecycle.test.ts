import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { unixSeconds } from '../../../runtime/simulator/clock.js';
import { Bench, IMPATIENT } from './support/bench.js';
import { waitFor } from './support/wait-for.js';

jest.setTimeout(120_000);

const ACCOUNT = 777;
const RETRY = { first: 20, longest: 100, gone: 200 };

/** The whole gateway on the real adapter, and what becomes of a channel or of one message in the course of its life. */
describe('the life of a channel', () => {
  let bench: Bench;

  afterEach(async () => {
    await bench.close();
  });

  const status = (channel: number) => bench.store.channels.get(String(channel))?.status;

  it('R2 an account that is thrown out and let in again reads on from where it stopped', async () => {
    bench = await Bench.start({}, { intervals: IMPATIENT, retryMs: RETRY });
    const [one, two] = bench.channels;
    await bench.untilStored(one, bench.post(one, 'before'));
    bench.simulator.editor.setMember(one, ACCOUNT, 'banned');
    const missed = bench.post(one, 'missed');
    await waitFor('the channel is not read', () => status(one) !== 'active');
    await bench.untilStored(two, bench.post(two, 'others go on'));
    bench.simulator.editor.setMember(one, ACCOUNT, 'member');
    await bench.untilStored(one, [...missed, ...bench.post(one, 'after')]);
    expect(status(one)).toBe('active');
    expect(bench.fatal).toEqual([]);
  });

  it('R2 a message that this release cannot read is a hole; what is behind it is stored, and the hole is mended later', async () => {
    bench = await Bench.start({}, { intervals: IMPATIENT, retryMs: RETRY });
    const [one] = bench.channels;
    await bench.untilStored(one, bench.post(one, 'before'));
    const next = Number(bench.truth(one).at(-1)) + 1;
    const fault = bench.simulator.faults.inject({
      kind: 'unreadableMessage',
      channelId: String(one),
      messageId: String(next),
      where: 'everywhere',
    });
    const [poison = ''] = bench.post(one, 'poison');
    await bench.untilStored(one, bench.post(one, 'behind', 'it'));
    await waitFor('a hole', () => bench.store.holes.get(String(one))?.has(poison) ?? false);
    bench.simulator.faults.clear(fault.id);
    await bench.restart(() => undefined);
    await bench.untilStored(one, [poison]);
    await waitFor('no hole', () => bench.store.holes.get(String(one))?.size === 0);
  });

  it('R2 a flood wait holds the differences up for as long as Telegram wants, and outlives a restart', async () => {
    bench = await Bench.start({}, { intervals: IMPATIENT, retryMs: RETRY });
    const [one] = bench.channels;
    const method = 'updates.GetChannelDifference';
    bench.simulator.faults.inject({ kind: 'floodWait', method, seconds: 3, count: 1 });
    bench.simulator.faults.inject({ kind: 'dropPushes', count: 1 });
    const ids = bench.post(one, 'lost', 'next');
    await waitFor('the wait is stored', () => bench.store.floodWaits.has('difference'));
    const until = bench.store.floodWaits.get('difference')?.getTime() ?? Infinity;
    await bench.restart(() => undefined);
    await bench.untilStored(one, ids);
    expect(Date.now()).toBeGreaterThanOrEqual(until);
  });

  it('R2 a common box that was not kept makes every channel be asked', async () => {
    bench = await Bench.start({}, { intervals: { ...IMPATIENT, pollMs: 600_000 }, retryMs: RETRY });
    const [one, two] = bench.channels;
    await waitFor('the box was read', () => bench.store.common !== null);
    await bench.restart(() => {
      bench.simulator.faults.inject({ kind: 'commonTooLong', count: 1 });
      bench.simulator.editor.tell(ACCOUNT, 'private');
      bench.post(one, 'a');
      bench.post(two, 'b');
    });
    await bench.untilStored(one, bench.truth(one));
    await bench.untilStored(two, bench.truth(two));
    await waitFor('the box stands where Telegram does', () => bench.simulator.faults.struck['commonTooLong'] === 1);
  });

  it('R2 a channel that was recorded without a place to begin takes it from the list, and is read from there on', async () => {
    bench = await Bench.start({ pollTimeoutS: 0 }, { intervals: IMPATIENT, retryMs: RETRY });
    const [one] = bench.channels;
    let ids: string[] = [];
    await bench.restart(() => {
      const channel = bench.store.channels.get(String(one));
      if (!channel) throw new Error('not recorded');
      const unread = { pts: null, lastMessageId: null, reconciledId: null };
      bench.store.channels.set(channel.id, { ...channel, ...unread });
      // Nothing is pushed of it: only the list and the difference tell.
      bench.simulator.editor.setAccess(one, { pushed: false });
      ids = bench.post(one, 'before the list');
    });
    await waitFor('it has a place', () => bench.store.channels.get(String(one))?.pts !== null);
    // Posted since the account joined, so it is read as well.
    await bench.untilStored(one, [...ids, ...bench.post(one, 'after it')]);
  });

  it('R2 what is pushed while the list of channels is being recorded is no replay of it', async () => {
    bench = await Bench.start({}, { intervals: IMPATIENT, retryMs: RETRY });
    const [one] = bench.channels;
    const { store, simulator } = bench;
    let late = '';
    const fault = simulator.faults.inject({ kind: 'holdPushes' });
    const back = bench.restart(() => {
      const channel = store.channels.get(String(one));
      if (!channel) throw new Error('not recorded');
      store.channels.set(channel.id, { ...channel, pts: null, lastMessageId: null, reconciledId: null });
      late = bench.post(one, 'the list knows it before it is pushed')[0] ?? '';
      // Nor does the common box tell where the channel stands.
      store.common = null;
      store.holdUpserts();
    });
    await waitFor('the list is about to be recorded', () => store.upsertsHeld > 0);
    store.hold();
    simulator.faults.clear(fault.id);
    const begun = () =>
      typeof bench.pipeline.workers.find(({ state }) => state.id === String(one))?.state.pts === 'number';
    await waitFor('the push arrived', begun);
    store.releaseUpserts();
    await waitFor(
      'the list is recorded',
      () => store.channels.get(String(one))?.pts === simulator.world.channel(one).pts,
    );
    store.release();
    await back;
    await bench.untilStored(one, [late]);
    expect(bench.stored.filter(({ event }) => event.messageId === late).map(({ event }) => event.source)).toEqual([
      'push',
    ]);
  });

  it('R2 what was posted since the account joined is read, also when the gateway was away meanwhile and only the list tells', async () => {
    bench = await Bench.start({}, { intervals: IMPATIENT, retryMs: RETRY });
    const { editor, world } = bench.simulator;
    const created = world.createChannel({ title: 'made while away', username: null });
    const joined = world.createChannel({ title: 'joined while away', username: null });
    editor.setMember(joined.id, ACCOUNT, 'left');
    const [before] = bench.post(joined.id, 'before the joining');
    // Times of the protocol are whole seconds.
    await waitFor('another second', () => unixSeconds() > (joined.messages.get(Number(before))?.date ?? Infinity));
    await bench.restart(() => {
      editor.setMember(joined.id, ACCOUNT, 'member');
      bench.post(created.id, 'a', 'b', 'c');
      bench.post(joined.id, 'd', 'e');
    });
    await bench.untilStored(created.id, bench.truth(created.id));
    await bench.untilStored(joined.id, bench.truth(joined.id).slice(1));
    await waitFor('all is read', () => bench.store.channels.get(String(joined.id))?.backfill === null);
    expect(bench.store.ids(joined.id)).not.toContain(before);
    expect(bench.store.ids(created.id).toSorted()).toEqual(bench.truth(created.id));
  });
});
