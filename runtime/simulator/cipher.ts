/** MTProto 2.0 encryption in the server's direction; the client library's own is hard-wired to the client's. */
import { createCipheriv, createSecretKey, hash, randomFillSync } from 'node:crypto';
import { IGE } from 'telegram/crypto/IGE';
import type { AuthKey } from './keys.js';

const BLOCK = 16;
/** Offsets into the auth key: 0 for client to server, 8 for server to client. */
const FROM_CLIENT = 0;
const FROM_SERVER = 8;

/** Session header before the body: salt, session id, message id, sequence number, length. */
const HEADER = 32;

const sha256 = (data: Buffer) => hash('sha256', data, 'buffer');

/** Padding needs few random bytes and often: they are drawn in bulk. */
const randomPool = Buffer.alloc(65_536);
let randomUsed = randomPool.length;

function fillRandom(target: Buffer): void {
  if (randomUsed + target.length > randomPool.length) {
    randomFillSync(randomPool);
    randomUsed = 0;
  }
  randomPool.copy(target, 0, randomUsed, (randomUsed += target.length));
}

/** `target ^= source`, whole words; both start on a word of their memory. */
function xorInto(target: Buffer, source: Buffer): void {
  const words = target.length >> 2;
  const a = new Uint32Array(target.buffer, target.byteOffset, words);
  const b = new Uint32Array(source.buffer, source.byteOffset, words);
  for (let i = 0; i < words; i++) a[i] = (a[i] ?? 0) ^ (b[i] ?? 0);
}

const aligned = (length: number) => Buffer.from(new ArrayBuffer(length));

/**
 * AES-256-IGE of whole blocks. IGE is CBC over `p[i] xor p[i-2]`, with `p[i-1]` xored onto what comes out, so one
 * native CBC call does the work; AES in JavaScript would be most of what a push costs. (Decryption has no such form;
 * requests are small.)
 */
export function encryptIge(plain: Buffer, key: Buffer, iv: Buffer): Buffer {
  // earlier = p[i-2], previous = p[i-1], where p[0] and what is before it come from the second half of the iv.
  const earlier = aligned(plain.length);
  iv.copy(earlier, BLOCK, BLOCK);
  plain.copy(earlier, 2 * BLOCK);
  const previous = aligned(plain.length);
  iv.copy(previous, 0, BLOCK);
  plain.copy(previous, BLOCK);
  const mixed = aligned(plain.length);
  plain.copy(mixed);
  xorInto(mixed, earlier);
  // A key object, as Node 24 takes three times longer over a key in a buffer.
  const cipher = createCipheriv('aes-256-cbc', createSecretKey(key), iv.subarray(0, BLOCK)).setAutoPadding(false);
  cipher.update(mixed).copy(mixed);
  xorInto(mixed, previous);
  return mixed;
}

export function decryptIge(encrypted: Buffer, key: Buffer, iv: Buffer): Buffer {
  return new IGE(key, iv).decryptIge(encrypted);
}

function messageKeys(authKey: Buffer, msgKey: Buffer, direction: 0 | 8): { key: Buffer; iv: Buffer } {
  const a = sha256(Buffer.concat([msgKey, authKey.subarray(direction, direction + 36)]));
  const b = sha256(Buffer.concat([authKey.subarray(40 + direction, 76 + direction), msgKey]));
  return {
    key: Buffer.concat([a.subarray(0, 8), b.subarray(8, 24), a.subarray(24, 32)]),
    iv: Buffer.concat([b.subarray(0, 8), a.subarray(8, 24), b.subarray(24, 32)]),
  };
}

export interface EncryptedMessage {
  readonly salt: bigint;
  readonly sessionId: bigint;
  readonly msgId: bigint;
  readonly seqNo: number;
  readonly body: Buffer;
}

/** The message key: middle of a hash over 32 bytes of the auth key and the padded plain text behind them. */
const messageKey = (keyAndPlain: Buffer) => sha256(keyAndPlain).subarray(8, 24);

/** A message of the server as one packet: key id, message key, ciphertext. `fill` makes the padding. */
export function encryptPacket(key: AuthKey, message: EncryptedMessage, fill = fillRandom): Buffer {
  return sealPacket(key, message, FROM_SERVER, fill);
}

/** The same in either direction: 0 is what a client writes, 8 what the server does. */
export function sealPacket(key: AuthKey, message: EncryptedMessage, direction: 0 | 8, fill = fillRandom): Buffer {
  const length = HEADER + message.body.length;
  const padding = 12 + (-(length + 12) & (BLOCK - 1));
  const keyAndPlain = Buffer.allocUnsafe(32 + length + padding);
  key.bytes.copy(keyAndPlain, 0, 88 + direction, 120 + direction);
  const plain = keyAndPlain.subarray(32);
  plain.writeBigInt64LE(message.salt, 0);
  plain.writeBigInt64LE(message.sessionId, 8);
  plain.writeBigInt64LE(message.msgId, 16);
  plain.writeInt32LE(message.seqNo, 24);
  plain.writeInt32LE(message.body.length, 28);
  message.body.copy(plain, HEADER);
  fill(plain.subarray(length));
  const msgKey = messageKey(keyAndPlain);
  const aes = messageKeys(key.bytes, msgKey, direction);
  return Buffer.concat([key.idBytes, msgKey, encryptIge(plain, aes.key, aes.iv)]);
}

/** A packet of the client. Throws when its message key, length or padding is wrong. */
export function decryptPacket(key: AuthKey, packet: Buffer): EncryptedMessage {
  const msgKey = packet.subarray(8, 24);
  const encrypted = packet.subarray(24);
  if (encrypted.length < 48 || encrypted.length % BLOCK !== 0) throw new Error('encrypted part has a wrong length');
  const aes = messageKeys(key.bytes, msgKey, FROM_CLIENT);
  const plain = decryptIge(encrypted, aes.key, aes.iv);
  const expected = messageKey(Buffer.concat([key.bytes.subarray(88 + FROM_CLIENT, 120 + FROM_CLIENT), plain]));
  if (!msgKey.equals(expected)) throw new Error('message key does not match');
  const length = plain.readInt32LE(28);
  const padding = plain.length - HEADER - length;
  if (length < 4 || length % 4 !== 0 || padding < 12 || padding > 1_024) throw new Error('wrong message length');
  return {
    salt: plain.readBigInt64LE(0),
    sessionId: plain.readBigInt64LE(8),
    msgId: plain.readBigInt64LE(16),
    seqNo: plain.readInt32LE(24),
    body: plain.subarray(HEADER, HEADER + length),
  };
}
