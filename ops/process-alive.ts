import { readFileSync } from 'node:fs';

/**
 * Whether a process of this machine is still at work; also one of somebody else. What has ended and waits for its parent to ask
 * (a zombie) is not: where process 1 never asks, as in some containers, it would hold for ever what it held.
 */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return !['Z', 'X'].includes(statOf(pid)?.[0] ?? '');
}

/** Fields of `/proc/PID/stat` from the third on, the state; undefined where there is no such file. */
export function statOf(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    // The name in the second field may hold spaces: count from its closing bracket.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
