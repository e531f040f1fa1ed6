import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT } from '../../ops/stack-folder.js';

/** Folders of which the tests run every line. Only their files are instrumented, so it costs next to nothing. */
const COVERED = ['runtime/cache', 'runtime/queue'] as const;
/** Levels that run them in their own process. */
const LEVELS = ['unit', 'services'] as const;

type Level = (typeof LEVELS)[number];

interface FileReport {
  readonly statementMap: Readonly<Record<string, { readonly start: { readonly line: number } }>>;
  /** How often each statement was run. */
  readonly s: Readonly<Record<string, number>>;
}

const folder = (level: Level) => join(ROOT, '.stack', 'reports', `coverage-${level}`);
const reportOf = (level: Level) => join(folder(level), 'coverage-final.json');

/** Whether a run of these levels (none: all) tells of every line. */
export function tellsOfLines(wanted: readonly string[]): boolean {
  return wanted.length === 0 || LEVELS.every((level) => wanted.includes(level));
}

/** For Jest, to write down what a level ran; nothing for a level that is not looked at. */
export function coverageArguments(name: string): readonly string[] {
  const level = LEVELS.find((one) => one === name);
  if (!level) return [];
  rmSync(folder(level), { recursive: true, force: true });
  return [
    ...['--coverage', '--coverageReporters=json', `--coverageDirectory=${folder(level)}`],
    ...COVERED.map((part) => `--collectCoverageFrom=${part}/**/*.ts`),
  ];
}

/** Lines that neither level ran, as `file:line`; a level that left no report is named instead. */
export function uncoveredLines(): readonly string[] {
  const missing = LEVELS.filter((level) => !existsSync(reportOf(level)));
  if (missing.length > 0) return missing.map((level) => `no report of level ${level}`);
  const runs = new Map<string, number>();
  for (const level of LEVELS) {
    const report = JSON.parse(readFileSync(reportOf(level), 'utf8')) as Record<string, FileReport>;
    for (const [path, { statementMap, s }] of Object.entries(report))
      for (const [id, count] of Object.entries(s)) {
        const line = `${relative(ROOT, path)}:${String(statementMap[id]?.start.line)}`;
        runs.set(line, (runs.get(line) ?? 0) + count);
      }
  }
  if (runs.size === 0) return ['no line was looked at'];
  return [...runs].flatMap(([line, count]) => (count === 0 ? [line] : [])).sort();
}
