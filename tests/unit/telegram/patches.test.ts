import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { BinaryReader } from 'telegram/extensions/index.js';
import { Api, serializeBytes } from 'telegram/tl/index.js';
import { updatesObject } from '../../../runtime/simulator/objects.js';
import type { Simulator } from '../../../runtime/simulator/simulator.js';
import { startSimulator } from '../../support/simulator.js';
import { readContainer, UnreadableEntry } from '../../../runtime/telegram/gramjs/patches.js';
import type { GramjsTelegram } from '../../../runtime/telegram/gramjs.js';
import { adapterFor } from './support/bench.js';
import { waitFor } from './support/wait-for.js';

const UNKNOWN = Buffer.from('efbeadde01020304', 'hex');
const GZIP_PACKED = 0x3072cfa1;
const RPC_RESULT = 0xf35c6d01;

jest.setTimeout(120_000);

/** The two defects by which one bad entry took its neighbours with it, on the wire and in the reader. */
describe('containers with a bad entry', () => {
  let simulator: Simulator;
  let port: GramjsTelegram;
  const texts: string[] = [];
  const unreadable: string[] = [];

  beforeEach(async () => {
    texts.length = 0;
    unreadable.length = 0;
    simulator = await startSimulator({ channels: 1 });
    port = adapterFor(simulator);
    port.onUnreadable((where) => unreadable.push(where));
    port.onUpdates(({ updates }) => {
      for (const update of updates) if (update.type === 'new') texts.push(update.message.text);
    });
    await port.connect(30_000);
  });
  afterEach(async () => {
    await port.close();
    await simulator.close();
  });

  function push(body: Buffer): void {
    for (const connection of simulator.connections) connection.push(body);
  }

  /** A pushed post, not yet sent. */
  function post(text: string): Buffer {
    const channel = simulator.world.channels[0];
    if (!channel) throw new Error('no channel');
    return updatesObject(channel, [simulator.world.post(channel, text)]).getBytes();
  }

  it('R2 processes what stands around an object of a newer layer, and reports it', async () => {
    push(container([post('before'), UNKNOWN, post('after')]));
    await waitFor('both posts', () => texts.length === 2);
    expect(texts).toEqual(['before', 'after']);
    expect(unreadable).toEqual(['container']);
  });

  it('R2 processes what follows an error answer', async () => {
    const error = new Api.RpcError({ errorCode: 400, errorMessage: 'CHANNEL_PRIVATE' }).getBytes();
    const head = Buffer.alloc(12);
    head.writeUInt32LE(RPC_RESULT, 0);
    push(container([Buffer.concat([head, error]), post('after the error')]));
    await waitFor('the post', () => texts.length === 1);
    expect(unreadable).toEqual([]);
  });

  it('R2 reports an unreadable packet, also a compressed one, and stays connected', async () => {
    push(UNKNOWN);
    push(gzip(UNKNOWN));
    push(container([gzip(UNKNOWN), gzip(post('compressed'))]));
    await waitFor('the post', () => texts.length === 1);
    expect(unreadable).toEqual(['packet', 'message', 'message']);
    await expect(port.getState()).resolves.toBeDefined();
  });

  it('R2 acknowledges an unreadable entry, or the server would send it for ever', async () => {
    const before = simulator.stats.acknowledged;
    push(container([UNKNOWN, UNKNOWN]));
    await waitFor('reported', () => unreadable.length === 2);
    await port.getState();
    // The two entries and the container around them; acknowledgements leave with the next call.
    await waitFor('acknowledged', () => simulator.stats.acknowledged >= before + 3);
  });

  it('R2 finds the next entry by its length, whatever an entry holds', async () => {
    const { messages } = (await readContainer(
      new BinaryReader(container([UNKNOWN, post('x')]).subarray(4)),
    )) as unknown as {
      messages: { obj: unknown }[];
    };
    expect(messages[0]?.obj).toBeInstanceOf(UnreadableEntry);
    expect(messages[1]?.obj).toBeInstanceOf(Api.Updates);
  });
});

/** `msg_container` of the given bodies. */
function container(bodies: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x73f1f8dc, 0);
  head.writeInt32LE(bodies.length, 4);
  const id = BigInt(Math.floor(Date.now() / 1_000)) << 32n;
  return Buffer.concat([
    head,
    ...bodies.flatMap((body, index) => {
      const entry = Buffer.alloc(16);
      entry.writeBigInt64LE(id + BigInt(index * 4 + 3), 0);
      entry.writeInt32LE(index * 2 + 1, 8);
      entry.writeInt32LE(body.length, 12);
      return [entry, body];
    }),
  ]);
}

function gzip(body: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(GZIP_PACKED, 0);
  return Buffer.concat([head, serializeBytes(gzipSync(body))]);
}
