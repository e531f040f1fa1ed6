import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../ops/stack-folder.js';

const REQUIREMENTS = join(ROOT, 'tests', 'peers', 'requirements.txt');
const VENV = join(ROOT, '.stack', 'peers');
/** Longest that making it may take, in milliseconds. */
const BOUND_MS = 180_000;

/** A Python with what was asked for in it, or why there is none. */
export type Python = { readonly path: string } | { readonly missing: string };

/** A Python with the other clients of Telegram in it. */
export const peerPython = (): Python => pythonWith(REQUIREMENTS, VENV);

/**
 * Makes a virtual environment with these packages, once for each list of them. Python is no part of the product: where there is
 * none, or no package index, the tests that need it are skipped and say so.
 */
export function pythonWith(requirements: string, venv: string): Python {
  const path = join(venv, 'bin', 'python');
  const stamp = join(venv, 'requirements.txt');
  const wanted = readFileSync(requirements, 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && existsSync(path)) return { path };
  rmSync(venv, { recursive: true, force: true });
  const steps = [
    ['python3', '-m', 'venv', venv],
    [path, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', requirements],
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
