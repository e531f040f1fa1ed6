import { createHash, pbkdf2Sync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import bigInt from 'big-integer';
import type { TelegramClient } from 'telegram';
import { Api } from 'telegram/tl';
import { modPow, SrpExchange, verifierOf } from '../../../runtime/simulator/accounts/srp.js';
import { DH_G, DH_PRIME, to256 } from '../../../runtime/simulator/dh-prime.js';
import type { Simulator } from '../../../runtime/simulator/simulator.js';
import { startSimulator } from '../../support/simulator.js';
import { collectUpdates, createClient, inputChannel, inputPeer, postedTexts, until } from './support/client.js';

jest.setTimeout(120_000);

const CHANNEL = 1_000_000_001;
let simulator: Simulator;
let client: TelegramClient;
let seen: Api.TypeUpdate[];

beforeEach(async () => {
  simulator = await startSimulator({ channels: 2 });
  client = createClient(simulator);
  seen = [];
  client.addEventHandler((update: Api.TypeUpdate) => seen.push(update));
  await client.connect();
  await client.getMe();
});
afterEach(async () => {
  await client.destroy();
  await simulator.close();
});

const dialogs = async () => {
  const offset = { offsetDate: 0, offsetId: 0, offsetPeer: new Api.InputPeerEmpty(), limit: 10, hash: bigInt.zero };
  return ((await client.invoke(new Api.messages.GetDialogs(offset))) as Api.messages.Dialogs).dialogs.length;
};
const history = () =>
  client.invoke(
    new Api.messages.GetHistory({
      ...{ offsetId: 0, offsetDate: 0, addOffset: 0, limit: 10, maxId: 0, minId: 0, hash: bigInt.zero },
      peer: inputPeer(simulator),
    }),
  );

describe('R10 standing in a channel', () => {
  it('R10 who leaves is pushed nothing and has no dialog, may still read, and joins again', async () => {
    const updates = collectUpdates(client);
    await client.invoke(new Api.channels.LeaveChannel({ channel: inputChannel(simulator) }));
    expect(await dialogs()).toBe(1);
    simulator.post(CHANNEL, { text: 'missed' });
    expect(await history()).toMatchObject({ count: 2 });
    await client.invoke(new Api.channels.JoinChannel({ channel: inputChannel(simulator) }));
    simulator.post(CHANNEL, { text: 'heard' });
    await until(() => postedTexts(updates).length === 1);
    expect(postedTexts(updates)).toEqual(['heard']);
    expect(await dialogs()).toBe(2);
    await expect(
      client.invoke(new Api.channels.JoinChannel({ channel: inputChannel(simulator) })),
    ).rejects.toMatchObject({ errorMessage: 'USER_ALREADY_PARTICIPANT' });
  });

  it('R10 who is thrown out, or has left a private channel, meets CHANNEL_PRIVATE until that is over', async () => {
    const forbidden = { code: 400, errorMessage: 'CHANNEL_PRIVATE' };
    simulator.editor.setMember(CHANNEL, 777, 'banned');
    await expect(history()).rejects.toMatchObject(forbidden);
    const join = new Api.channels.JoinChannel({ channel: inputChannel(simulator) });
    await expect(client.invoke(join)).rejects.toMatchObject(forbidden);
    const chats = await client.invoke(new Api.channels.GetChannels({ id: [inputChannel(simulator)] }));
    expect(chats.chats[0]?.className).toBe('ChannelForbidden');
    expect(await dialogs()).toBe(1);
    simulator.editor.setMember(CHANNEL, 777, 'member');
    await expect(history()).resolves.toMatchObject({ count: 1 });

    // Whoever is in stays in; whoever left stands before a closed door.
    simulator.editor.setAccess(CHANNEL, { private: true });
    await expect(history()).resolves.toMatchObject({ count: 1 });
    expect(await dialogs()).toBe(2);
    await client.invoke(new Api.channels.LeaveChannel({ channel: inputChannel(simulator) }));
    await expect(history()).rejects.toMatchObject(forbidden);
    await expect(client.invoke(join)).rejects.toMatchObject(forbidden);
    const resolve = new Api.contacts.ResolveUsername({ username: 'simulated_news_1' });
    await expect(client.invoke(resolve)).rejects.toMatchObject({ errorMessage: 'USERNAME_NOT_OCCUPIED' });
    simulator.editor.setAccess(CHANNEL, { private: false });
    await expect(history()).resolves.toMatchObject({ count: 1 });
    await client.invoke(join);
    await until(() => seen.filter(({ className }) => className === 'UpdateChannel').length >= 4);
  });
});

describe('R10 the common box', () => {
  const difference = (pts: number, date = 2_000_000_000) =>
    client.invoke(new Api.updates.GetDifference({ pts, date, qts: 0 }));

  it('R10 private messages move its pts and seq, and are pushed', async () => {
    const before = await client.invoke(new Api.updates.GetState());
    simulator.editor.tell(777, 'psst');
    await until(() => seen.some(({ className }) => className === 'UpdateNewMessage'));
    expect(await client.invoke(new Api.updates.GetState())).toMatchObject({ pts: before.pts + 1, seq: before.seq + 1 });
    expect(await difference(before.pts)).toMatchObject({
      className: 'updates.Difference',
      newMessages: [{ message: 'psst' }],
      state: { pts: before.pts + 1 },
    });
    expect(await difference(before.pts + 1)).toMatchObject({ className: 'updates.DifferenceEmpty' });
  });

  it('R10 comes in slices; what is too old is too long; an unknown pts is invalid', async () => {
    simulator.world.sliceSize = 2;
    for (const text of ['1', '2', '3']) simulator.editor.tell(777, text);
    const texts: string[] = [];
    let pts = 1;
    for (let slice = await difference(pts); ; slice = await difference(pts)) {
      if (!(slice instanceof Api.updates.DifferenceSlice || slice instanceof Api.updates.Difference))
        throw new Error(slice.className);
      texts.push(...slice.newMessages.map((message) => (message as Api.Message).message));
      if (slice instanceof Api.updates.Difference) break;
      pts = slice.intermediateState.pts;
    }
    expect(texts).toEqual(['1', '2', '3']);
    simulator.world.maxPtsAge = 1;
    expect(await difference(2)).toMatchObject({ className: 'updates.DifferenceTooLong', pts: 4 });
    await expect(difference(99)).rejects.toMatchObject({ errorMessage: 'PERSISTENT_TIMESTAMP_INVALID' });
    simulator.faults.inject({ kind: 'commonTooLong', count: 1 });
    expect(await difference(4)).toMatchObject({ className: 'updates.DifferenceTooLong' });
  });

  it('R10 names the channels that changed beside it, but only those of the account', async () => {
    simulator.post(CHANNEL, { text: 'x' });
    simulator.post(CHANNEL + 1, { text: 'x' });
    simulator.editor.setMember(CHANNEL + 1, 777, 'left');
    expect(await difference(1, 1)).toMatchObject({
      otherUpdates: [{ className: 'UpdateChannel' }, { className: 'UpdateChannelTooLong', pts: 2 }],
    });
  });
});

describe('R10 two-step verification', () => {
  const sha = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest();
  const num = (bytes: Buffer) => BigInt(`0x${bytes.toString('hex')}`);
  const bytes = (value: bigint) => Buffer.from(value.toString(16).padStart(512, '0'), 'hex');

  it('R10 refuses a public value of zero, a multiple of p, and one that is too long', () => {
    const offer = new SrpExchange(verifierOf('secret'));
    for (const value of [Buffer.alloc(256), DH_PRIME, Buffer.alloc(257, 1), Buffer.alloc(0)])
      expect(offer.verify(value, Buffer.alloc(32))).toBe(false);
  });

  it('R10 accepts the proof of a client written from the description, and no other', () => {
    const p = num(DH_PRIME);
    const verifier = verifierOf('secret');
    const { salt1, salt2 } = verifier;
    const offer = new SrpExchange(verifier);
    const proof = (password: string) => {
      const inner = sha(salt2, sha(salt1, Buffer.from(password), salt1), salt2);
      const x = num(sha(salt2, pbkdf2Sync(inner, salt1, 100_000, 64, 'sha512'), salt2));
      const g = to256(Buffer.of(DH_G));
      const [k, a] = [num(sha(DH_PRIME, g)), 987_654_321n ** 20n];
      const A = modPow(3n, a, p);
      const u = num(sha(bytes(A), offer.B));
      const base = (((num(offer.B) - k * modPow(3n, x, p)) % p) + p) % p;
      const S = modPow(base, a + u * x, p);
      const mixed = Buffer.from(sha(DH_PRIME).map((byte, i) => byte ^ (sha(g)[i] ?? 0)));
      return { A: bytes(A), M1: sha(mixed, sha(salt1), sha(salt2), bytes(A), offer.B, sha(bytes(S))) };
    };
    const good = proof('secret');
    const bad = proof('Secret');
    expect(offer.verify(good.A, good.M1)).toBe(true);
    expect(offer.verify(bad.A, bad.M1)).toBe(false);
  });
});
