import { createPublicKey } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ROOT } from '../../../ops/stack-folder.js';
import { SECOND_PASSWORD } from '../../../runtime/simulator/accounts/accounts.js';
import { startSimulator, type Simulator } from '../../../runtime/simulator/simulator.js';
import { peerPython } from '../../../bench/peers/python.js';
import { waitFor } from '../telegram/support/wait-for.js';

const CHANNEL = 1_000_000_001;
const BOUND_MS = 180_000;

interface Step {
  readonly step: string;
  readonly [fact: string]: unknown;
}

const python = peerPython();
const reason = 'missing' in python ? ` [not run: ${python.missing}]` : '';
const check = 'missing' in python ? it.skip : it;

/** Telethon shares no line of code with the simulator, so what it understands is not a mistake that both share. */
describe('R10 an independent client (Telethon 1.39.0)', () => {
  let simulator: Simulator;
  let child: ChildProcess;
  const steps: Step[] = [];
  let complaints = '';
  const step = (name: string) => steps.find((one) => one.step === name);
  const pushed = () => steps.filter((one) => one.step === 'pushed');

  beforeAll(async () => {
    if ('missing' in python) return;
    simulator = await startSimulator({ channels: 2 });
    simulator.post(CHANNEL, { text: 'first' });
    simulator.post(CHANNEL, { text: 'gone' });
    simulator.edit(CHANNEL, 2, 'first, edited');
    simulator.remove(CHANNEL, [3]);
    simulator.editor.album(CHANNEL, ['photo', 'video'], 'album');
    simulator.editor.service(CHANNEL, 'title', 'New title');
    simulator.post(CHANNEL, { text: 'poll', media: 'poll' });
    simulator.editor.count(CHANNEL, 7, { views: 9, reactions: 4 });
    simulator.editor.tell(778, 'private');
    child = spawn(python.path, [join(ROOT, 'tests', 'peers', 'telethon_check.py')], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    if (!child.stdout || !child.stdin || !child.stderr) throw new Error('no pipes');
    createInterface({ input: child.stdout }).on('line', (line) => steps.push(JSON.parse(line) as Step));
    child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
    const { accessHash } = simulator.world.channel(CHANNEL).identity;
    const wish = {
      host: '127.0.0.1',
      port: simulator.mtprotoPort,
      publicKeyPem: createPublicKey(simulator.keys.rsaPrivateKeyPem).export({ type: 'pkcs1', format: 'pem' }),
      ...{ phone: '99966000778', code: '22222', password: SECOND_PASSWORD },
      ...{ channelId: String(CHANNEL), accessHash, ids: [1, 2, 3, 99], pushes: 4 },
    };
    child.stdin.write(`${JSON.stringify(wish)}\n`);
    await waitFor('Telethon listens', () => step('listening') !== undefined || child.exitCode !== null, BOUND_MS);
    simulator.post(CHANNEL, { text: 'pushed 👩‍👩‍👧‍👦 \u0000' });
    simulator.faults.inject({ kind: 'gzipPushes', count: 1 });
    simulator.edit(CHANNEL, 8, 'pushed, edited');
    simulator.remove(CHANNEL, [8]);
    simulator.post(CHANNEL, { text: '', media: 'photo' });
    await waitFor('Telethon has ended', () => child.exitCode !== null, BOUND_MS);
  }, 3 * BOUND_MS);

  afterAll(async () => {
    if ('missing' in python) return;
    child.kill('SIGKILL');
    await simulator.close();
  });

  check(`R10 shakes hands by the simulator's RSA key and gets an auth key${reason}`, () => {
    expect({ exit: child.exitCode, complaints }).toMatchObject({ exit: 0 });
    expect(step('connected')).toMatchObject({ keyBytes: 256 });
    expect(simulator.stats.handshakes).toBeGreaterThan(0);
  });

  check(`R10 O9 logs in by code and password: both halves of SRP agree${reason}`, () => {
    expect(step('password-needed')).toBeDefined();
    expect(step('logged-in')).toMatchObject({ userId: '778', firstName: 'Second' });
  });

  check(`R10 reads state, history, single messages, channel, dialogs${reason}`, () => {
    expect(step('state')).toMatchObject({ pts: 3 });
    expect(step('history')).toMatchObject({
      texts: ['poll', null, '', 'album', 'first, edited', null],
      media: 'MessageMediaPoll',
      reactions: [4],
      pts: 10,
    });
    expect(new Set(step('history')?.['groups'] as string[]).size).toBe(1);
    expect(step('by-id')).toMatchObject({ kinds: ['MessageService', 'Message', 'MessageEmpty', 'MessageEmpty'] });
    expect(step('full')).toMatchObject({ title: 'Simulated news 1', pts: 10 });
    expect(step('dialogs')).toMatchObject({ channels: ['1000000001', '1000000002'] });
  });

  check(`R10 follows the difference of a channel and of the common box${reason}`, () => {
    expect(step('difference')).toMatchObject({
      kind: 'ChannelDifference',
      texts: ['first, edited', 'album', '', null, 'poll'],
      others: ['UpdateEditChannelMessage', 'UpdateDeleteChannelMessages', 'UpdateEditChannelMessage'],
      ...{ pts: 10, final: true, timeout: 30 },
    });
    expect(step('common')).toMatchObject({ kind: 'Difference', texts: ['private', expect.stringContaining('22222')] });
  });

  check(`R10 is pushed a post, an edit (packed with gzip), a deletion and a photo${reason}`, () => {
    expect(pushed()).toMatchObject([
      { kind: 'UpdateNewChannelMessage', text: 'pushed 👩‍👩‍👧‍👦 \u0000', id: 8, pts: 11 },
      { kind: 'UpdateEditChannelMessage', text: 'pushed, edited', pts: 12 },
      { kind: 'UpdateDeleteChannelMessages', ids: [8], pts: 13 },
      { kind: 'UpdateNewChannelMessage', text: '', pts: 14 },
    ]);
  });

  check(`R10 met no method that the simulator lacks${reason}`, () => {
    expect(simulator.stats.unimplementedMethods).toEqual([]);
    expect(simulator.stats.brokenConnections).toBe(0);
  });
});
