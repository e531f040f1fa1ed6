import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { activeSlot, refusedStep, slotKeeper } from '../../../stack/rotation.js';

const epochs = fc.integer({ min: 1, max: 1_000_000 });

describe('credential epochs', () => {
  it.each([
    [7, 6, 7, 'b'],
    [8, 8, 7, 'a'],
    [9, 8, 9, 'b'],
  ] as const)('O5 epoch %i keeps a at %i and b at %i and uses %s', (epoch, a, b, active) => {
    expect([slotKeeper(epoch, 'a'), slotKeeper(epoch, 'b'), activeSlot(epoch)]).toEqual([a, b, active]);
  });

  it('O5 a step of one replaces exactly the slot that comes into use, never the one in use', () => {
    fc.assert(
      fc.property(epochs, (epoch) => {
        const used = activeSlot(epoch);
        const next = activeSlot(epoch + 1);
        expect(next).not.toBe(used);
        expect(slotKeeper(epoch + 1, used)).toBe(slotKeeper(epoch, used));
        expect(slotKeeper(epoch + 1, next)).not.toBe(slotKeeper(epoch, next));
      }),
    );
  });

  it('O5 the slot in use was made at this very epoch', () => {
    fc.assert(
      fc.property(epochs, (epoch) => {
        expect(slotKeeper(epoch, activeSlot(epoch))).toBe(epoch);
      }),
    );
  });

  it('O5 only the same epoch or the next one is allowed', () => {
    expect(refusedStep(null, 5)).toBeNull();
    expect(refusedStep(5, 5)).toBeNull();
    expect(refusedStep(5, 6)).toBeNull();
    expect(refusedStep(5, 4)).toContain('below the completed 5');
    expect(refusedStep(5, 7)).toContain('skips from 5');
  });

  it('O5 a refusal names the epoch to set', () => {
    expect(refusedStep(5, 4)).toMatch(/lowering it would replace the password in use; set 5$/);
    expect(refusedStep(5, 8)).toMatch(/would replace both passwords while one is in use; set 6$/);
  });

  it('O5 once an epoch has begun it can only be finished', () => {
    expect(refusedStep(5, 6, 6)).toBeNull();
    for (const wanted of [4, 5, 7]) expect(refusedStep(5, wanted, 6)).toContain('is not 6, which has begun');
    expect(refusedStep(null, 1, 1)).toBeNull();
    expect(refusedStep(null, 2, 1)).toContain('is not 1, which has begun');
  });

  it('O5 an allowed step never replaces a password that somebody may use', () => {
    fc.assert(
      fc.property(epochs, fc.integer({ min: -3, max: 3 }), fc.boolean(), (completed, by, hasBegun) => {
        const begun = hasBegun ? completed + 1 : completed;
        const wanted = completed + by;
        if (wanted < 1 || refusedStep(completed, wanted, begun) !== null) return;
        // Some use the slot of the completed epoch, and where the next has begun, some use that.
        for (const used of [completed, begun])
          expect(slotKeeper(wanted, activeSlot(used))).toBe(slotKeeper(used, activeSlot(used)));
      }),
    );
  });
});
