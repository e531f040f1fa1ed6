import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ACCOUNT_USER_ID, generateKeys } from '../../../runtime/simulator/keys.js';
import { Keyring } from '../../../runtime/simulator/keyring.js';
import { World } from '../../../runtime/simulator/world.js';

let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'simulator-'));
});
afterEach(() => {
  rmSync(stateDir, { recursive: true });
});

const open = (options = {}) => new World({ channels: 2, stateDir, ...options });
const journal = () => join(stateDir, 'world.jsonl');
const truth = (world: World) =>
  world.channels.map(({ identity, pts, floorPts, lastMessageId, log, messages }) => ({
    ...{ identity, pts, floorPts, lastMessageId, messages: [...messages] },
    log: log.map((event) => ({ ...event, pushedAt: null })),
  }));

describe('R10 a restarted simulator', () => {
  it('R10 has the same channels, posts and pts, and goes on counting', () => {
    const before = open();
    const channel = before.channel(1_000_000_001);
    before.post(channel, 'a\u0000 \u2028 😀');
    before.post(channel, '', 'document');
    before.edit(channel, 2, 'b');
    before.remove(channel, [3]);
    before.createChannel({ title: 'Third', username: null });
    before.setAccess(channel, { pushed: false });
    before.setMember(channel, 778, 'banned');
    before.tell(777, 'private');
    before.tellChannel(777, channel);
    before.close();
    const after = open();
    expect(truth(after)).toEqual(truth(before));
    expect(after.channel(1_000_000_001).access).toEqual({
      private: false,
      pushed: false,
      left: [],
      banned: [778],
      joined: {},
    });
    expect(after.box(777)).toMatchObject({ pts: 2, seq: 3, log: before.box(777).log });
    expect(after.post(after.channel(1_000_000_001), 'next')).toMatchObject({ pts: 6, message: { id: 4 } });
    after.close();
  });

  it('R10 has every event although it was not closed', () => {
    const before = open();
    for (let i = 0; i < 10; i++) before.post(before.channel(1_000_000_002), 'x');
    const after = open();
    expect(truth(after)).toEqual(truth(before));
    before.close();
    after.close();
  });

  it('R10 cuts off a line that was torn by a kill', () => {
    const before = open();
    before.post(before.channel(1_000_000_001), 'whole');
    before.close();
    const size = statSync(journal()).size;
    appendFileSync(journal(), '{"kind":"event","id":10000');
    const after = open();
    expect(truth(after)).toEqual(truth(before));
    expect(statSync(journal()).size).toBe(size);
    after.close();
  });

  it('R10 keeps the file in proportion to what it remembers', () => {
    const before = open({ maxBytes: 43_000 });
    for (let i = 0; i < 5_000; i++) before.post(before.channel(1_000_000_001), `post ${String(i)}`);
    before.close();
    expect(readFileSync(journal(), 'utf8').split('\n').length).toBeLessThan(2_010);
    const after = open({ maxBytes: 43_000 });
    const [kept, remembered] = [before, after].map((world) => world.channel(1_000_000_001).log);
    const common = Math.min(kept?.length ?? 0, remembered?.length ?? 0);
    expect(common).toBeGreaterThan(50);
    expect(remembered?.slice(-common)).toEqual(kept?.slice(-common));
    expect(after.eventCount).toBeLessThanOrEqual(107);
    expect(after.channel(1_000_000_001)).toMatchObject({ pts: 5_001, lastMessageId: 5_001 });
    after.close();
  });

  it('R10 adds channels that the configuration asks for and keeps the others', () => {
    open().close();
    const more = open({ channels: 4 });
    expect(more.channels.map(({ id }) => id)).toEqual([1_000_000_001, 1_000_000_002, 1_000_000_003, 1_000_000_004]);
    more.close();
    const fewer = open({ channels: 1 });
    expect(fewer.channels).toHaveLength(4);
    fewer.close();
  });
});

describe('R10 keys of the simulator', () => {
  it('R10 are made once and kept in a private file', () => {
    const first = new Keyring({ stateDir });
    expect(statSync(join(stateDir, 'keys.json')).mode & 0o777).toBe(0o600);
    expect(new Keyring({ stateDir }).keys).toEqual(first.keys);
  });

  it('R10 given keys win over stored ones, log the account in, and are not written down', () => {
    const own = new Keyring({ stateDir });
    const given = generateKeys();
    const keyring = new Keyring({ stateDir, keys: given });
    expect(keyring.keys).toEqual(given);
    keyring.add(Buffer.alloc(256, 7));
    expect(readFileSync(join(stateDir, 'keys.json'), 'utf8')).not.toContain(given.authKeyHex);
    expect(new Keyring({ stateDir }).keys).toEqual(own.keys);
  });

  it('R10 a key from a handshake and who is logged in with it outlive a restart', () => {
    const keyring = new Keyring({ stateDir });
    const { id } = keyring.add(Buffer.alloc(256, 9));
    expect(new Keyring({ stateDir }).find(id)?.userId).toBeNull();
    keyring.authorise(id, ACCOUNT_USER_ID);
    expect(new Keyring({ stateDir }).find(id)?.userId).toBe(ACCOUNT_USER_ID);
  });
});
