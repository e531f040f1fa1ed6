/**
 * One listener under one schedule: the part of a chaos run that a client of Telegram can meet, against a simulator of its
 * own, so that two listeners under the same seed meet the same.
 *
 * Counted are posts and albums that still stand at the end: nobody can be shown what was deleted meanwhile, and the usual
 * handler is not given service messages. Edits and deletions are not counted: the usual handler does not hear of them.
 */
import { createPublicKey } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startSimulator, type Simulator } from '../../runtime/simulator/simulator.js';
import { follow } from '../chaos/lane.js';
import { makeSchedule, type Schedule } from '../chaos/schedule.js';
import type { Trouble } from '../chaos/troubles.js';
import { World } from '../chaos/world.js';
import { Listener, type ListenerCommand, type ListenerWish } from './listener.js';

export interface PeerOptions {
  readonly seed: number;
  readonly durationMs: number;
  /** Posts per second. */
  readonly rate: number;
  /** Mean time from one trouble to the next; null for none at all. */
  readonly troubleEveryMs: number | null;
  /** Longest wait, after the schedule, for everything to arrive. */
  readonly settleMs: number;
  /** Pause before a listener that ended is started again. @default 10000 */
  readonly restartMs?: number;
}

export interface PeerResult {
  readonly posted: number;
  readonly received: number;
  readonly lost: number;
  /** Messages given to the handler more than once. */
  readonly repeated: number;
  /** Ends of the process that nobody asked for. */
  readonly crashes: number;
  readonly faults: Readonly<Record<string, number>>;
}

const CHANNELS = 3;

export async function runPeer(command: ListenerCommand, options: PeerOptions): Promise<PeerResult> {
  const simulator = await startSimulator({ channels: CHANNELS });
  const folder = await mkdtemp(join(tmpdir(), 'telegram-peer-'));
  const listener = new Listener(command, wishOf(simulator, folder), options.restartMs);
  try {
    await listener.start();
    const world = new World(`http://127.0.0.1:${String(simulator.controlPort)}`);
    await world.begin(CHANNELS);
    const faults = await perform(scheduleOf(options), options, { world, listener });
    await world.heal();
    // One that hangs is helped once: what it receives then was late, not lost.
    if (options.troubleEveryMs !== null) listener.kill();
    return { ...(await count(world, listener, options.settleMs)), crashes: listener.crashes, faults };
  } finally {
    await listener.stop();
    await simulator.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function scheduleOf({ troubleEveryMs, ...options }: PeerOptions): Schedule {
  const schedule = makeSchedule({
    ...options,
    channels: CHANNELS,
    scope: 'telegram',
    troubleEveryMs: troubleEveryMs ?? options.durationMs,
  });
  return troubleEveryMs === null ? { ...schedule, troubles: [] } : schedule;
}

async function perform(
  { changes, troubles }: Schedule,
  { durationMs }: PeerOptions,
  { world, listener }: { readonly world: World; readonly listener: Listener },
): Promise<Record<string, number>> {
  const startedAt = performance.now();
  const over = AbortSignal.timeout(durationMs);
  // A machine that cannot keep the rate posts less.
  const late = AbortSignal.timeout(2 * durationMs);
  const faults: Record<string, number> = {};
  const lasting: Promise<unknown>[] = [];
  const trouble = async (what: Trouble) => {
    faults[what.kind] = (faults[what.kind] ?? 0) + 1;
    if (what.on === 'part') {
      listener.kill();
      return;
    }
    // Its schedule has no channels that come.
    if (what.on === 'world') return;
    const heal = await world.injure(what.wish);
    lasting.push(delay(what.forMs).then(heal));
  };
  await Promise.all([
    follow({ list: changes, startedAt, signal: late, perform: (change) => world.change(change) }),
    follow({ list: troubles, startedAt, signal: over, perform: trouble }),
  ]);
  await Promise.all(lasting);
  return faults;
}

async function count(world: World, listener: Listener, settleMs: number) {
  const truth = await world.truth();
  const standing = truth
    .filter(({ service, deletedPts }) => service === null && deletedPts === null)
    .map(({ channelId, messageId }) => `${channelId}:${messageId}`);
  const missing = () => standing.filter((key) => !listener.received.has(key)).length;
  const deadline = performance.now() + settleMs;
  while (missing() > 0 && performance.now() < deadline) await delay(200);
  const lost = missing();
  const repeated = [...listener.received.values()].filter((times) => times > 1).length;
  return { posted: standing.length, received: standing.length - lost, lost, repeated };
}

function wishOf(simulator: Simulator, folder: string): ListenerWish {
  const { keys, mtprotoPort: port, publicKey, session } = simulator;
  const publicKeyPem = createPublicKey(keys.rsaPrivateKeyPem).export({ type: 'pkcs1', format: 'pem' }).toString();
  return { port, publicKey, publicKeyPem, session, authKeyHex: keys.authKeyHex, folder };
}
