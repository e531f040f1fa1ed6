import { describe, expect, it } from '@jest/globals';
import { makeDrafts } from '../../../ops/smoke.js';

describe('messages of the smoke test', () => {
  it('R1 are distinct, with the hard cases among them', () => {
    const drafts = makeDrafts(200);
    expect(drafts).toHaveLength(200);
    expect(new Set(drafts.map(({ text }) => text)).size).toBe(200);
    expect(drafts.filter(({ text }) => text.length === 4096)).toHaveLength(1);
    expect(drafts.filter(({ text, media }) => text === '' && media === 'photo')).toHaveLength(1);
    expect(drafts.filter(({ text }) => text.includes('\u0000'))).toHaveLength(1);
    expect(drafts.filter(({ text }) => /\p{Extended_Pictographic}/u.test(text))).toHaveLength(1);
    expect(drafts.filter(({ duplicate }) => duplicate)).toHaveLength(1);
  });

  it.each(['4', '0', '-1', '1.5', 'many', '100001'])('R12 --count %s is refused with what is expected', (count) => {
    expect(() => makeDrafts(Number(count))).toThrow('--count: expected a whole number from 5 to 100000');
  });
});
