import { UserError } from '../../stack/errors.js';
import type { StackOptions } from '../context.js';
import { printJson, say } from '../output.js';
import { goBack, type BackKind, type BackReport } from './back.js';
import { holdingTarget } from './databases.js';
import { Journal } from './journal.js';
import { endsOf, type Ends } from './settings.js';

export interface MigrationRollbackOptions extends StackOptions {
  readonly migration: string;
  readonly json?: boolean;
}

/** `npm run rollback -- --migration quick|full`. */
export async function rollbackMigration(options: MigrationRollbackOptions): Promise<void> {
  const kind = kindOf(options.migration);
  const ends = await endsOf(options);
  const report = await moveBack(ends, kind, say);
  if (options.json) printJson(report);
  say(`✔ rolled back (${kind}) in ${String(report.seconds)} s`);
  if (kind === 'quick')
    say('  what came since the switch is still here: `npm run rollback -- --migration full` carries it back');
}

/** One at a time, and not beside a migration. */
export async function moveBack(ends: Ends, kind: BackKind, tell: (line: string) => void): Promise<BackReport> {
  return holdingTarget(ends.target, async (target) =>
    goBack({
      kind,
      source: ends.source,
      target,
      journal: await Journal.read(target),
      old: ends.old,
      fresh: ends.fresh,
      sessionName: ends.config.session,
      connectionsFile: ends.connections?.file ?? null,
      say: tell,
    }),
  );
}

function kindOf(text: string): BackKind {
  if (text === 'quick' || text === 'full') return text;
  throw new UserError('USAGE', `--migration: expected quick or full, got "${text}"`);
}
