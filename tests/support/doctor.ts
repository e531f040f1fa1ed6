import { spawnSync } from 'node:child_process';
import { ROOT } from '../../ops/stack-folder.js';
import { must, run, type CommandResult } from './test-stack.js';

export interface Row {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly fix: string | null;
}

export interface Report {
  readonly ok: boolean;
  readonly checks: readonly Row[];
}

export interface Examination {
  readonly code: number;
  readonly report: Report;
  /** Rows that failed, by name. */
  readonly red: Readonly<Record<string, Row>>;
}

/** One call of `npm run doctor -- --json`. */
export function examine(args: readonly string[] = [], env: Record<string, string> = {}): Examination {
  return read(run('doctor', ['--json', ...args], env));
}

export function read({ code, stdout, stderr }: CommandResult): Examination {
  if (stdout === '') throw new Error(`the doctor said nothing: ${stderr}`);
  const report = JSON.parse(stdout) as Report;
  const red = Object.fromEntries(report.checks.filter(({ ok }) => !ok).map((row) => [row.name, row]));
  return { code, report, red };
}

/** Does what a person would do who reads the fix: the command before the first `;`, as it is printed. */
export function follow(fix: string, cwd = ROOT): void {
  const [command = ''] = fix.split(';');
  if (command === 'npm run up') {
    must('up');
    return;
  }
  const { status, stderr } = spawnSync('sh', ['-c', command], { cwd, encoding: 'utf8', timeout: 180_000 });
  if (status !== 0) throw new Error(`\`${command}\` ended with ${String(status)}: ${stderr}`);
}
