import { spawn, type ChildProcess } from 'node:child_process';
import { ROOT } from '../../ops/stack-folder.js';
import { waitFor } from './services.js';
import { testEnvironment } from './test-stack.js';

/** Longest wait for anything that a command shows, in milliseconds. */
const BOUND_MS = 180_000;
const children: ChildProcess[] = [];

/** One of the project's commands, with its stdin in our hands; `terminal` gives it one of its own. */
export function typing(args: readonly string[], terminal = false, env: Record<string, string> = {}) {
  const words = [process.execPath, '--import', 'tsx', 'ops/cli.ts', ...args];
  const [command = '', ...rest] = terminal ? ['script', '-qefc', words.join(' '), '/dev/null'] : words;
  const child = spawn(command, rest, {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1', ...testEnvironment(), ...env },
  });
  children.push(child);
  const seen = { out: '', err: '', code: null as number | null };
  child.stdout.on('data', (chunk: Buffer) => (seen.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (seen.err += chunk.toString()));
  child.on('close', (code) => (seen.code = code ?? -1));
  const all = () => seen.out + seen.err;
  return {
    seen,
    type: (text: string) => child.stdin.write(text),
    end: () => child.stdin.end(),
    shows: (text: string) => waitFor(`"${text}" is shown`, () => Promise.resolve(all().includes(text)), BOUND_MS),
    ended: () => waitFor(`the end of ${args.join(' ')}`, () => Promise.resolve(seen.code !== null), BOUND_MS),
  };
}

/** Whatever a failed test left waiting. */
export function endAll(): void {
  for (const child of children) child.kill('SIGKILL');
}
