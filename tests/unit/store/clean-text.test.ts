import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cleanJson, cleanText } from '../../../runtime/store/clean-text.js';

/** Any UTF-16, with NUL and halves of pairs in it. */
const anyText = fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units));

describe('cleaning for PostgreSQL', () => {
  it('R1 leaves ordinary text alone', () => {
    const text = 'Zażółć 漢字 👩‍👩‍👧‍👦 \\u0000 "x"\n';
    expect(cleanText(text)).toBe(text);
    expect(JSON.parse(cleanJson({ text }))).toEqual({ text });
  });

  it('R1 leaves neither NUL nor half a pair, whatever comes', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const clean = cleanText(text);
        expect(clean.includes('\0')).toBe(false);
        expect(clean.isWellFormed()).toBe(true);
        expect(cleanText(clean)).toBe(clean);
      }),
    );
  });

  it('R1 gives JSON that holds the cleaned text, in values and keys at any depth', () => {
    fc.assert(
      fc.property(anyText, anyText, (key, value) => {
        expect(JSON.parse(cleanJson({ a: [{ [key]: value }] }))).toEqual({
          a: [{ [cleanText(key)]: cleanText(value) }],
        });
      }),
    );
  });

  it('R1 writes 64-bit numbers as decimal strings', () => {
    expect(cleanJson({ id: 9223372036854775807n })).toBe('{"id":"9223372036854775807"}');
  });
});
