import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readEnvironment } from '../../../runtime/config.js';
import { sessionString } from '../../../runtime/simulator/keys.js';
import type { Simulator } from '../../../runtime/simulator/simulator.js';
import { startSimulator } from '../../support/simulator.js';
import { listChannels } from '../../../runtime/telegram/channel-listing.js';
import type { ConnectionState, TelegramPort, UpdateBatch } from '../../../runtime/telegram/client.js';
import type { GramjsOptions } from '../../../runtime/telegram/gramjs.js';
import { trustSimulator } from '../../../runtime/telegram/gramjs/simulator-trust.js';
import { adapterFor } from './support/bench.js';
import { unlimited } from './support/plain.js';
import { waitFor } from './support/wait-for.js';

jest.setTimeout(120_000);

const DEADLINE_MS = 30_000;

/** The contract that every adapter must keep, against the real simulator. */
describe('adapter contract', () => {
  let simulator: Simulator;
  const open: TelegramPort[] = [];

  beforeEach(async () => {
    simulator = await startSimulator({ channels: 2 });
  });
  afterEach(async () => {
    for (const port of open.splice(0)) await port.close();
    await simulator.close();
  });

  function adapter(options: Partial<GramjsOptions> = {}) {
    const port = adapterFor(simulator, options);
    open.push(port);
    const states: ConnectionState[] = [];
    const batches: UpdateBatch[] = [];
    const unreadable: string[] = [];
    port.onState((state) => states.push(state));
    port.onUpdates((batch) => batches.push(batch));
    port.onUnreadable((where) => unreadable.push(where));
    return { port, states, batches, unreadable };
  }

  async function connected(options: Partial<GramjsOptions> = {}) {
    const made = adapter(options);
    await made.port.connect(DEADLINE_MS);
    return made;
  }

  it('R1 connects with a session and says who it is', async () => {
    const { port, states } = adapter();
    await expect(port.connect(DEADLINE_MS)).resolves.toMatchObject({ id: '777' });
    expect(states).toEqual(['connected']);
    expect(port.exportSession()).toBe(simulator.session);
    await expect(port.getState()).resolves.toMatchObject({ pts: 1, qts: 0 });
  });

  it('R1 lists every channel with its access hash and pts, each once', async () => {
    const { port } = await connected();
    simulator.post(simulator.world.channels[0]?.id ?? 0, { text: 'one' });
    const { channels, complete } = await unlimited(() => port).turn('account', listChannels);
    expect(complete).toBe(true);
    const byId = channels.toSorted((a, b) => Number(a.id) - Number(b.id));
    expect(byId.map(({ id, accessHash, title, pts }) => ({ id, accessHash, title, pts }))).toEqual(
      simulator.world.channels.map(({ id, identity, pts }) => ({
        id: String(id),
        accessHash: identity.accessHash,
        title: identity.title,
        pts,
      })),
    );
  });

  it('R1 lists more channels than a page holds, though their newest messages have the same id', async () => {
    while (simulator.world.channels.length < 230) simulator.world.createChannel();
    const { port } = await connected();
    const { channels, complete } = await unlimited(() => port).turn('account', listChannels);
    expect(complete).toBe(true);
    expect(new Set(channels.map(({ id }) => id)).size).toBe(230);
    expect(channels).toHaveLength(230);
    expect(simulator.stats.calls['messages.GetDialogs']).toBeGreaterThanOrEqual(3);
  });

  it('R1 hands over a container undivided', async () => {
    const { batches } = await connected();
    const channel = simulator.world.channels[0]?.id ?? 0;
    await simulator.postAll(channel, [{ text: 'a' }, { text: 'b' }, { text: 'c' }], { perContainer: 3 });
    await waitFor('a container', () => batches.length === 1);
    expect(batches[0]?.updates.map((update) => (update.type === 'new' ? update.message.text : update.type))).toEqual([
      'a',
      'b',
      'c',
    ]);
    expect(batches[0]?.channels.map(({ id }) => id)).toEqual([String(channel)]);
  });

  it('R2 pages through a difference until it is final', async () => {
    const { port } = await connected();
    const channel = simulator.world.channels[0];
    if (!channel) throw new Error('no channel');
    const ref = { id: String(channel.id), accessHash: channel.identity.accessHash };
    const from = channel.pts;
    for (let index = 0; index < 5; index += 1) simulator.post(channel.id, { text: String(index) });
    const first = await port.getChannelDifference(ref, from, 3);
    expect(first).toMatchObject({ type: 'slice', final: false, pts: from + 3 });
    const second = await port.getChannelDifference(ref, from + 3, 3);
    expect(second).toMatchObject({ type: 'slice', final: true, pts: from + 5 });
    await expect(port.getChannelDifference(ref, from + 5, 3)).resolves.toMatchObject({ type: 'empty', final: true });
  });

  it('R2 gives the latest messages when the gap is too long', async () => {
    const { port } = await connected();
    const channel = simulator.world.channels[0];
    if (!channel) throw new Error('no channel');
    const from = channel.pts;
    for (let index = 0; index < 5; index += 1) simulator.post(channel.id, { text: String(index) });
    simulator.world.maxPtsAge = 2;
    const ref = { id: String(channel.id), accessHash: channel.identity.accessHash };
    const difference = await port.getChannelDifference(ref, from, 100);
    expect(difference).toMatchObject({ type: 'tooLong', pts: channel.pts });
    expect(difference.type === 'tooLong' && difference.newMessages.length).toBe(5);
    expect(simulator.gaps.all).toEqual([{ channelId: ref.id, fromPts: from, toPts: channel.pts }]);
  });

  it('N8 is known to have jumped from a pts that was refused to where the channel stood when it asked', async () => {
    const { port } = await connected();
    const channel = simulator.world.channels[0];
    if (!channel) throw new Error('no channel');
    const ref = { id: String(channel.id), accessHash: channel.identity.accessHash };
    const from = channel.pts;
    const refusal = { code: 400, message: 'PERSISTENT_TIMESTAMP_INVALID', count: 1 };
    simulator.faults.inject({ kind: 'rpcError', method: 'updates.GetChannelDifference', ...refusal });
    await expect(port.getChannelDifference(ref, from, 100)).rejects.toMatchObject({ kind: 'pts-invalid' });
    simulator.post(channel.id, { text: 'meanwhile' });
    await expect(port.getChannelPts(ref)).resolves.toBe(from + 1);
    await port.getChannelPts(ref);
    expect(simulator.gaps.all).toEqual([{ channelId: ref.id, fromPts: from, toPts: from + 1 }]);
  });

  it('R2 says once that the connection is lost, and ends every pending call', async () => {
    const { port, states } = await connected();
    simulator.faults.inject({ kind: 'mute' });
    const pending = port.getState();
    simulator.kick();
    await expect(pending).rejects.toMatchObject({ kind: 'transient' });
    expect(states).toEqual(['connected', 'disconnected']);
    await expect(port.getState()).rejects.toMatchObject({ kind: 'transient' });
  });

  it('R2 notices a server that keeps the connection and says nothing', async () => {
    const { states } = await connected({ pingIntervalMs: 50, pingDeadlineMs: 200 });
    await waitFor('pings are answered', () => simulator.stats.acknowledged > 0);
    expect(states).toEqual(['connected']);
    simulator.faults.inject({ kind: 'mute' });
    await waitFor('silence noticed', () => states.length === 2, 2_000);
    expect(states).toEqual(['connected', 'disconnected']);
  });

  it('R1 ends a call at its deadline', async () => {
    const { port } = await connected({ callDeadlineMs: 100 });
    simulator.faults.inject({ kind: 'mute' });
    await expect(port.getState()).rejects.toMatchObject({ kind: 'timeout' });
  });

  it('R1 ends a connect at its deadline', async () => {
    simulator.faults.inject({ kind: 'mute' });
    const { port, states } = adapter();
    await expect(port.connect(300)).rejects.toMatchObject({ kind: 'timeout' });
    expect(states).toEqual([]);
    await waitFor('socket closed', () => simulator.connections.size === 0);
  });

  it('R1 reports a server that refuses connections', async () => {
    simulator.faults.inject({ kind: 'refuse' });
    await expect(adapter().port.connect(2_000)).rejects.toMatchObject({ name: 'TelegramError' });
  });

  it('S5 rejects the connect with a key that the server does not know', async () => {
    const { port } = adapter({ session: sessionString(randomBytes(256).toString('hex')) });
    await expect(port.connect(DEADLINE_MS)).rejects.toMatchObject({ kind: 'transient', reason: 'AUTH_KEY_NOT_FOUND' });
  });

  it.each([
    ['AUTH_KEY_UNREGISTERED', 'auth-fatal', 401],
    ['AUTH_KEY_DUPLICATED', 'auth-fatal', 406],
    ['USER_DEACTIVATED_BAN', 'auth-fatal', 401],
    ['CHANNEL_PRIVATE', 'channel-gone', 406],
    ['PERSISTENT_TIMESTAMP_INVALID', 'pts-invalid', 400],
    ['PERSISTENT_TIMESTAMP_OUTDATED', 'transient', 500],
  ])('S5 classifies %s as %s', async (message, kind, code) => {
    const { port } = await connected();
    simulator.faults.inject({ kind: 'rpcError', method: 'updates.GetState', code, message, count: 1 });
    await expect(port.getState()).rejects.toMatchObject({ kind, reason: message });
  });

  it('S5 hands a flood wait over at once, with its seconds', async () => {
    const { port } = await connected();
    simulator.faults.inject({ kind: 'floodWait', method: 'updates.GetState', seconds: 17, count: 1 });
    await expect(port.getState()).rejects.toMatchObject({ kind: 'flood', seconds: 17 });
  });

  it('R10 shakes hands with a trusted simulator, and is not logged in without a session', async () => {
    const endpoint = trustSimulator(
      readEnvironment({
        TELEGRAM_SIMULATOR_ADDRESS: `127.0.0.1:${String(simulator.mtprotoPort)}`,
        TELEGRAM_SIMULATOR_PUBLIC_KEY: simulator.publicKey,
      }),
    );
    // One handshake in 256 fails by a defect of the library; its owner would simply try again.
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const error: unknown = await adapter({ session: '', endpoint })
        .port.connect(DEADLINE_MS)
        .catch((reason: unknown) => reason);
      if (attempt === 0 && String(error).includes('nonce')) continue;
      expect(error).toMatchObject({ kind: 'auth-fatal', reason: 'AUTH_KEY_UNREGISTERED' });
      break;
    }
    expect(simulator.stats.handshakes).toBeGreaterThan(0);
  });
});
