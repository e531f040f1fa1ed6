import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockState } from '../../../ops/engine/lock.js';

describe('O10 lock of the embedded engine', () => {
  let stateDir: string;
  const held = (fields: object): void => {
    const holder = { pid: 1, started: '', host: hostname(), who: 'someone', when: '2026-01-01', why: 'up', ...fields };
    writeFileSync(join(stateDir, 'engine.lock'), JSON.stringify(holder));
  };

  beforeEach(() => {
    stateDir = mkdtempSync(join(tmpdir(), 'engine-lock-'));
  });
  afterEach(() => {
    rmSync(stateDir, { recursive: true, force: true });
  });

  it('refuses a second run and says who holds it, since when and why', () => {
    const release = lockState(stateDir, 'destroy');
    expect(() => lockState(stateDir, 'up')).toThrow(
      new RegExp(`destroy by .+, process ${String(process.pid)}, since 20`),
    );
    release();
    lockState(stateDir, 'up')();
    expect(readdirSync(stateDir)).toEqual([]);
  });

  it('takes over the lock of a process that is dead', () => {
    const { pid } = spawnSync('true');
    held({ pid });
    const release = lockState(stateDir, 'up');
    expect(JSON.parse(readFileSync(join(stateDir, 'engine.lock'), 'utf8'))).toMatchObject({ pid: process.pid });
    release();
    expect(readdirSync(stateDir)).toEqual([]);
  });

  it('takes over the lock of a process whose id now belongs to another one', () => {
    held({ pid: process.pid, started: '1' });
    expect(() => {
      lockState(stateDir, 'up')();
    }).not.toThrow();
  });

  it('never takes over a lock from another machine', () => {
    held({ host: 'elsewhere', pid: 4_000_000 });
    expect(() => lockState(stateDir, 'up')).toThrow('on elsewhere');
  });

  it('takes over a lock file that says nothing', () => {
    writeFileSync(join(stateDir, 'engine.lock'), '');
    expect(() => {
      lockState(stateDir, 'up')();
    }).not.toThrow();
  });

  it('gives back only its own lock', () => {
    const release = lockState(stateDir, 'up');
    held({ pid: 4_000_000 });
    release();
    expect(readdirSync(stateDir)).toEqual(['engine.lock']);
  });
});
