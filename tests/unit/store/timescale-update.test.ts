import { describe, expect, it } from '@jest/globals';
import { isOlder } from '../../../runtime/store/timescale-update.js';

describe('versions of TimescaleDB', () => {
  it('Q8 compares number by number, and never asks for a downgrade', () => {
    expect(isOlder('2.9.1', '2.19.3')).toBe(true);
    expect(isOlder('2.19.2', '2.19.3')).toBe(true);
    expect(isOlder('2.19', '2.19.3')).toBe(true);
    expect(isOlder('2.19.3', '2.19.3')).toBe(false);
    expect(isOlder('2.31.0', '2.19.3')).toBe(false);
    expect(isOlder('2.20.0-dev', '2.20.0')).toBe(false);
    expect(isOlder('3.0.0', '2.99.9')).toBe(false);
  });
});
