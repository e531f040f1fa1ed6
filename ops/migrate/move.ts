import type { Client } from 'pg';
import { UserError } from '../../stack/errors.js';
import { holdingTarget, onTarget, readingSource } from './databases.js';
import { Journal } from './journal.js';
import { planOf, type Plan } from './plan.js';
import { preflight, type Preflight } from './preflight.js';
import type { Report } from './report.js';
import { runMigration, type RunArgs } from './run.js';
import type { Ends } from './settings.js';
import { canDump, dumpDefinition, freeBytes } from './tools.js';

const DAY_MS = 24 * 60 * 60_000;

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

/** The migration, or what is left of it; `already`: all of it was done before. One at a time. */
export async function moveInto(
  ends: Ends,
  how: Pick<RunArgs, 'setAside' | 'say' | 'onStep'>,
): Promise<{ readonly report: Report; readonly already: boolean }> {
  return holdingTarget(ends.target, async (target) => {
    const before = await Journal.read(target);
    await before.mustFit(ends.name);
    if (before.done('reported')) {
      const steps = Object.fromEntries(before.steps);
      return { report: { source: ends.name, seconds: 0, steps }, already: true };
    }
    return readingSource(ends.source, async (source) => {
      const found = await look(ends, source, before);
      if (found.problems.length > 0) throw inTheWay(found.problems);
      const journal = await Journal.open(target, ends.name, outcomesSince(ends.retention.outcomesDays));
      const report = await runMigration({
        ...how,
        source,
        target,
        journal,
        schema: ends.source.schema,
        old: ends.old,
        fresh: ends.fresh,
        session: { name: ends.config.session, account: found.account },
        folder: ends.folder,
        definition: () => dumpDefinition(ends),
        connections: ends.connections,
      });
      return { report, already: false };
    });
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
    connectionsFile: ends.connections?.file ?? null,
    freeBytes: () => freeBytes(ends),
    canDump: () => canDump(ends),
  });
}

/** What retention would forget within a day need not be brought; the time is fixed once, so that a resumed run compares alike. */
function outcomesSince(days: number): string {
  return days === 0 ? '1970-01-01T00:00:00.000Z' : new Date(Date.now() - (days - 1) * DAY_MS).toISOString();
}

/** Everything that was found, at once. */
export function inTheWay(problems: readonly string[]): UserError {
  return new UserError('MIGRATE_PREFLIGHT', `${String(problems.length)} thing(s) stand in the way`, {
    details: problems,
  });
}
