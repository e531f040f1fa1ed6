import type { StackOptions } from '../context.js';
import { say } from '../output.js';
import { parseStackFile } from '../../stack/config.js';
import type { Engine } from '../engines/engine.js';
import { onTarget } from './databases.js';
import { Journal } from './journal.js';
import { readPlan } from './move.js';
import { planLines } from './plan.js';
import { endsOf } from './settings.js';

/**
 * The last part of `up` where the configuration names a source that was not migrated yet: the plan, and the command that does
 * it. It is not begun by itself, because it ends with a time without a gateway, which a person should choose; and a source that
 * does not answer must not fail an `up`.
 */
export async function showMigration(engine: Engine, options: StackOptions): Promise<void> {
  if (!parseStackFile(await engine.config()).source) return;
  try {
    const ends = await endsOf(options);
    const journal = await onTarget(ends.target, (target) => Journal.read(target));
    if (journal.done('rolled-back')) {
      say('• migration: rolled back; the old gateway is in charge');
    } else if (journal.done('reported')) {
      say(`• migration: done, from ${ends.name}`);
    } else {
      say(`• migration: ${journal.done('begun') ? 'begun and not finished' : 'not begun'}; what it would do:`);
      for (const line of planLines(await readPlan(ends))) say(`  ${line}`);
      say('! next: npm run migrate');
    }
  } catch (error) {
    say(`! migration: ${error instanceof Error ? error.message : String(error)}; see \`npm run migrate -- --plan\``);
  }
}
