import { spawn } from 'node:child_process';
import { ROOT } from '../stack-folder.js';

/** What one of the project's commands came to. */
export interface Told {
  readonly code: number;
  /** What ended it, where it did not end by itself: the bound below, or a person. */
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type Command = (name: string, args?: readonly string[]) => Promise<Told>;

/** Longest that one command may take, in milliseconds; a first `up` builds or pulls every image. */
const BOUND_MS = 20 * 60_000;

/** Runs the project's commands as a person would, each in a process of its own; what they tell on stderr is shown as it comes. */
export function commandRunner(env: Readonly<Record<string, string>>, optionsOfUp: readonly string[]): Command {
  return async (name, args = []) => {
    const words = ['--import', 'tsx', 'ops/cli.ts', name, ...args, ...(name === 'up' ? optionsOfUp : [])];
    const child = spawn(process.execPath, words, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: BOUND_MS,
      env: { ...process.env, ...env },
    });
    const told = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (told.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      told.stderr += text;
      process.stderr.write(text);
    });
    return new Promise((resolve, reject) => {
      child.on('error', reject).on('close', (code, signal) => {
        resolve({ code: code ?? 1, signal, ...told });
      });
    });
  };
}
