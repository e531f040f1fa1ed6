import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import type { StackOptions } from './context.js';
import { print, printJson, say } from './output.js';
import { ROOT } from './stack-folder.js';

/** On what something was measured: a busy machine gives the figures of what is left of it. */
export interface Machine {
  readonly cpus: number;
  /** Processes that wanted a processor in the minute before the run. */
  readonly loadBefore: number;
}

export function thisMachine(): Machine {
  return { cpus: availableParallelism(), loadBefore: Number(loadavg()[0]?.toFixed(2)) };
}

/** Of what measures a stack at a steady rate. */
export interface MeasureOptions extends StackOptions {
  readonly rate: string;
  readonly json?: boolean;
  /** Leave it in bench/results/ too. */
  readonly report: boolean;
}

/** Shows what was measured, as JSON or by `table`, and leaves it under that name where it is wanted. */
export function tell<T extends object>(
  result: T,
  { json = false, report }: Pick<MeasureOptions, 'json' | 'report'>,
  { table, file }: { readonly table: (result: T) => string; readonly file: string },
): void {
  if (json) printJson(result);
  else print(table(result));
  if (report) keepResult(file, result);
}

/** Leaves a file in bench/results/: a text as it is, anything else as JSON. */
export function keepResult(name: string, content: string | object): void {
  const folder = join(ROOT, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const text = typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`;
  writeFileSync(join(folder, name), text);
  say(`• bench/results/${name}`);
}
