import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { FULL, QUICK } from '../../bench/rates/engines.js';
import { benchChart, benchTable } from '../../bench/rates/report.js';
import { runBench } from '../../bench/rates/run.js';
import { UserError } from '../../stack/errors.js';
import { runningStack, type StackOptions } from '../context.js';
import { print, printJson, say } from '../output.js';
import { ROOT } from '../stack-folder.js';
import { withEngines } from './engines.js';

export interface BenchOptions extends StackOptions {
  readonly quick?: boolean;
  readonly json?: boolean;
}

/** Measures on the engines of a running stack; prints a table, or JSON, and leaves both and a chart in bench/results/. */
export async function bench(options: BenchOptions): Promise<void> {
  const stack = await runningStack(options);
  if (stack.outputs.environment === 'production') throw new UserError('USAGE', 'bench is not for a production stack');
  const [load = 0] = loadavg();
  if (load > availableParallelism() / 2)
    say(`! the machine is busy (load ${load.toFixed(1)}): the figures will be those of what is left of it`);
  const size = options.quick ? QUICK : FULL;
  const result = await withEngines(stack, (engines) => runBench(engines, size, say));
  const folder = join(ROOT, 'bench', 'results');
  const name = options.quick ? 'rates-quick' : 'rates';
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify({ loadBefore: load, ...result }, null, 2)}\n`);
  writeFileSync(join(folder, `${name}.svg`), benchChart(result));
  if (options.json) printJson(result);
  else print(benchTable(result));
  say(`✔ bench/results/${name}.json, ${name}.svg`);
}
