import type { Preflight } from './preflight.js';
import { STEPS, type Journal } from './journal.js';

/** Rows a second that one copying connection brought over on two busy cores (docs/guides/migration.md has the figures). */
const ROWS_PER_SECOND = 8_000;
/** Rows a second that are read and compared. */
const COMPARED_PER_SECOND = 50_000;

/** What `migrate` would do. */
export interface Plan extends Preflight {
  readonly source: string;
  /** Of the steps, those that are done. */
  readonly done: readonly string[];
  readonly estimatedMinutes: number;
  /** Of those, without a gateway. */
  readonly estimatedDownMinutes: number;
  readonly refusedRows: number;
}

export function planOf(found: Preflight, journal: Journal, source: string): Plan {
  const messages = found.rows['messages'] ?? 0;
  const minutes = (seconds: number) => Math.max(1, Math.ceil(seconds / 60));
  const compared = messages / COMPARED_PER_SECOND;
  return {
    ...found,
    source,
    done: STEPS.filter((step) => journal.done(step)),
    estimatedMinutes: minutes(messages / ROWS_PER_SECOND + 4 * compared),
    estimatedDownMinutes: minutes(3 * compared + 30),
    refusedRows: Object.values(found.refused).reduce((sum, rows) => sum + rows, 0),
  };
}

/** The plan for a person. */
export function planLines(plan: Plan): string[] {
  const { rows, refused, problems, leftBehind, done } = plan;
  const list = (values: Readonly<Record<string, number>>) =>
    Object.entries(values)
      .map(([name, count]) => `${name} ${String(count)}`)
      .join(', ');
  return [
    `source        ${plan.source}, PostgreSQL ${plan.serverVersion}`,
    `rows          ${list(rows)}; ${String(plan.channels)} channels hold messages`,
    `size          ${String(Math.ceil(plan.bytes / 2 ** 20))} MiB`,
    `unfinished    ${String(plan.unfinished)} messages become work of the default group`,
    `old gateway   ${plan.oldRunning ? 'runs' : 'does not run'}; account ${plan.account ?? 'not recorded'}`,
    `refused       ${plan.refusedRows === 0 ? 'none' : list(refused)}; repeated messages show when copying`,
    ...(leftBehind.length > 0 ? [`left behind   tables ${leftBehind.join(', ')}`] : []),
    ...(done.length > 0 ? [`done          ${done.join(', ')}`] : []),
    `time          about ${String(plan.estimatedMinutes)} min, of which ${String(plan.estimatedDownMinutes)} min without a gateway`,
    ...problems.map((problem) => `✖ ${problem}`),
  ];
}
