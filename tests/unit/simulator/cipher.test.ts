import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import bigInt from 'big-integer';
import fc from 'fast-check';
import { AuthKey as ClientAuthKey } from 'telegram/crypto/AuthKey';
import { IGE } from 'telegram/crypto/IGE';
import { Logger } from 'telegram/extensions';
import { LogLevel } from 'telegram/extensions/Logger';
import { MTProtoState } from 'telegram/network/MTProtoState';
import { Api } from 'telegram/tl';
import { decryptIge, decryptPacket, encryptIge, encryptPacket } from '../../../runtime/simulator/cipher.js';
import { AuthKey } from '../../../runtime/simulator/keys.js';
import { nextMsgId, NOTIFICATION, REPLY } from '../../../runtime/simulator/session.js';

async function clientState(key: AuthKey): Promise<MTProtoState> {
  const authKey = new ClientAuthKey();
  await authKey.setKey(key.bytes);
  const state = new MTProtoState(authKey, new Logger(LogLevel.NONE), true);
  state.salt = bigInt(5);
  return state;
}

describe('R10 encryption', () => {
  it('R10 IGE by way of CBC gives what an implementation in JavaScript gives', () => {
    const bytes = (length: number) =>
      fc.uint8Array({ minLength: length, maxLength: length }).map((b) => Buffer.from(b));
    const blocks = fc.integer({ min: 1, max: 40 }).chain((count) => bytes(count * 16));
    fc.assert(
      fc.property(bytes(32), bytes(32), blocks, (key, iv, plain) => {
        const encrypted = encryptIge(plain, key, iv);
        expect(encrypted.equals(new IGE(key, iv).encryptIge(plain))).toBe(true);
        expect(decryptIge(encrypted, key, iv).equals(plain)).toBe(true);
      }),
    );
  });

  it('R10 the client library reads a packet of the server', async () => {
    const key = new AuthKey(randomBytes(256));
    const body = new Api.Pong({ msgId: bigInt(1), pingId: bigInt(2) }).getBytes();
    const packet = encryptPacket(key, { salt: key.salt(0), sessionId: 3n, msgId: 4n, seqNo: 1, body });
    const message = await (await clientState(key)).decryptMessageData(packet);
    expect(message.msgId.toString()).toBe('4');
    expect((message.obj as unknown as Api.Pong).pingId.toString()).toBe('2');
  });

  it('R10 the server reads a packet of the client library, and refuses one that was changed', async () => {
    const key = new AuthKey(randomBytes(256));
    const state = await clientState(key);
    const inner = Buffer.concat([Buffer.alloc(8, 1), Buffer.alloc(4), Buffer.from([8, 0, 0, 0]), Buffer.alloc(8, 7)]);
    const packet = await state.encryptMessageData(inner);
    const read = decryptPacket(key, packet);
    expect(read.salt).toBe(5n);
    expect(read.body.equals(Buffer.alloc(8, 7))).toBe(true);
    packet.writeUInt8(packet.readUInt8(40) ^ 1, 40);
    expect(() => decryptPacket(key, packet)).toThrow('message key does not match');
  });

  it('R10 padding is 12 to 1024 bytes and fills a block, whatever the length', () => {
    const key = new AuthKey(randomBytes(256));
    for (let length = 4; length <= 64; length += 4) {
      const packet = encryptPacket(key, { salt: 0n, sessionId: 0n, msgId: 1n, seqNo: 0, body: Buffer.alloc(length) });
      const padding = packet.length - 24 - 32 - length;
      expect(padding).toBeGreaterThanOrEqual(12);
      expect((packet.length - 24) % 16).toBe(0);
    }
  });

  it('R10 message ids grow strictly, keep their kind, and lie at the present time', () => {
    let previous = 0n;
    for (let i = 0; i < 10_000; i++) {
      const id = nextMsgId(previous, i % 2 === 0 ? REPLY : NOTIFICATION);
      expect(id > previous).toBe(true);
      expect(id & 3n).toBe(i % 2 === 0 ? 1n : 3n);
      previous = id;
    }
    expect(Math.abs(Number(previous >> 32n) - Date.now() / 1_000)).toBeLessThan(5);
  });
});
