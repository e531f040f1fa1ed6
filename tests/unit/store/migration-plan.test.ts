import { describe, expect, it } from '@jest/globals';
import { checksumOf, parseMigration, planMigrations } from '../../../runtime/store/migration-plan.js';

const one = parseMigration('01_one.sql', 'select 1;');
const two = parseMigration('02_two.sql', 'select 2;');
const three = parseMigration('03_three.sql', 'select 3;');

describe('migration plan', () => {
  it('Q8 leaves what is not applied, in order', () => {
    expect(planMigrations([one, two, three], [two])).toEqual({ pending: [one, three], newer: [] });
  });

  it('Q8 names an edited file', () => {
    const applied = [{ ...one, checksum: checksumOf('select 0;') }];
    expect(() => planMigrations([one], applied)).toThrow('01_one.sql was changed after it was applied');
  });

  it('Q8 takes an unknown version only when it is newer than every file', () => {
    expect(planMigrations([one, two], [one, two, three])).toEqual({ pending: [], newer: ['03_three.sql'] });
    expect(() => planMigrations([one, three], [one, two])).toThrow('02_two.sql was applied, but the file is gone');
  });

  it('Q8 reads the marker of a step outside a transaction from the first line only', () => {
    expect(parseMigration('04_x.sql', '--! no-transaction\nselect 1').transactional).toBe(false);
    expect(parseMigration('04_x.sql', '-- text\n--! no-transaction\nselect 1').transactional).toBe(true);
  });
});
