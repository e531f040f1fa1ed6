import type { Client } from 'pg';
import { UserError } from '../../stack/errors.js';
import type { StackOptions } from '../context.js';
import { duration, print, printJson, say } from '../output.js';
import { holdingTarget, onTarget, readingSource } from './databases.js';
import { Journal } from './journal.js';
import { planLines, planOf, type Plan } from './plan.js';
import { preflight, type Preflight } from './preflight.js';
import { reportText, type Report } from './report.js';
import { runMigration } from './run.js';
import { endsOf, type Ends } from './settings.js';
import { dumpDefinition, freeBytes } from './tools.js';

export interface MigrateOptions extends StackOptions {
  /** Only say what would happen. */
  readonly plan?: boolean;
  /** Keep refused rows apart instead of ending. */
  readonly setAside?: boolean;
  readonly json?: boolean;
}

const DAY_MS = 24 * 60 * 60_000;

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
  const { report, already } = await holdingTarget(ends.target, (target) => moveInto(target, ends, options));
  if (options.json) printJson(report);
  else print(reportText(report));
  say(
    already
      ? `✔ nothing to do: this stack has been migrated into`
      : `✔ migrated in ${duration(Date.now() - started)}; report: ${ends.folder}/report.md`,
  );
}

/** What would happen; both sides are only read. */
export async function readPlan(ends: Ends): Promise<Plan> {
  return readingSource(ends.source, (source) =>
    onTarget(ends.target, async (target) => {
      const journal = await Journal.read(target);
      await journal.mustFit(ends.name);
      return planOf(await look(ends, source, journal), journal, ends.name);
    }),
  );
}

async function moveInto(
  target: Client,
  ends: Ends,
  options: MigrateOptions,
): Promise<{ report: Report; already: boolean }> {
  const before = await Journal.read(target);
  await before.mustFit(ends.name);
  if (before.done('reported'))
    return { report: { source: ends.name, seconds: 0, steps: Object.fromEntries(before.steps) }, already: true };
  return readingSource(ends.source, async (source) => {
    const found = await look(ends, source, before);
    if (found.problems.length > 0) throw inTheWay(found.problems);
    const journal = await Journal.open(target, ends.name, outcomesSince(ends.retention.outcomesDays));
    const report = await runMigration({
      source,
      target,
      journal,
      schema: ends.source.schema,
      setAside: options.setAside ?? false,
      old: ends.old,
      fresh: ends.fresh,
      session: { name: ends.config.session, account: found.account },
      folder: ends.folder,
      definition: () => dumpDefinition(ends),
      connections: ends.connections,
      say,
      onStep: (step) => {
        say(`• ${step}`);
      },
    });
    return { report, already: false };
  });
}

function look(ends: Ends, source: Client, journal: Journal): Promise<Preflight> {
  const { old, fresh, config, retention } = ends;
  return preflight({
    source,
    journal,
    schema: ends.source.schema,
    old,
    fresh,
    sessionName: config.session,
    retention,
    freeBytes: () => freeBytes(ends),
  });
}

/** What retention would forget within a day need not be brought; the time is fixed once, so that a resumed run compares alike. */
function outcomesSince(days: number): string {
  return days === 0 ? '1970-01-01T00:00:00.000Z' : new Date(Date.now() - (days - 1) * DAY_MS).toISOString();
}

function inTheWay(problems: readonly string[]): UserError {
  return new UserError('MIGRATE_PREFLIGHT', `${String(problems.length)} thing(s) stand in the way`, {
    details: problems,
  });
}
