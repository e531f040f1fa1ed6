import bigInt from 'big-integer';
import { BinaryReader } from 'telegram/extensions/index.js';

/**
 * The library reads each 64-bit number by way of its hexadecimal text and a string of its bits, and a message holds a
 * dozen of them: that was a seventh of all that the gateway computes. Other widths (handshake, nonces) are left to it.
 */
const original = Reflect.get(BinaryReader.prototype, 'readLargeInt');

function readLargeInt(this: BinaryReader, bits: number, signed = true): bigInt.BigInteger {
  if (bits !== 64) return original.call(this, bits, signed);
  const bytes = this.read(8);
  return bigInt(signed ? bytes.readBigInt64LE() : bytes.readBigUInt64LE());
}

/** The class is shared by every client of the process, so this is done once, when this module is loaded. */
BinaryReader.prototype.readLargeInt = readLargeInt;
