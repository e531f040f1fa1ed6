import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { isProcessAlive, statOf } from '../../../ops/process-alive.js';
import { waitFor } from '../../support/services.js';

describe('O10 a process that may hold a lock', () => {
  let parent: ChildProcess | undefined;
  afterEach(() => {
    parent?.kill('SIGKILL');
  });

  it('O10 is at work while it runs, whoever it belongs to, and not once it is gone', async () => {
    parent = spawn('sleep', ['60']);
    const { pid = 0 } = parent;
    expect([isProcessAlive(pid), isProcessAlive(1), isProcessAlive(process.pid)]).toEqual([true, true, true]);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    expect(isProcessAlive(pid)).toBe(false);
  });

  it('O10 is not at work when it has ended and its parent never asks', async () => {
    // `exec` makes the shell, which would ask, a `sleep`, which does not.
    parent = spawn('sh', ['-c', 'true & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [said] = (await once(parent.stdout ?? parent, 'data')) as [Buffer];
    const pid = Number(said.toString());
    await waitFor('a zombie', () => Promise.resolve(statOf(pid)?.[0] === 'Z'), 10_000);
    expect(isProcessAlive(pid)).toBe(false);
  });
});
