import { describe, expect, it } from '@jest/globals';
import { gramjs, telethon } from '../../../bench/peers/peers.js';
import { Listener } from '../../../bench/peers/listener.js';
import { runPeer, type PeerOptions } from '../../../bench/peers/run.js';
import { waitFor } from '../telegram/support/wait-for.js';

const BOUND_MS = 300_000;
const CALM: PeerOptions = { seed: 5, durationMs: 4_000, rate: 10, troubleEveryMs: null, settleMs: 60_000 };

const python = telethon();
const reason = 'missing' in python ? ` [not run: ${python.missing}]` : '';
const check = 'missing' in python ? it.skip : it;

/** A comparison is fair only if, with nothing going wrong, nobody loses anything. */
describe('N8 the peers without trouble', () => {
  it(
    'N8 a plain GramJS listener receives every post once',
    async () => {
      const result = await runPeer(gramjs(), CALM);
      expect(result).toEqual({
        posted: result.posted,
        received: result.posted,
        lost: 0,
        repeated: 0,
        crashes: 0,
        faults: {},
      });
      expect(result.posted).toBeGreaterThan(20);
    },
    BOUND_MS,
  );

  check(
    `N8 a Telethon listener receives every post once${reason}`,
    async () => {
      if ('missing' in python) return;
      const result = await runPeer(python, CALM);
      expect(result).toEqual({
        posted: result.posted,
        received: result.posted,
        lost: 0,
        repeated: 0,
        crashes: 0,
        faults: {},
      });
      expect(result.posted).toBeGreaterThan(20);
    },
    BOUND_MS,
  );
});

describe('N8 a listener as a service', () => {
  const wish = { port: 1, publicKey: '', publicKeyPem: '', session: '', authKeyHex: '', folder: '' };
  const script = `console.log('{"ready":true}');console.log('{"channelId":"1","messageId":"2"}');setInterval(() => {}, 1000)`;

  it('N8 comes back after it was killed, and repeats are counted', async () => {
    const listener = new Listener({ file: process.execPath, args: ['-e', script] }, wish, 10);
    await listener.start();
    try {
      await waitFor('first message', () => listener.received.get('1:2') === 1, 60_000);
      listener.kill();
      await waitFor('the same after a restart', () => listener.received.get('1:2') === 2, 60_000);
      expect(listener.crashes).toBe(0);
    } finally {
      await listener.stop();
    }
  }, 150_000);

  it('N8 says so when it never listens', async () => {
    const listener = new Listener({ file: process.execPath, args: ['-e', 'process.exit(3)'] }, wish, 60_000);
    await expect(listener.start(3_000)).rejects.toThrow('does not listen within 3000 ms');
    await listener.stop();
  }, 60_000);
});
