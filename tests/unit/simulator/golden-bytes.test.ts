import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decryptPacket, encryptPacket } from '../../../runtime/simulator/cipher.js';
import { Handshake } from '../../../runtime/simulator/handshake.js';
import { AuthKey, RsaKey } from '../../../runtime/simulator/keys.js';
import { readObject } from '../../../runtime/simulator/tl.js';
import { clientPacket } from './support/client-packet.js';

interface Packet {
  readonly msgId: string;
  readonly body: string;
  readonly packet: string;
}
interface Golden {
  readonly rsaPrivateKeyPem: string;
  readonly serverNonce: string;
  readonly dhSecret: string;
  readonly serverTime: number;
  readonly reqPqMulti: string;
  readonly resPq: string;
  readonly reqDhParams: string;
  readonly reqDhParamsHashed: string;
  readonly serverDhParamsOk: string;
  readonly setClientDhParams: string;
  readonly dhGenOk: string;
  readonly authKey: string;
  readonly message: { readonly salt: string; readonly sessionId: string; readonly seqNo: number };
  readonly toServer: Packet;
  readonly toClient: Packet;
}

/** Made by tests/peers/golden_bytes.py, on another library's TL classes and ciphers. */
const golden = JSON.parse(readFileSync(join(__dirname, 'golden-bytes.json'), 'utf8')) as Golden;
const hex = (text: string) => Buffer.from(text, 'hex');
const PADDING = 0x5a;

afterEach(() => {
  jest.restoreAllMocks();
});

describe('R10 golden bytes', () => {
  it.each(['reqDhParams', 'reqDhParamsHashed'] as const)('R10 a whole handshake, with %s', (params) => {
    jest.spyOn(Date, 'now').mockReturnValue(golden.serverTime * 1_000);
    const known = new Map([
      [16, hex(golden.serverNonce)],
      [256, hex(golden.dhSecret)],
    ]);
    let key: AuthKey | undefined;
    const handshake = new Handshake(new RsaKey(golden.rsaPrivateKeyPem), {
      clock: { skewMs: 0 },
      register: (bytes) => (key = new AuthKey(bytes)),
      random: (length) => known.get(length) ?? Buffer.alloc(length, PADDING),
    });
    const answer = (request: string) =>
      handshake
        .answer(readObject(hex(request)))
        .getBytes()
        .toString('hex');
    expect(answer(golden.reqPqMulti)).toBe(golden.resPq);
    expect(answer(golden[params])).toBe(golden.serverDhParamsOk);
    expect(answer(golden.setClientDhParams)).toBe(golden.dhGenOk);
    expect(key?.bytes.toString('hex')).toBe(golden.authKey);
  });

  const authKey = new AuthKey(hex(golden.authKey));
  const messageOf = ({ msgId, body }: Packet) => ({
    salt: BigInt(golden.message.salt),
    sessionId: BigInt(golden.message.sessionId),
    seqNo: golden.message.seqNo,
    msgId: BigInt(msgId),
    body: hex(body),
  });
  const fill = (target: Buffer) => {
    target.fill(PADDING);
  };

  it('R10 a packet of a client is read, and written the same', () => {
    const { packet } = golden.toServer;
    expect(decryptPacket(authKey, hex(packet))).toEqual(messageOf(golden.toServer));
    expect(clientPacket(authKey, messageOf(golden.toServer), fill).toString('hex')).toBe(packet);
  });

  it('R10 a packet of the server is written', () => {
    expect(encryptPacket(authKey, messageOf(golden.toClient), fill).toString('hex')).toBe(golden.toClient.packet);
  });
});
