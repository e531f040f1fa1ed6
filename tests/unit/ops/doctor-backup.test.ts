import { describe, expect, it } from '@jest/globals';
import { Failing } from '../../../ops/doctor/check.js';
import { judge, type Facts } from '../../../ops/doctor/backup.js';

const NOW = 1_000_000;
const HOUR = 3_600;
const GOOD: Facts = { 'database.success': NOW - 2 * HOUR, 'redis.success': NOW - 2 * HOUR, gap: 0 };

describe('the doctor on the backup', () => {
  const said = (facts: Facts) => {
    try {
      return judge(facts, NOW);
    } catch (error) {
      if (error instanceof Failing) return `${error.message} | ${error.fix}`;
      throw error;
    }
  };

  it.each<[Facts, string]>([
    [{ gap: 0 }, 'the first backup is being made'],
    [GOOD, '2.0 h old, never drilled'],
    [{ ...GOOD, 'drill.at': NOW - HOUR / 2 }, '2.0 h old, drilled 0.5 h ago'],
    [{ ...GOOD, 'redis.failure': NOW - HOUR }, 'the last backup failed: redis | npm run backup'],
    [{ ...GOOD, 'redis.failure': NOW - 3 * HOUR }, '2.0 h old, never drilled'],
    [{ 'database.failure': NOW }, 'the last backup failed: database | npm run backup'],
    [{ ...GOOD, 'redis.success': NOW - 27 * HOUR }, 'too old: redis (27.0 h) | npm run backup'],
    [{ ...GOOD, gap: 1 }, 'changes were dropped while the target was away | npm run backup'],
  ])('O4 O8 %j: %s', (facts, expected) => {
    expect(said(facts)).toBe(expected);
  });
});
