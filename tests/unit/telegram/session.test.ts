import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSession, writeSession } from '../../../runtime/telegram/session.js';
import { lockSession } from '../../../runtime/telegram/session-lock.js';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'session-'));
  path = join(folder, 'default.session');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('session file', () => {
  it('S2 is written with mode 0600 and read back, leaving nothing else behind', async () => {
    await writeSession(path, '1abc');
    await writeSession(path, '1def');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['default.session']);
    await expect(readSession(path)).resolves.toBe('1def');
  });

  it('S2 makes its folder, for its owner only', async () => {
    const nested = join(folder, '.session', 'default.session');
    await writeSession(nested, '1abc');
    expect(statSync(join(folder, '.session')).mode & 0o777).toBe(0o700);
  });

  it.each([0o640, 0o604, 0o644])('S2 is refused with mode %o', async (mode) => {
    writeFileSync(path, '1abc');
    chmodSync(path, mode);
    await expect(readSession(path)).rejects.toMatchObject({
      code: 'SESSION_INSECURE',
      message: `${path} has mode 0${mode.toString(8)}; expected 0600: others could use the session`,
    });
  });

  it('S5 is missing while there is no file, or an empty one', async () => {
    await expect(readSession(path)).resolves.toBeNull();
    writeFileSync(path, '\n', { mode: 0o600 });
    await expect(readSession(path)).resolves.toBeNull();
  });
});

describe('session lock', () => {
  it('S5 refuses a second gateway, and lets it in after the first one left', async () => {
    const lock = await lockSession(path);
    await expect(lockSession(path)).rejects.toMatchObject({ code: 'SESSION_IN_USE', exitCode: 66 });
    await lock.release();
    expect(existsSync(`${path}.lock`)).toBe(false);
    await (await lockSession(path)).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('S5 names the process that holds it', async () => {
    const lock = await lockSession(path);
    await expect(lockSession(path)).rejects.toThrow(`is in use by process ${String(process.pid)}`);
    await lock.release();
  });

  it('S5 takes over the lock of a process that died', async () => {
    await withLockOf({ pid: await deadPid() });
    const lock = await lockSession(path);
    expect(JSON.parse(readFileSync(`${path}.lock`, 'utf8'))).toMatchObject({ pid: process.pid });
    await lock.release();
  });

  it('S5 a holder that /proc does not show holds it all the same', async () => {
    const lock = await lockSession(path);
    const mine = JSON.parse(readFileSync(`${path}.lock`, 'utf8')) as object;
    writeFileSync(`${path}.lock`, JSON.stringify({ ...mine, pid: 2 ** 22 + 1 }));
    await expect(lockSession(path)).rejects.toMatchObject({ code: 'SESSION_IN_USE' });
    writeFileSync(`${path}.lock`, JSON.stringify(mine));
    await lock.release();
  });

  it.each([
    ['an earlier boot', { bootId: 'before' }],
    ['an earlier process of the same pid', { startTime: '1' }],
    ['a container that was replaced', { pidNamespace: 'pid:[1]' }],
  ])('S5 takes over the lock of %s', async (_who, differs) => {
    await withLockOf(differs);
    await (await lockSession(path)).release();
  });

  it('S5 takes over a lock that cannot be read', async () => {
    writeFileSync(`${path}.lock`, '');
    await (await lockSession(path)).release();
  });

  it('S5 lets one of many in, again and again', async () => {
    for (let round = 0; round < 5; round += 1) {
      await withLockOf({ pid: 2 ** 22 + 1 });
      const tries = await Promise.allSettled(Array.from({ length: 12 }, () => lockSession(path)));
      const holders = tries.filter((attempt) => attempt.status === 'fulfilled');
      expect(holders).toHaveLength(1);
      await holders[0]?.value.release();
    }
    expect(readdirSync(folder)).toEqual([]);
  }, 60_000);

  it('S5 locks different sessions independently', async () => {
    await Promise.all(['a', 'b', 'c'].map(async (name) => (await lockSession(join(folder, name))).release()));
    expect(readdirSync(folder)).toEqual([]);
  });

  it('S5 does not release what another process took over', async () => {
    const lock = await lockSession(path);
    const taken = JSON.stringify({ ...(JSON.parse(readFileSync(`${path}.lock`, 'utf8')) as object), token: 'another' });
    writeFileSync(`${path}.lock`, taken);
    await lock.release();
    expect(readFileSync(`${path}.lock`, 'utf8')).toBe(taken);
  });

  /** A lock of this process, but for what differs. */
  async function withLockOf(differs: Record<string, unknown>): Promise<void> {
    const lock = await lockSession(path);
    const mine = JSON.parse(readFileSync(`${path}.lock`, 'utf8')) as object;
    await lock.release();
    writeFileSync(`${path}.lock`, JSON.stringify({ ...mine, ...differs }));
  }

  async function deadPid(): Promise<number> {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    return child.pid ?? 0;
  }
});
