import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { comparePts } from '../../../runtime/telegram/pts.js';

const pts = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const count = fc.integer({ min: 0, max: 1_000 });

describe('comparePts', () => {
  it('R2 applies exactly the update that begins where we stand', () => {
    fc.assert(
      fc.property(pts, count, (local, ptsCount) => {
        expect(comparePts(local, local + ptsCount, ptsCount)).toBe('apply');
      }),
    );
  });

  it('R2 tells a repeat from a gap by where the update begins', () => {
    fc.assert(
      fc.property(pts, pts, count, (local, target, ptsCount) => {
        const begins = target - ptsCount;
        const expected = begins === local ? 'apply' : begins < local ? 'duplicate' : 'gap';
        expect(comparePts(local, target, ptsCount)).toBe(expected);
      }),
    );
  });

  it('R2 never applies the same update twice, except one that moves nothing', () => {
    fc.assert(
      fc.property(pts, count, (local, ptsCount) => {
        const reached = local + ptsCount;
        expect(comparePts(reached, reached, ptsCount)).toBe(ptsCount === 0 ? 'apply' : 'duplicate');
      }),
    );
  });
});
