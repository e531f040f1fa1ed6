import { green, print, printJson, red } from '../output.js';
import { runningStack, type StackOptions } from '../context.js';
import { perform, type Check, type CheckResult } from './check.js';
import { dataChecks } from './data.js';
import { gatewayChecks } from './gateway.js';
import { hostChecks } from './host.js';

const CHECKS: readonly Check[] = [...hostChecks, ...dataChecks, ...gatewayChecks];

/** Looks at every part and says what is wrong and which command mends it; exit 1 on a failure. */
export async function doctor(options: StackOptions & { readonly json?: boolean }): Promise<void> {
  const stack = await runningStack(options);
  const checks = await Promise.all(CHECKS.map(async (check) => perform(check, stack)));
  const ok = checks.every((check) => check.ok);
  if (options.json) printJson({ ok, checks });
  else checks.forEach(show);
  if (!ok) process.exitCode = 1;
}

function show({ name, ok, detail, fix }: CheckResult): void {
  print(`${ok ? green('PASS') : red('FAIL')}  ${name.padEnd(16)} ${detail}`);
  if (fix) print(`      ${''.padEnd(16)} fix: ${fix}`);
}
