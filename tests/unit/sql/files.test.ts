import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DATABASE_CLIENTS, OWNER_ROLE, SCHEMA } from '../../../runtime/contract.js';
import { readMigrations } from '../../../runtime/store/migration-plan.js';

const directory = join(__dirname, '..', '..', '..', 'sql');
const roles = readFileSync(join(directory, 'roles.sql'), 'utf8');

describe('sql/', () => {
  it('Q8 numbers the files without a gap', () => {
    const versions = readMigrations(directory).map(({ version }) => version);
    expect(versions).toEqual(versions.map((_version, index) => index + 1));
  });

  it('Q8 tells of each file its purpose, lock, edition and cost', () => {
    for (const { name, sql } of readMigrations(directory))
      for (const word of ['Purpose', 'Lock', 'Edition', 'Cost'])
        expect({ name, has: sql.split('\n\n', 1)[0]?.includes(`-- ${word} `) }).toEqual({ name, has: true });
  });

  it('Q1 makes exactly the roles of the contract', () => {
    const wanted = [OWNER_ROLE, ...DATABASE_CLIENTS].map((name) => `'${name}'`).join(', ');
    expect(roles).toContain(`array[${wanted}]`);
    expect(roles).toContain(`create schema if not exists ${SCHEMA} authorization ${OWNER_ROLE}`);
    expect(roles).not.toMatch(/\bdrop\b(?!ped)/);
  });
});
