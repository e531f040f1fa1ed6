import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Simulator } from '../../../runtime/simulator/simulator.js';
import { startSimulator } from '../../support/simulator.js';
import { Listener } from './support/adapter.js';
import { until } from './support/client.js';

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

const ref = (id = CHANNEL) => ({ id: String(id), accessHash: simulator.world.channel(id).identity.accessHash });
const difference = (id = CHANNEL, pts = 1) => listener.port.getChannelDifference(ref(id), pts, 100);

describe('R10 faults of calls, as the adapter sees them', () => {
  it.each([
    [500, 'INTERNAL', 'transient'],
    [401, 'AUTH_KEY_UNREGISTERED', 'auth-fatal'],
    [406, 'AUTH_KEY_DUPLICATED', 'auth-fatal'],
    [401, 'SESSION_REVOKED', 'auth-fatal'],
    [400, 'CHANNEL_PRIVATE', 'channel-gone'],
    [400, 'PERSISTENT_TIMESTAMP_INVALID', 'pts-invalid'],
    [500, 'PERSISTENT_TIMESTAMP_OUTDATED', 'transient'],
  ])('R10 %d %s for one channel and once', async (code, message, kind) => {
    const method = 'updates.GetChannelDifference';
    simulator.faults.inject({ kind: 'rpcError', method, code, message, channelId: String(CHANNEL), count: 1 });
    await expect(difference(CHANNEL + 1)).resolves.toMatchObject({ type: 'empty' });
    await expect(difference()).rejects.toMatchObject({ kind, reason: message });
    await expect(difference()).resolves.toMatchObject({ type: 'empty' });
  });

  it('R10 FLOOD_WAIT says for how long', async () => {
    simulator.faults.inject({ kind: 'floodWait', method: 'updates.GetState', seconds: 33, count: 1 });
    await expect(listener.port.getState()).rejects.toMatchObject({ kind: 'flood', seconds: 33 });
  });

  it('R10 a slow answer comes late, other calls do not wait for it', async () => {
    simulator.faults.inject({ kind: 'slow', method: 'updates.GetState', ms: 400, count: 1 });
    const before = performance.now();
    const slow = listener.port.getState().then(() => performance.now() - before);
    await until(() => simulator.faults.list().length === 0);
    await difference();
    expect(await slow).toBeGreaterThan(390);
  });

  it('R10 one method is never answered, the others are', async () => {
    simulator.faults.inject({ kind: 'neverAnswer', method: 'updates.GetState' });
    const impatient = new Listener(simulator, { callDeadlineMs: 1_000 });
    // What it waits for when it connects is the same method.
    await expect(impatient.port.connect(1_000)).rejects.toMatchObject({ kind: 'timeout' });
    const hanging = listener.port.getState().catch((error: unknown) => error);
    await expect(difference()).resolves.toMatchObject({ type: 'empty' });
    await listener.port.close();
    expect(await hanging).toMatchObject({ reason: 'CLIENT_CLOSED' });
  });

  it('R10 a difference is too long by order, by age, and by the older rule of the limit', async () => {
    for (let i = 0; i < 5; i++) simulator.post(CHANNEL, { text: String(i) });
    await expect(difference()).resolves.toMatchObject({ type: 'slice' });
    simulator.faults.inject({ kind: 'tooLong', channelId: String(CHANNEL), count: 1 });
    await expect(difference()).resolves.toMatchObject({ type: 'tooLong', pts: 6 });
    simulator.world.maxPtsAge = 3;
    await expect(difference()).resolves.toMatchObject({ type: 'tooLong' });
    simulator.world.maxPtsAge = Infinity;
    simulator.world.tooLongRule = 'limit';
    await expect(listener.port.getChannelDifference(ref(), 1, 4)).resolves.toMatchObject({ type: 'tooLong' });
    await expect(listener.port.getChannelDifference(ref(), 2, 4)).resolves.toMatchObject({ type: 'slice' });
  });

  it('R10 an unknown object in a difference cannot be read, the next time it is gone', async () => {
    simulator.post(CHANNEL, { text: 'x' });
    simulator.faults.inject({ kind: 'unreadableDifference', count: 1 });
    await expect(difference()).rejects.toMatchObject({ kind: 'unreadable' });
    await expect(difference()).resolves.toMatchObject({ newMessages: [{ text: 'x' }] });
  });
});

describe('R10 faults of connections, as the adapter sees them', () => {
  it('R10 a packet cut in the middle ends the connection', async () => {
    simulator.faults.inject({ kind: 'closeMidPacket', count: 1 });
    simulator.post(CHANNEL, { text: 'half' });
    await until(() => listener.states.at(-1) === 'disconnected');
    expect(listener.texts).toEqual([]);
    expect(simulator.faults.struck).toEqual({ closeMidPacket: 1 });
  });

  it('R10 -404 for a good key is a lost key to the client', async () => {
    simulator.faults.inject({ kind: 'transportError', count: 1 });
    await listener.port.getState().catch(() => undefined);
    await until(() => listener.states.at(-1) === 'key-lost');
  });

  it.each([
    ['ahead', 7_200],
    ['behind', -7_200],
  ])('R10 a server clock two hours %s is followed by the client, there and back', async (_way, offsetSeconds) => {
    simulator.faults.inject({ kind: 'clockSkew', offsetSeconds });
    await until(() => listener.states.at(-1) === 'disconnected');
    const skewed = await new Listener(simulator).connect();
    await expect(skewed.port.getState()).resolves.toMatchObject({ pts: 1 });
    expect(simulator.faults.struck['clockSkew']).toBeGreaterThan(0);
    simulator.faults.clear();
    await until(() => skewed.states.at(-1) === 'disconnected');
    await skewed.port.close();
    const straight = await new Listener(simulator).connect();
    await expect(straight.port.getState()).resolves.toMatchObject({ pts: 1 });
    await straight.port.close();
  });

  it('R10 new salts are learnt from bad_server_salt, and no call is lost', async () => {
    simulator.faults.inject({ kind: 'rotateSalt' });
    await expect(listener.port.getState()).resolves.toMatchObject({ pts: 1 });
    simulator.post(CHANNEL, { text: 'still here' });
    await until(() => listener.texts.length === 1);
  });

  it('R10 an account logged out everywhere is told so by its next call', async () => {
    expect(simulator.revoke(777)).toBe(1);
    await expect(listener.port.getState()).rejects.toMatchObject({ reason: 'AUTH_KEY_UNREGISTERED' });
  });
});
