import type { StackOptions } from '../context.js';
import { duration, print, printJson, say } from '../output.js';
import { inTheWay, moveInto, readPlan } from './move.js';
import { planLines } from './plan.js';
import { reportText } from './report.js';
import { endsOf } from './settings.js';

export interface MigrateOptions extends StackOptions {
  /** Only say what would happen. */
  readonly plan?: boolean;
  /** Keep refused rows apart instead of ending. */
  readonly setAside?: boolean;
  readonly json?: boolean;
}

/** Moves the old layout into this stack, or says what that would do. */
export async function migrate(options: MigrateOptions): Promise<void> {
  const started = Date.now();
  const ends = await endsOf(options);
  if (options.plan) {
    const plan = await readPlan(ends);
    if (options.json) printJson(plan);
    else planLines(plan).forEach(print);
    if (plan.problems.length > 0) throw inTheWay(plan.problems);
    say('next: npm run migrate');
    return;
  }
  const { report, already } = await moveInto(ends, {
    setAside: options.setAside ?? false,
    say,
    onStep: (step) => {
      say(`• ${step}`);
    },
  });
  if (options.json) printJson(report);
  else print(reportText(report));
  say(
    already
      ? `✔ nothing to do: this stack has been migrated into`
      : `✔ migrated in ${duration(Date.now() - started)}; report: ${ends.folder}/report.md`,
  );
}
