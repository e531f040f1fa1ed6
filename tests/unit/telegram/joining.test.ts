import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ChannelRequestStore, RequestEnd } from '../../../runtime/telegram/joining.js';
import { Bench } from './support/bench.js';
import { waitFor } from './support/wait-for.js';

const ACCOUNT = 777;

/** The wishes of people, in memory. */
class Wishes implements ChannelRequestStore {
  readonly #waiting: { requestId: string; username: string }[] = [];
  readonly ends = new Map<string, RequestEnd>();
  readonly notes: string[] = [];
  readonly owners = new Map<string, string>();

  ask(username: string): void {
    this.#waiting.push({ requestId: username, username });
  }

  open() {
    return Promise.resolve(this.#waiting.filter(({ requestId }) => !this.ends.has(requestId)));
  }

  otherOwner(_accountId: string, channelId: string) {
    return Promise.resolve(this.owners.get(channelId) ?? null);
  }

  note(_requestId: string, detail: string) {
    this.notes.push(detail);
    return Promise.resolve();
  }

  finish(requestId: string, end: RequestEnd) {
    this.ends.set(requestId, end);
    return Promise.resolve();
  }
}

describe('joining channels', () => {
  let bench: Bench;
  let wishes: Wishes;

  beforeEach(async () => {
    wishes = new Wishes();
    bench = await Bench.start({}, { requests: wishes });
  });
  afterEach(() => bench.close());

  /** A channel of which the account is no member. */
  function elsewhere(username: string): number {
    const { id } = bench.simulator.world.createChannel({ title: username, username });
    bench.simulator.editor.setMember(id, ACCOUNT, 'left');
    return id;
  }
  const end = (username: string) =>
    waitFor(username, () => wishes.ends.has(username)).then(() => wishes.ends.get(username));

  it('R8 joins a channel by its name and reads it from then on', async () => {
    const id = elsewhere('news_of_all');
    wishes.ask('news_of_all');
    expect(await end('news_of_all')).toEqual({ status: 'done', channelId: String(id) });
    await waitFor('a worker', () => bench.pipeline.workers.some(({ state }) => state.id === String(id)));
    await bench.untilStored(id, bench.post(id, 'after the joining'));
  });

  it('R8 a channel of which it is a member is done', async () => {
    const { id } = bench.simulator.world.createChannel({ title: 'known', username: 'known_channel' });
    wishes.ask('known_channel');
    expect(await end('known_channel')).toEqual({ status: 'done', channelId: String(id) });
  });

  it('R8 says in Telegram’s own words why it was refused', async () => {
    const id = elsewhere('closed_channel');
    bench.simulator.editor.setMember(id, ACCOUNT, 'banned');
    const owned = elsewhere('owned_channel');
    wishes.owners.set(String(owned), 'second');
    for (const name of ['closed_channel', 'nobody_here', 'owned_channel']) wishes.ask(name);
    expect(await end('nobody_here')).toEqual({ status: 'refused', detail: 'USERNAME_NOT_OCCUPIED' });
    expect(await end('owned_channel')).toEqual({
      status: 'refused',
      detail: 'the account "second" reads this channel',
    });
    expect(await end('closed_channel')).toMatchObject({ status: 'refused' });
  });

  it('R8 waits for what passes, says so, and then joins', async () => {
    elsewhere('flooded_one');
    bench.simulator.faults.inject({ kind: 'floodWait', method: 'channels.JoinChannel', seconds: 1, count: 1 });
    wishes.ask('flooded_one');
    expect(await end('flooded_one')).toMatchObject({ status: 'done' });
    expect(wishes.notes).toEqual(['waits: FLOOD_WAIT_1']);
  });
});
