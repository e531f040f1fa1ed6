import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { helpers } from 'telegram';
import { BinaryReader } from 'telegram/extensions/index.js';
import '../../../runtime/telegram/gramjs/fast-integers.js';

describe('64-bit numbers of the library', () => {
  const bytes = fc.uint8Array({ minLength: 8, maxLength: 8 }).map((array) => Buffer.from(array));

  it('N3 are read in one step, with the value that the library itself reads', () => {
    fc.assert(
      fc.property(bytes, fc.boolean(), (buffer, signed) => {
        const reader = new BinaryReader(Buffer.concat([buffer, Buffer.from([1, 2, 3, 4])]));
        const read = reader.readLong(signed);
        const wanted = helpers.readBigIntFromBuffer(buffer, true, signed);
        expect(read.equals(wanted)).toBe(true);
        expect(read.toString()).toBe(wanted.toString());
        expect(helpers.toSignedLittleBuffer(read, 8)).toEqual(buffer);
        expect(reader.tellPosition()).toBe(8);
      }),
    );
  });

  it('N3 are refused when the bytes end before, as ever', () => {
    expect(() => new BinaryReader(Buffer.alloc(7)).readLong()).toThrow('No more data left to read');
  });

  it('N3 leaves the other widths to the library', () => {
    const buffer = Buffer.from(Array.from({ length: 16 }, (_, index) => 200 + index));
    const wanted = helpers.readBigIntFromBuffer(buffer, true, true);
    expect(new BinaryReader(buffer).readLargeInt(128).toString()).toBe(wanted.toString());
  });
});
