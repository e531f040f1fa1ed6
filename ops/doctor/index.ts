import { UserError } from '../../stack/errors.js';
import { green, print, printJson, red } from '../output.js';
import { runningStack, type StackOptions } from '../context.js';
import { accounts } from './accounts.js';
import { backup } from './backup.js';
import { perform, type Check, type CheckResult } from './check.js';
import { databaseChecks } from './database.js';
import { gatewayChecks } from './gateway.js';
import { hostChecks } from './host.js';
import { monitoring } from './monitoring.js';
import { rabbitmq } from './rabbitmq.js';
import { redis } from './redis.js';

export interface DoctorOptions extends StackOptions {
  readonly json?: boolean;
  /** Least free disk on the Docker host, in MiB. @default '1024' */
  readonly diskFloor: string;
}

/** All that is looked at; `diskFloorMb` is the least free disk of the Docker host, in MiB. */
export const checksOf = (diskFloorMb: number): readonly Check[] => [
  ...hostChecks(diskFloorMb),
  ...databaseChecks,
  redis,
  rabbitmq,
  ...gatewayChecks,
  accounts,
  monitoring,
  backup,
];

/** Looks at every part and says what is wrong and which command mends it; exit 1 on a failure. */
export async function doctor(options: DoctorOptions): Promise<void> {
  const floor = Number(options.diskFloor);
  if (!(floor >= 0)) throw new UserError('USAGE', '--disk-floor: expected a number of MiB');
  const stack = await runningStack(options);
  const checks = await Promise.all(checksOf(floor).map(async (check) => perform(check, stack)));
  const ok = checks.every((check) => check.ok);
  if (options.json) printJson({ ok, checks });
  else checks.forEach(show);
  if (!ok) process.exitCode = 1;
}

function show({ name, ok, detail, fix }: CheckResult): void {
  print(`${ok ? green('PASS') : red('FAIL')}  ${name.padEnd(16)} ${detail}`);
  if (fix) print(`      ${''.padEnd(16)} fix: ${fix}`);
}
