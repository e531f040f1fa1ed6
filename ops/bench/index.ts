import { FULL, QUICK } from '../../bench/rates/engines.js';
import { benchChart, benchTable } from '../../bench/rates/report.js';
import { runBench } from '../../bench/rates/run.js';
import { UserError } from '../../stack/errors.js';
import { runningStack, type StackOptions } from '../context.js';
import { interruption } from '../interrupt.js';
import { print, printJson, report, say } from '../output.js';
import { keepResult, thisMachine } from '../results.js';
import { withEngines } from './engines.js';

export interface BenchOptions extends StackOptions {
  readonly quick?: boolean;
  readonly json?: boolean;
}

/** Measures on the engines of a running stack; prints a table, or JSON, and leaves both and a chart in bench/results/. */
export async function bench(options: BenchOptions): Promise<void> {
  const stack = await runningStack(options);
  if (stack.outputs.environment === 'production') throw new UserError('USAGE', 'bench is not for a production stack');
  const machine = thisMachine();
  if (machine.loadBefore > machine.cpus / 2)
    say(`! the machine is busy (load ${String(machine.loadBefore)}): the figures will be those of what is left of it`);
  const size = options.quick ? QUICK : FULL;
  const signal = interruption('the bench');
  const measured = await withEngines(stack, (engines) => runBench(engines, size, say), signal).catch(
    (error: unknown) => {
      if (!signal.aborted) throw error;
      // What was being measured waits for engines that are gone: it ends with the process.
      process.exit(report(signal.reason));
    },
  );
  const result = { machine, ...measured };
  if (options.json) printJson(result);
  else print(benchTable(result));
  const name = options.quick ? 'rates-quick' : 'rates';
  keepResult(`${name}.json`, result);
  keepResult(`${name}.svg`, benchChart(result));
}
