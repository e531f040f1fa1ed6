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

/** A command line, with a remark behind the first `;`; or a key of the configuration, its file, and the command that applies it. */
const TYPED = [
  /^(npm (run|ci)|docker|ssh|sudo|git) ?[^;`]*(; .+)?$/,
  /^(raise|set) telegram:\S+ (to \S+ )?in \S+, then `npm run up`$/,
];

/** The rows that a test has shown red, each with a fix that a person can type. */
export class ShownRed {
  readonly #rows = new Set<string>();

  get names(): string[] {
    return [...this.#rows].sort();
  }

  /** A red row of an examination; throws where it is green, or its fix is no command. */
  of({ red, report }: Examination, name: string): Row & { readonly fix: string } {
    const row = red[name];
    if (!row) throw new Error(`the row "${name}" is not red: ${JSON.stringify(report.checks)}`);
    return this.note(row);
  }

  note<T extends Pick<Row, 'name' | 'fix'>>(row: T): T & { readonly fix: string } {
    const { name, fix } = row;
    if (fix === null || !TYPED.some((form) => form.test(fix)))
      throw new Error(`"${name}" has no command: ${String(fix)}`);
    this.#rows.add(name);
    return { ...row, fix };
  }
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
