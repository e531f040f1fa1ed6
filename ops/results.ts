import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { say } from './output.js';
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

/** Leaves a file in bench/results/: a text as it is, anything else as JSON. */
export function keepResult(name: string, content: string | object): void {
  const folder = join(ROOT, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const text = typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`;
  writeFileSync(join(folder, name), text);
  say(`• bench/results/${name}`);
}
