import { gunzipSync, gzipSync } from 'node:zlib';
import bigInt from 'big-integer';
import { BinaryReader } from 'telegram/extensions';
// Hostile bytes must not spoil the library's tables for everybody else.
import '../telegram/gramjs/vector-repair.js';

/** Constructor ids of the core types that the client library keeps to itself. */
export const VECTOR = 0x1cb5c415;
export const RPC_RESULT = 0xf35c6d01;
export const MSG_CONTAINER = 0x73f1f8dc;
export const GZIP_PACKED = 0x3072cfa1;
export const BOOL_TRUE = 0x997275b5;
export const BOOL_FALSE = 0xbc799737;

/** Largest object a client may unpack from gzip, in bytes. */
const MAX_UNPACKED_BYTES = 4 * 1_024 * 1_024;

/** What every TL class has; requests and results alike. */
export interface TlObject {
  readonly className: string;
  getBytes(): Buffer;
}

export type Long = bigInt.BigInteger;

/** `long` fields are `big-integer` objects; a native bigint or a number in one is not always written right. */
export function long(value: bigint | number): Long {
  return bigInt(value.toString());
}

export function i32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32LE(value | 0);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

/** Low 64 bits, little-endian; signed and unsigned values give the same bytes. */
export function i64(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes;
}

/** TL `bytes`: length, data, zeros up to a multiple of four. */
export function tlBytes(data: Buffer): Buffer {
  const head = data.length < 254 ? Buffer.from([data.length]) : u32(0xfe | (data.length << 8));
  return Buffer.concat([head, data, Buffer.alloc(-(head.length + data.length) & 3)]);
}

/** int128 and int256 as they stand on the wire; the library reads them as little-endian signed numbers. */
export function largeIntBytes(value: Long, length: 16 | 32): Buffer {
  const unsigned = BigInt.asUintN(length * 8, BigInt(value.toString()));
  return Buffer.from(unsigned.toString(16).padStart(length * 2, '0'), 'hex').reverse();
}

/** The opposite of `largeIntBytes`. */
export function largeInt(bytes: Buffer): Long {
  const unsigned = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
  return long(BigInt.asIntN(bytes.length * 8, unsigned));
}

/** 64 bits from the wire as a signed `long`. */
export function longFrom(bytes: Buffer): Long {
  return long(bytes.readBigInt64LE());
}

/** A boxed object from its bytes. Throws when the layer does not know the constructor. */
export function readObject(bytes: Buffer): TlObject {
  return new BinaryReader(bytes).tgReadObject() as TlObject;
}

/** Bytes of the boxed object at the beginning; null when there is none that the layer knows. */
export function objectLength(bytes: Buffer): number | null {
  const reader = new BinaryReader(bytes);
  try {
    reader.tgReadObject();
    return reader.tellPosition();
  } catch {
    return null;
  }
}

/** What a method may answer. A list is a bare `Vector<T>`, a boolean a bare `Bool`: both have no class of their own. */
export type Reply = TlObject | readonly TlObject[] | boolean;

export function serialiseReply(reply: Reply): Buffer {
  if (typeof reply === 'boolean') return u32(reply ? BOOL_TRUE : BOOL_FALSE);
  if ('getBytes' in reply) return reply.getBytes();
  return Buffer.concat([u32(VECTOR), i32(reply.length), ...reply.map((item) => item.getBytes())]);
}

/** `rpc_result` is bare: the id of the request, then the result without any wrapper. */
export function rpcResult(requestId: bigint, body: Buffer): Buffer {
  return Buffer.concat([u32(RPC_RESULT), i64(requestId), body]);
}

/** The content of a `gzip_packed` object. */
export function unpackGzip(body: Buffer): Buffer {
  return gunzipSync(new BinaryReader(body.subarray(4)).tgReadBytes(), { maxOutputLength: MAX_UNPACKED_BYTES });
}

/** The opposite. */
export function packGzip(body: Buffer): Buffer {
  return Buffer.concat([u32(GZIP_PACKED), tlBytes(gzipSync(body))]);
}

export interface ContainedMessage {
  readonly msgId: bigint;
  readonly seqNo: number;
  readonly body: Buffer;
}

/** The messages of a `msg_container`. */
export function readContainer(body: Buffer): ContainedMessage[] {
  const messages: ContainedMessage[] = [];
  let offset = 8;
  for (let left = body.readInt32LE(4); left > 0; left--) {
    const end = offset + 16 + body.readInt32LE(offset + 12);
    messages.push({
      msgId: body.readBigInt64LE(offset),
      seqNo: body.readInt32LE(offset + 8),
      body: body.subarray(offset + 16, end),
    });
    offset = end;
  }
  return messages;
}
