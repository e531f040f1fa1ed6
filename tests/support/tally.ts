import { existsSync, readFileSync } from 'node:fs';

/** What one level of the tests came to. */
export interface Tally {
  readonly level: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
  /** Full names of the tests that passed at the second try only. */
  readonly retried: readonly string[];
}

interface JestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numRuntimeErrorTestSuites: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly invocations?: number;
    }[];
  }[];
}

/** Reads Jest's own JSON report; a report that is missing counts as a failure. */
export function tallyOf(level: string, report: string, exitCode: number, seconds: number): Tally {
  if (!existsSync(report)) return { level, passed: 0, failed: 1, skipped: 0, seconds, retried: [] };
  const json = JSON.parse(readFileSync(report, 'utf8')) as JestReport;
  const broken = json.numRuntimeErrorTestSuites;
  const failed = json.numFailedTests + broken;
  return {
    level,
    passed: json.numPassedTests,
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: json.numPendingTests,
    seconds,
    retried: json.testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(({ status, invocations }) => status === 'passed' && (invocations ?? 1) > 1)
      .map(({ fullName }) => fullName),
  };
}

/** The closing line that scripts read. */
export function closingLine(tallies: readonly Tally[]): string {
  const sum = (field: 'passed' | 'failed' | 'skipped') => tallies.reduce((total, tally) => total + tally[field], 0);
  return `${String(sum('passed'))} passed, ${String(sum('failed'))} failed, ${String(sum('skipped'))} skipped`;
}
