import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import type { AuthKey } from '../../../runtime/simulator/keys.js';
import { nextMsgId } from '../../../runtime/simulator/session.js';
import type { Simulator } from '../../../runtime/simulator/simulator.js';
import { GZIP_PACKED, i32, i64, MSG_CONTAINER, packGzip, tlBytes, u32, VECTOR } from '../../../runtime/simulator/tl.js';
import { forgive, startSimulator } from '../../support/simulator.js';
import { Listener } from './support/adapter.js';
import { until } from './support/client.js';
import { clientPacket } from './support/client-packet.js';

jest.setTimeout(120_000);

const MIB = 1_024 * 1_024;
let simulator: Simulator;
let sockets: Socket[];

beforeEach(async () => {
  sockets = [];
  simulator = await startSimulator({ channels: 1 });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await simulator.close();
});

async function open(port = simulator.mtprotoPort): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

/** The end of a connection, however it ends. */
const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));

/** Abridged framing of one packet. */
function framed(packet: Buffer): Buffer {
  const words = packet.length >> 2;
  return Buffer.concat([words < 0x7f ? Buffer.from([words]) : u32(0x7f | (words << 8)), packet]);
}

/** A client that has the key of the account, and says what it likes. */
class Insider {
  readonly #key: AuthKey;
  readonly #sessionId = randomBytes(8).readBigInt64LE();
  #last = 0n;

  constructor(private readonly socket: Socket) {
    const entry = simulator.keyring.find(simulator.keyring.accountKeyId);
    if (!entry) throw new Error('no key');
    this.#key = entry.key;
    socket.write(Buffer.from([0xef]));
  }

  say(body: Buffer): void {
    this.#last = (nextMsgId(this.#last, 1n) & ~3n) + 4n;
    const message = { salt: this.#key.salt(0), sessionId: this.#sessionId, msgId: this.#last, seqNo: 1, body };
    this.socket.write(framed(clientPacket(this.#key, message)));
  }
}

/** A well-behaved client is served as before. */
async function stillServes(): Promise<void> {
  const listener = await new Listener(simulator).connect();
  try {
    simulator.post(1_000_000_001, { text: 'still here' });
    await until(() => listener.texts.includes('still here'));
  } finally {
    await listener.port.close();
  }
}

describe('R10 hostile bytes at the MTProto port', () => {
  it('R10 anything at all, in any framing, neither stops it nor stays', async () => {
    const heads = [Buffer.alloc(0), Buffer.from([0xef]), Buffer.from('1c00000000000000', 'hex')];
    const before = process.memoryUsage().arrayBuffers;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...heads), fc.uint8Array({ maxLength: 600 }), async (head, bytes) => {
        const socket = await open();
        socket.end(Buffer.concat([head, bytes]));
        socket.resume();
        await closed(socket);
      }),
      { numRuns: 60 },
    );
    await until(() => simulator.connections.size === 0);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * MIB);
    await stillServes();
  });

  it('R10 a packet that is never finished takes no more than its announced length, at most a mebibyte', async () => {
    const socket = await open();
    socket.write(Buffer.concat([Buffer.from([0xef, 0x7f, 0xff, 0xff, 0xff])]));
    await closed(socket);
    expect(simulator.stats.brokenConnections).toBe(1);
  });

  it.each<[string, () => Buffer]>([
    ['an unknown constructor', () => u32(0xdeadbeef)],
    ['an object cut short', () => Buffer.concat([u32(0x62d6b459), u32(VECTOR), i32(2_000_000_000)])],
    [
      'vectors in vectors in vectors',
      () => Buffer.concat(Array.from({ length: 40_000 }, () => Buffer.concat([u32(VECTOR), i32(1)]))),
    ],
    [
      'a container that lies about its lengths',
      () => Buffer.concat([u32(MSG_CONTAINER), i32(3), i64(4n), i32(1), i32(0x7ffffff0)]),
    ],
    ['a container of a thousand million messages', () => Buffer.concat([u32(MSG_CONTAINER), i32(1_000_000_000)])],
    [
      'a container with a negative length',
      () => Buffer.concat([u32(MSG_CONTAINER), i32(2), i64(4n), i32(1), i32(-16), u32(0)]),
    ],
    ['gzip that is none', () => Buffer.concat([u32(GZIP_PACKED), tlBytes(randomBytes(64))])],
    ['gzip that unpacks to a gigabyte of zeros', () => packGzip(packGzip(Buffer.alloc(64 * MIB)))],
    ['gzip in gzip in gzip', () => Array.from({ length: 12 }).reduce<Buffer>((inner) => packGzip(inner), u32(0))],
    ['an update that only servers send, cut short', () => Buffer.concat([u32(0x74ae4240), u32(VECTOR), i32(9)])],
    ['less than one word', () => Buffer.alloc(4)],
  ])('R10 a logged-in client that sends %s harms nobody but itself', async (_what, body) => {
    const socket = await open();
    socket.resume();
    new Insider(socket).say(body());
    await until(() => simulator.connections.size === 0 || socket.bytesRead > 0);
    await stillServes();
    // What it sent was no method of any client: that is not held against the simulator.
    forgive(simulator);
  });

  it('R10 hundreds of clients that do not speak keep nobody out', async () => {
    const idle = await Promise.all(Array.from({ length: 300 }, () => open()));
    await stillServes();
    for (const socket of idle) socket.destroy();
    await until(() => simulator.connections.size === 0, 30_000);
  });
});

describe('R10 hostile bytes at the control port', () => {
  const base = () => `http://127.0.0.1:${String(simulator.controlPort)}`;
  const send = async (method: string, path: string, body: string, type = 'application/json') =>
    (await fetch(`${base()}${path}`, { method, body, headers: { 'content-type': type } })).status;

  it('R10 bytes that are no HTTP are counted, and answered with 400 or silence', async () => {
    for (const bytes of [randomBytes(512), Buffer.from('GET / HTTP/9.9\r\n\r\n'), Buffer.alloc(100_000, 0x41)]) {
      const socket = await open(simulator.controlPort);
      socket.end(bytes);
      socket.resume();
      await closed(socket);
    }
    expect((await fetch(`${base()}/health/live`)).status).toBe(200);
    expect(simulator.stats.badRequests).toBeGreaterThanOrEqual(3);
  });

  it('R10 wrong bodies are refused by their shape, and nothing changes', async () => {
    const path = '/channels/1000000001/messages';
    expect(await send('POST', path, '{"text":')).toBe(400);
    expect(await send('POST', path, 'x', 'text/plain')).toBe(400);
    expect(await send('POST', path, 'x', 'application/xml')).toBe(415);
    expect(await send('POST', path, '{"text": "a", "__proto__": {"media": "photo"}}')).toBe(400);
    expect(await send('POST', path, `${'['.repeat(50_000)}${']'.repeat(50_000)}`)).toBe(400);
    expect(await send('POST', '/channels/99999999999999999999/messages', '{"text": "a"}')).toBe(400);
    expect(await send('POST', '/logins/accept', '{"token": "no such token!", "userId": 777}')).toBe(400);
    expect(await send('POST', '/logins/accept', '{"token": "AAAA", "userId": 777}')).toBe(404);
    expect(await send('PUT', '/limits', '{"sliceSize": 0}')).toBe(400);
    expect(simulator.world.eventCount).toBe(0);
    await stillServes();
  });

  it('R10 lone surrogates become what UTF-8 can carry, and the truth says so', async () => {
    expect(await send('POST', '/channels/1000000001/messages', '{"text": "half \\ud83d"}')).toBe(200);
    const truth = (await (await fetch(`${base()}/channels/1000000001/messages`)).json()) as {
      messages: { versions: { text: string }[] }[];
    };
    expect(truth.messages[0]?.versions[0]?.text).toBe('half \ufffd');
  });
});
