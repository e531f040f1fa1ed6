import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../ops/stack-folder.js';

const REQUIREMENTS = join(ROOT, 'tests', 'peers', 'requirements.txt');
const VENV = join(ROOT, '.stack', 'peers');
/** Longest that making it may take, in milliseconds. */
const BOUND_MS = 180_000;

/** A Python with Telethon in it, or why there is none. */
export type Python = { readonly path: string } | { readonly missing: string };

/**
 * Makes a virtual environment with the peers' packages under .stack, once for each list of packages. Python is no part of the
 * product: where there is none, or no package index, the tests that need it are skipped and say so.
 */
export function peerPython(): Python {
  const path = join(VENV, 'bin', 'python');
  const stamp = join(VENV, 'requirements.txt');
  const wanted = readFileSync(REQUIREMENTS, 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && existsSync(path)) return { path };
  rmSync(VENV, { recursive: true, force: true });
  const steps = [
    ['python3', '-m', 'venv', VENV],
    [path, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', REQUIREMENTS],
  ];
  for (const [command = '', ...args] of steps) {
    const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: BOUND_MS });
    if (status === 0) continue;
    const why = error?.message ?? stderr.trim().split('\n').at(-1) ?? 'no reason given';
    return { missing: `${command} ${args.slice(0, 2).join(' ')}: ${why}` };
  }
  writeFileSync(stamp, wanted);
  return { path };
}
