import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startSimulator, type Simulator } from '../../../runtime/simulator/simulator.js';

let simulator: Simulator;
let socket: Socket;
beforeEach(async () => {
  simulator = await startSimulator();
  socket = connect(simulator.mtprotoPort, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
});
afterEach(async () => {
  socket.destroy();
  await simulator.close();
});

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('R10 transport', () => {
  it('R10 answers an unknown auth key with -404, as four bytes in the framing of the client', async () => {
    socket.write(Buffer.concat([Buffer.from([0xef, 22]), randomBytes(88)]));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString('hex')).toBe('016cfeffff');
  });

  it('R10 reads a packet that arrives byte by byte', async () => {
    socket.setNoDelay(true);
    for (const byte of Buffer.concat([Buffer.from([0xef, 22]), randomBytes(88)])) socket.write(Buffer.from([byte]));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString('hex')).toBe('016cfeffff');
  });

  it.each([
    ['a wrong CRC', hex('10000000 00000000 01020304 00000000')],
    ['a length without room for a payload', hex('04000000 00000000')],
    ['a length beyond the limit', hex('00000070 00000000')],
    ['an obfuscated transport that it does not know', Buffer.alloc(64, 0x11)],
    ['garbage inside an abridged packet', Buffer.concat([Buffer.from([0xef, 10]), Buffer.alloc(40)])],
    ['a packet shorter than a key id', hex('ef01 01020304')],
  ])('R10 drops a client with %s, and only it', async (_what, bytes) => {
    socket.write(bytes);
    await once(socket, 'close');
    expect(simulator.stats.brokenConnections).toBe(1);
    expect(simulator.listening).toBe(true);
  });
});
