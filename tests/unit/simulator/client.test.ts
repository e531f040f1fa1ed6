import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import bigInt from 'big-integer';
import type { TelegramClient } from 'telegram';
import { Api } from 'telegram/tl';
import type { Simulator } from '../../../runtime/simulator/simulator.js';
import { forgive, startSimulator } from '../../support/simulator.js';
import {
  collectUpdates,
  createClient,
  inputChannel,
  inputPeer,
  postedTexts,
  textOf,
  TRANSPORTS,
  trust,
  until,
} from './support/client.js';

const CHANNEL = 1_000_000_001;
let simulator: Simulator;
let clients: TelegramClient[];
/** The library reports arguments of a wrong type here, and only here. */
let printed: jest.SpiedFunction<typeof console.error>;

beforeEach(async () => {
  printed = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  clients = [];
  simulator = await startSimulator();
  trust(simulator.publicKey);
});
afterEach(async () => {
  for (const client of clients) await client.destroy();
  await simulator.close();
  expect(printed).not.toHaveBeenCalled();
  printed.mockRestore();
});

async function connect(options: Parameters<typeof createClient>[1] = {}): Promise<TelegramClient> {
  const client = createClient(simulator, options);
  clients.push(client);
  await client.connect();
  await client.getMe();
  return client;
}

const channelDifference = (pts: number, limit = 100) =>
  new Api.updates.GetChannelDifference({
    channel: inputChannel(simulator),
    filter: new Api.ChannelMessagesFilterEmpty(),
    pts,
    limit,
  });

describe('R10 a real client', () => {
  it.each(Object.keys(TRANSPORTS) as (keyof typeof TRANSPORTS)[])(
    'R10 logs in by its session over the %s transport and is pushed a post',
    async (transport) => {
      const client = await connect({ transport });
      expect((await client.getMe()).id.toString()).toBe('777');
      const updates = collectUpdates(client);
      const text = 'NUL \u0000, emoji 👨‍👩‍👧‍👦, नमस्ते';
      const before = Date.now();
      const { pushedAt, messageId, pts } = simulator.post(CHANNEL, { text });
      await until(() => updates.length === 1);
      expect(updates[0]).toMatchObject({ className: 'UpdateNewChannelMessage', pts, ptsCount: 1 });
      expect(postedTexts(updates)).toEqual([text]);
      expect([messageId, pts]).toEqual(['2', 2]);
      expect(pushedAt).toBeGreaterThanOrEqual(before);
      expect(pushedAt).toBeLessThan(Date.now() + 1);
    },
  );

  it('R10 is pushed edits, deletions and media', async () => {
    const updates = collectUpdates(await connect());
    simulator.post(CHANNEL, { text: '', media: 'photo' });
    simulator.post(CHANNEL, { text: 'report', media: 'document' });
    simulator.edit(CHANNEL, 3, 'better report');
    simulator.remove(CHANNEL, [2, 3]);
    await until(() => updates.length === 4);
    const [photo, document, edit, deletion] = updates;
    expect(photo).toMatchObject({ message: { message: '', media: { className: 'MessageMediaPhoto' } } });
    expect(document).toMatchObject({ message: { media: { document: { mimeType: 'application/pdf' } } } });
    expect(edit).toMatchObject({
      className: 'UpdateEditChannelMessage',
      pts: 4,
      message: { message: 'better report' },
    });
    expect((edit as Api.UpdateEditChannelMessage).message).toHaveProperty('editDate', expect.any(Number));
    expect(deletion).toMatchObject({ className: 'UpdateDeleteChannelMessages', messages: [2, 3], pts: 6, ptsCount: 2 });
  });

  it('R10 lists channels in pages, with the pts of each', async () => {
    for (let i = 0; i < 9; i++) simulator.world.createChannel({ title: `Extra ${String(i)}`, username: null });
    simulator.post(1_000_000_005, { text: 'x' });
    const client = await connect();
    const seen: string[] = [];
    let offset = { offsetDate: 0, offsetId: 0, offsetPeer: new Api.InputPeerEmpty() as Api.TypeInputPeer };
    for (let page = 0; page < 10; page++) {
      const answer = await client.invoke(new Api.messages.GetDialogs({ ...offset, limit: 5, hash: bigInt.zero }));
      if (!(answer instanceof Api.messages.DialogsSlice)) throw new Error(`unexpected ${answer.className}`);
      expect(answer.count).toBe(12);
      if (answer.dialogs.length === 0) break;
      for (const [index, dialog] of answer.dialogs.entries()) {
        const { channelId } = dialog.peer as Api.PeerChannel;
        const channel = simulator.world.channel(channelId.toJSNumber());
        expect((dialog as Api.Dialog).pts).toBe(channel.pts);
        expect((answer.chats[index] as Api.Channel).accessHash?.toString()).toBe(channel.identity.accessHash);
        seen.push(channelId.toString());
      }
      const last = answer.messages.at(-1) as Api.Message;
      offset = { offsetDate: last.date, offsetId: last.id, offsetPeer: inputPeer(simulator, Number(seen.at(-1))) };
    }
    expect(new Set(seen).size).toBe(12);
    expect(seen).toHaveLength(12);
    expect((await client.getDialogs({ limit: 100 })).map(({ title }) => title)).toHaveLength(12);
  });

  it('R10 finds a channel by name, by reference and in full', async () => {
    const client = await connect();
    simulator.post(CHANNEL, { text: 'x' });
    const resolved = await client.invoke(new Api.contacts.ResolveUsername({ username: 'Simulated_News_1' }));
    expect(resolved.chats[0]).toMatchObject({ title: 'Simulated news 1', username: 'simulated_news_1' });
    const channels = await client.invoke(new Api.channels.GetChannels({ id: [inputChannel(simulator)] }));
    expect(channels.chats[0]?.id.toString()).toBe('1000000001');
    const full = await client.invoke(new Api.channels.GetFullChannel({ channel: inputChannel(simulator) }));
    expect((full.fullChat as Api.ChannelFull).pts).toBe(2);
    await expect(client.invoke(new Api.contacts.ResolveUsername({ username: 'nobody' }))).rejects.toMatchObject({
      code: 400,
      errorMessage: 'USERNAME_NOT_OCCUPIED',
    });
    const wrong = new Api.InputChannel({ channelId: bigInt(CHANNEL), accessHash: bigInt(1) });
    await expect(client.invoke(new Api.channels.GetFullChannel({ channel: wrong }))).rejects.toMatchObject({
      code: 400,
      errorMessage: 'CHANNEL_INVALID',
    });
  });

  it('R10 fetches 250 missed posts in slices until the final one', async () => {
    for (let i = 0; i < 250; i++) simulator.post(CHANNEL, { text: `post ${String(i)}` });
    const client = await connect();
    const texts: string[] = [];
    const slices: { size: number; final: boolean }[] = [];
    for (let pts = 1, final = false; !final;) {
      const answer = await client.invoke(channelDifference(pts));
      if (!(answer instanceof Api.updates.ChannelDifference)) throw new Error(`unexpected ${answer.className}`);
      texts.push(...answer.newMessages.map(textOf));
      final = answer.final === true;
      pts = answer.pts;
      slices.push({ size: answer.newMessages.length, final });
      expect(answer.timeout).toBe(30);
    }
    expect(slices).toEqual([
      { size: 100, final: false },
      { size: 100, final: false },
      { size: 50, final: true },
    ]);
    expect(texts).toEqual(Array.from({ length: 250 }, (_, i) => `post ${String(i)}`));
    expect(await client.invoke(channelDifference(251))).toMatchObject({
      className: 'updates.ChannelDifferenceEmpty',
      final: true,
      pts: 251,
    });
  });

  it('R10 is told when its pts is too old, unknown or empty', async () => {
    simulator.world.maxPtsAge = 5;
    for (let i = 0; i < 30; i++) simulator.post(CHANNEL, { text: `post ${String(i)}` });
    const client = await connect();
    const answer = await client.invoke(channelDifference(10));
    if (!(answer instanceof Api.updates.ChannelDifferenceTooLong)) throw new Error(`unexpected ${answer.className}`);
    expect(answer).toMatchObject({ final: true, dialog: { pts: 31, topMessage: 31 } });
    expect(textOf(answer.messages[0] as Api.TypeMessage)).toBe('post 29');
    await expect(client.invoke(channelDifference(99))).rejects.toMatchObject({
      errorMessage: 'PERSISTENT_TIMESTAMP_INVALID',
    });
    await expect(client.invoke(channelDifference(0))).rejects.toMatchObject({
      errorMessage: 'PERSISTENT_TIMESTAMP_EMPTY',
    });
  });

  it('R10 learns from the common difference which channels have changed since', async () => {
    const client = await connect();
    const state = await client.invoke(new Api.updates.GetState());
    const since = (date: number) =>
      client.invoke(new Api.updates.GetDifference({ pts: state.pts, date, qts: state.qts }));
    expect(await since(state.date)).toMatchObject({ className: 'updates.DifferenceEmpty' });
    simulator.post(CHANNEL, { text: 'x' });
    expect(await since(state.date - 10)).toMatchObject({
      className: 'updates.Difference',
      otherUpdates: [{ className: 'UpdateChannelTooLong', pts: 2 }],
    });
  });

  it('R10 reads the history downwards, between bounds, down to the creation of the channel', async () => {
    for (let i = 2; i <= 21; i++) simulator.post(CHANNEL, { text: `post ${String(i)}` });
    simulator.remove(CHANNEL, [10]);
    const client = await connect();
    const history = async (query: {
      offsetId?: number;
      limit?: number;
      minId?: number;
      maxId?: number;
      addOffset?: number;
    }) => {
      const answer = await client.invoke(
        new Api.messages.GetHistory({
          ...{ offsetId: 0, offsetDate: 0, addOffset: 0, limit: 100, maxId: 0, minId: 0, hash: bigInt.zero, ...query },
          peer: inputPeer(simulator),
        }),
      );
      if (!(answer instanceof Api.messages.ChannelMessages)) throw new Error(`unexpected ${answer.className}`);
      expect(answer).toMatchObject({ count: 20, pts: simulator.world.channel(CHANNEL).pts });
      return answer.messages.map(({ id }) => id);
    };
    expect(await history({ limit: 3 })).toEqual([21, 20, 19]);
    expect(await history({ limit: 3, offsetId: 12 })).toEqual([11, 9, 8]);
    expect(await history({ limit: 3, offsetId: 12, addOffset: -1 })).toEqual([12, 11, 9]);
    expect(await history({ minId: 18 })).toEqual([21, 20, 19]);
    expect(await history({ minId: 15, maxId: 18, offsetId: 18 })).toEqual([17, 16]);
    expect((await history({})).slice(-2)).toEqual([2, 1]);
  });

  it('R10 reads messages by id; deleted and unknown ones are empty', async () => {
    simulator.post(CHANNEL, { text: 'a' });
    simulator.post(CHANNEL, { text: 'b' });
    simulator.remove(CHANNEL, [3]);
    const client = await connect();
    const answer = await client.invoke(
      new Api.channels.GetMessages({
        channel: inputChannel(simulator),
        id: [1, 2, 3, 4].map((id) => new Api.InputMessageID({ id })),
      }),
    );
    expect((answer as Api.messages.ChannelMessages).messages.map(({ className }) => className)).toEqual([
      ...['MessageService', 'Message', 'MessageEmpty', 'MessageEmpty'],
    ]);
  });

  it('R10 comes back after a kick, is pushed again, and finds what it missed', async () => {
    const client = await connect();
    const updates = collectUpdates(client);
    simulator.post(CHANNEL, { text: 'before' });
    await until(() => updates.length === 1);
    simulator.faults.inject({ kind: 'refuse' });
    simulator.faults.inject({ kind: 'kick' });
    await until(() => simulator.connections.size === 0);
    expect(simulator.post(CHANNEL, { text: 'missed' }).pushedAt).toBeNull();
    simulator.faults.clear();
    await until(() => [...simulator.connections].some((connection) => connection.receivesUpdates));
    simulator.post(CHANNEL, { text: 'after' });
    await until(() => updates.length === 2);
    expect(postedTexts(updates)).toEqual(['before', 'after']);
    const answer = (await client.invoke(channelDifference(2))) as Api.updates.ChannelDifference;
    expect(answer.newMessages.map(textOf)).toEqual(['missed', 'after']);
  });

  it('R10 meets the errors that are injected', async () => {
    const client = await connect();
    simulator.faults.inject({ kind: 'floodWait', method: 'updates.GetState', seconds: 7, count: 1 });
    await expect(client.invoke(new Api.updates.GetState())).rejects.toMatchObject({ code: 420, seconds: 7 });
    simulator.faults.inject({
      ...{ kind: 'rpcError', method: 'updates.GetState', code: 401, message: 'SESSION_REVOKED', count: 1 },
    });
    await expect(client.invoke(new Api.updates.GetState())).rejects.toMatchObject({ errorMessage: 'SESSION_REVOKED' });
    expect(await client.invoke(new Api.updates.GetState())).toMatchObject({ pts: 1 });
  });

  it('R10 pushes are dropped, doubled, and held until released, in order', async () => {
    const updates = collectUpdates(await connect());
    const say = (text: string, duplicate = false) => simulator.post(CHANNEL, { text, duplicate });
    simulator.faults.inject({ kind: 'dropPushes', count: 1 });
    say('dropped');
    say('twice by request', true);
    simulator.faults.inject({ kind: 'duplicatePushes', channelId: String(CHANNEL), count: 1 });
    say('twice by fault');
    simulator.faults.inject({ kind: 'holdPushes', channelId: String(CHANNEL) });
    say('held 1');
    say('held 2');
    simulator.post(CHANNEL + 1, { text: 'other channel' });
    await until(() => updates.length === 5);
    expect(simulator.heldPushes).toBe(2);
    simulator.faults.clear();
    say('last');
    await until(() => updates.length === 8);
    expect(postedTexts(updates)).toEqual([
      ...['twice by request', 'twice by request', 'twice by fault', 'twice by fault'],
      ...['other channel', 'held 1', 'held 2', 'last'],
    ]);
  });

  it('R10 hears nothing from a muted simulator, neither answers nor pushes', async () => {
    const client = await connect();
    const updates = collectUpdates(client);
    simulator.faults.inject({ kind: 'mute' });
    expect(simulator.post(CHANNEL, { text: 'unheard' }).pushedAt).toBeNull();
    const answer = client.invoke(new Api.updates.GetState()).catch(() => undefined);
    await until(() => simulator.stats.unanswered > 0);
    simulator.faults.clear();
    simulator.post(CHANNEL, { text: 'heard' });
    await until(() => updates.length === 1);
    expect(postedTexts(updates)).toEqual(['heard']);
    expect(simulator.stats.calls).not.toHaveProperty('updates.GetState');
    simulator.kick(); // the pending call is sent again on the next connection
    await answer;
  });

  it('R10 pushes to every session of the account', async () => {
    const [first, second] = [await connect(), await connect()];
    const heard = [first, second].map(collectUpdates);
    simulator.post(CHANNEL, { text: 'x' });
    await until(() => heard.every((updates) => updates.length === 1));
    expect(simulator.stats.pushed).toBe(2);
  });

  it('R10 packs several posts into one container when asked to', async () => {
    const updates = collectUpdates(await connect());
    const posts = Array.from({ length: 120 }, (_, i) => ({ text: `post ${String(i)}` }));
    const receipts = await simulator.postAll(CHANNEL, posts, { perContainer: 50 });
    await until(() => updates.length === 120);
    expect(simulator.stats.pushed).toBe(3);
    // The library hands the first update on later than its neighbours; the container has them in order.
    updates.sort((a, b) => (a as Api.UpdateNewChannelMessage).pts - (b as Api.UpdateNewChannelMessage).pts);
    expect(postedTexts(updates)).toEqual(posts.map(({ text }) => text));
    expect(receipts.every(({ pushedAt }) => pushedAt !== null)).toBe(true);
  });

  it('R10 is given posts by the generator at its rate', async () => {
    const updates = collectUpdates(await connect());
    simulator.generator.setRate(200);
    await until(() => updates.length >= 20);
    simulator.generator.stop();
    const { generatedPosts } = simulator.stats;
    await until(() => updates.length === generatedPosts);
    expect(simulator.world.eventCount).toBe(generatedPosts);
  });
});

describe('R10 a method that does not exist', () => {
  it('R10 is an error for the client and a name in the statistics', async () => {
    const client = await connect();
    await expect(client.invoke(new Api.help.GetSupport())).rejects.toMatchObject({
      code: 400,
      errorMessage: 'METHOD_NOT_IMPLEMENTED',
    });
    const url = `http://127.0.0.1:${String(simulator.controlPort)}/stats`;
    expect(await (await fetch(url)).json()).toMatchObject({ unimplemented: ['help.GetSupport'] });
    forgive(simulator, 'help.GetSupport');
  });
});
