import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Simulator } from '../../../runtime/simulator/simulator.js';
import { startSimulator } from '../../support/simulator.js';
import { Listener } from './support/adapter.js';
import { createClient, until } from './support/client.js';
import { Api } from 'telegram/tl';

jest.setTimeout(120_000);

const CHANNEL = 1_000_000_001;
let simulator: Simulator;
let listener: Listener;

beforeEach(async () => {
  simulator = await startSimulator({ channels: 2 });
  listener = await new Listener(simulator).connect();
});
afterEach(async () => {
  await listener.port.close();
  await simulator.close();
});

const say = (text: string, channel = CHANNEL) => simulator.post(channel, { text });

describe('R10 faults of pushes, as the adapter sees them', () => {
  it('R10 a push repeated under its own message id arrives once, under a new one twice', async () => {
    simulator.faults.inject({ kind: 'duplicatePushes', sameMessageId: true, count: 1 });
    say('same id');
    simulator.faults.inject({ kind: 'duplicatePushes', count: 1 });
    say('new id');
    say('last');
    await until(() => listener.texts.includes('last'));
    expect(listener.texts).toEqual(['same id', 'new id', 'new id', 'last']);
    expect(simulator.faults.struck).toEqual({ duplicatePushes: 2 });
  });

  it('R10 pushes come in reverse, lot by lot, and an incomplete lot after a moment', async () => {
    const { id } = simulator.faults.inject({ kind: 'reorderPushes', window: 3 });
    for (const text of ['1', '2', '3', '4']) say(text);
    await until(() => listener.texts.length === 4);
    expect(listener.texts).toEqual(['3', '2', '1', '4']);
    simulator.faults.clear(id);
    say('5');
    await until(() => listener.texts.length === 5);
  });

  it('R10 pushes come late, in their order', async () => {
    simulator.faults.inject({ kind: 'delayPushes', ms: 300 });
    const before = performance.now();
    const { pushedAt } = say('1');
    say('2');
    expect(pushedAt).toBeNull();
    await until(() => listener.texts.length === 2);
    expect(performance.now() - before).toBeGreaterThan(290);
    expect(listener.texts).toEqual(['1', '2']);
    expect(simulator.world.channel(CHANNEL).log[0]?.pushedAt).not.toBeNull();
  });

  it('R10 a large channel is not pushed at all; its difference has everything', async () => {
    simulator.editor.setAccess(CHANNEL, { pushed: false });
    say('silent');
    say('heard', CHANNEL + 1);
    await until(() => listener.texts.length === 1);
    expect(listener.texts).toEqual(['heard']);
    const { accessHash } = simulator.world.channel(CHANNEL).identity;
    const found = await listener.port.getChannelDifference({ id: String(CHANNEL), accessHash }, 1, 100);
    expect(found).toMatchObject({ type: 'slice', newMessages: [{ text: 'silent' }] });
  });

  it('R10 updateChannelTooLong alone names the channel and its pts', async () => {
    simulator.faults.inject({ kind: 'tooLongPushes', channelId: String(CHANNEL), count: 1 });
    const { pts } = say('unsaid');
    say('said');
    await until(() => listener.texts.length === 1);
    expect(listener.tooLong).toEqual([{ channelId: String(CHANNEL), pts }]);
    expect(listener.texts).toEqual(['said']);
  });

  it('R10 gzip is unpacked, also in a container', async () => {
    simulator.faults.inject({ kind: 'gzipPushes' });
    say('x'.repeat(4_096));
    await until(() => listener.texts.length === 1);
    expect(listener.texts).toEqual(['x'.repeat(4_096)]);
  });

  it('R10 an unknown constructor in a container is reported and takes nothing with it', async () => {
    simulator.faults.inject({ kind: 'unknownInContainer', count: 1 });
    say('behind it');
    await until(() => listener.texts.length === 1 && listener.unreadable.length === 1);
    expect(listener.unreadable).toEqual(['container']);
  });

  it('R10 an error in a container goes to its caller and takes nothing with it', async () => {
    simulator.faults.inject({
      kind: 'errorInContainer',
      method: 'updates.GetState',
      code: 400,
      message: 'X',
      count: 1,
    });
    const answer = listener.port.getState().catch((error: unknown) => error);
    await until(() => simulator.stats.calls['updates.GetState'] === 1 && simulator.faults.list().length === 0);
    say('behind it');
    expect(await answer).toMatchObject({ reason: 'X' });
    await until(() => listener.texts.length === 1);
  });

  it('R10 an error that was to be packed goes alone when nothing is pushed', async () => {
    simulator.faults.inject({
      kind: 'errorInContainer',
      method: 'updates.GetState',
      code: 400,
      message: 'X',
      count: 1,
    });
    await expect(listener.port.getState()).rejects.toMatchObject({ reason: 'X' });
  });

  it('R10 an update of an unknown kind is reported', async () => {
    simulator.faults.inject({ kind: 'unreadablePushes', count: 1 });
    say('lost');
    say('kept');
    await until(() => listener.texts.length === 1 && listener.unreadable.length === 1);
    expect(listener.texts).toEqual(['kept']);
  });

  it('R10 an unreadable message is reported when pushed, and hidden in differences, history and by id', async () => {
    const { messageId } = say('secret');
    await until(() => listener.texts.length === 1);
    const fault = { kind: 'unreadableMessage', channelId: String(CHANNEL), messageId: '3' } as const;
    simulator.faults.inject({ ...fault, where: 'everywhere' });
    say('poison');
    await until(() => listener.unreadable.length === 1);
    const { accessHash } = simulator.world.channel(CHANNEL).identity;
    const ref = { id: String(CHANNEL), accessHash };
    await expect(listener.port.getChannelDifference(ref, 1, 100)).rejects.toMatchObject({ kind: 'unreadable' });
    await expect(listener.port.getChannelDifference(ref, 1, 1)).resolves.toMatchObject({
      newMessages: [{ messageId }],
    });
    simulator.faults.clear();
    await expect(listener.port.getChannelDifference(ref, 2, 1)).resolves.toMatchObject({
      newMessages: [{ text: 'poison' }],
    });
  });

  it('R10 only members are pushed; who was thrown out is told, and may not read', async () => {
    simulator.editor.setMember(CHANNEL, 777, 'banned');
    say('not for you');
    simulator.editor.setMember(CHANNEL, 777, 'member');
    say('for you');
    await until(() => listener.texts.length === 1);
    expect(listener.texts).toEqual(['for you']);
  });

  it('R10 a plain client is told of its standing by updateChannel', async () => {
    const client = createClient(simulator);
    const seen: string[] = [];
    client.addEventHandler((update: Api.TypeUpdate) => seen.push(update.className));
    await client.connect();
    await client.getMe();
    simulator.editor.setAccess(CHANNEL, { private: true });
    try {
      await until(() => seen.includes('UpdateChannel'));
    } finally {
      await client.destroy();
    }
  });
});
