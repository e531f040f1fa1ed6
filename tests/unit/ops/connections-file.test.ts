import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  connectionsProblem,
  keptLine,
  restoreConnections,
  switchConnections,
} from '../../../ops/migrate/connections-file.js';

const BEFORE = 'TELEGRAM_DATABASE_URL=postgresql://app:secret@old/shared';

describe('the env file of the applications', () => {
  let folder: string;
  let file: string;
  let kept: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'connections-'));
    file = join(folder, 'application.env');
    kept = join(folder, 'connections.before');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('O6 that is missing, has no such line or cannot be written is told before the switch', () => {
    expect(connectionsProblem(file)).toBe(`telegram:source.connectionsFile: there is no ${file}`);
    writeFileSync(file, 'OTHER=1\n');
    expect(connectionsProblem(file)).toMatch(/has no line TELEGRAM_DATABASE_URL=…$/);
    expect(connectionsProblem(folder)).toMatch(/^telegram:source\.connectionsFile: .*EISDIR/);
    writeFileSync(file, `${BEFORE}\nOTHER=1\n`);
    expect(connectionsProblem(file)).toBeNull();
    // Root may write everywhere.
    if (process.getuid?.() === 0) return;
    chmodSync(file, 0o400);
    expect(connectionsProblem(file)).toMatch(/^telegram:source\.connectionsFile: .*EACCES/);
  });

  it('O7 keeps the line of before, of the first switch, for the owner alone, and takes it back', () => {
    expect(() => keptLine(kept)).toThrow(/^there is no .*connections\.before/);
    writeFileSync(file, `${BEFORE}\nOTHER=1\n`);
    chmodSync(file, 0o640);
    switchConnections(file, 'postgresql://new', kept);
    switchConnections(file, 'postgresql://new', kept);
    expect(readFileSync(file, 'utf8')).toBe('TELEGRAM_DATABASE_URL=postgresql://new\nOTHER=1\n');
    expect(statSync(kept).mode & 0o777).toBe(0o600);
    restoreConnections(file, keptLine(kept));
    expect(readFileSync(file, 'utf8')).toBe(`${BEFORE}\nOTHER=1\n`);
    expect(statSync(file).mode & 0o777).toBe(0o640);
  });
});
