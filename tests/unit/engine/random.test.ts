import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { generatePassword } from '../../../ops/engine/resources/random.js';

describe('O10 generated passwords', () => {
  const count = (text: string, kind: RegExp): number => text.match(new RegExp(kind, 'g'))?.length ?? 0;

  it('have the length and the kinds that were asked for', () => {
    const least = fc.integer({ min: 0, max: 5 });
    fc.assert(
      fc.property(fc.integer({ min: 15, max: 64 }), least, least, least, (length, minLower, minUpper, minNumeric) => {
        const password = generatePassword({ length, special: false, minLower, minUpper, minNumeric });
        expect(password).toMatch(new RegExp(`^[a-zA-Z0-9]{${String(length)}}$`));
        expect(count(password, /[a-z]/)).toBeGreaterThanOrEqual(minLower);
        expect(count(password, /[A-Z]/)).toBeGreaterThanOrEqual(minUpper);
        expect(count(password, /[0-9]/)).toBeGreaterThanOrEqual(minNumeric);
      }),
    );
  });

  it('take special characters from the given set only', () => {
    const password = generatePassword({
      length: 40,
      lower: false,
      upper: false,
      numeric: false,
      overrideSpecial: '_-',
    });
    expect(password).toMatch(/^[_-]{40}$/);
  });

  it('are never the same', () => {
    expect(new Set(Array.from({ length: 1000 }, () => generatePassword({ length: 16 }))).size).toBe(1000);
  });

  it.each([
    { length: 3, minLower: 4 },
    { length: 8, lower: false, upper: false, numeric: false, special: false },
  ])('rules that contradict each other are an error: %j', (rules) => {
    expect(() => generatePassword(rules)).toThrow('no password of');
  });
});
