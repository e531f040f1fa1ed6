/**
 * `npm test`: everything that can run here, in the order of what depends on what. Says what it could not run and why, and
 * closes with `N passed, N failed, N skipped`. `npm test -- unit` runs the named levels alone.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { bootstrap } from '../ops/bootstrap.js';
import { buildRuntime } from '../ops/build.js';
import { report } from '../ops/output.js';
import { ROOT } from '../ops/stack-folder.js';
import { coverageArguments, tellsOfLines, uncoveredLines } from './support/coverage.js';
import { clearLeftovers } from './support/leftovers.js';
import { serviceEnvironment } from './support/service-access.js';
import { closingLine, tallyOf, type Tally } from './support/tally.js';
import { testEnvironment, writeTestConfig } from './support/test-stack.js';
import { startTslEngine } from './support/tsl-engine.js';

const REPORTS = join(ROOT, '.stack', 'reports');
const wanted = process.argv.slice(2);
const tallies: Tally[] = [];

/** Levels after the gates; the later ones need the stack that `stack-up` leaves. Minutes after which a level hangs. */
const LIMIT_MINUTES = { unit: 10, 'stack-up': 8, services: 18, stack: 52, 'stack-down': 3, cli: 35 } as const;
type Level = keyof typeof LIMIT_MINUTES;

function note(text: string): void {
  process.stderr.write(`\n── ${text}\n`);
}

/** A check that is a command of its own: passes or fails as a whole. */
function gate(name: string, command: string, args: readonly string[]): void {
  const started = Date.now();
  note(`gate: ${name}`);
  const { status } = spawnSync(command, [...args], { cwd: ROOT, stdio: ['ignore', 2, 2] });
  const ok = status === 0;
  tallies.push({
    level: name,
    passed: ok ? 1 : 0,
    failed: ok ? 0 : 1,
    skipped: 0,
    seconds: since(started),
    retried: [],
  });
}

/** One Jest project, one file after the other from the stack's levels on. */
function level(name: Level, environment: () => Record<string, string> = () => ({})): boolean {
  if (wanted.length > 0 && !wanted.includes(name)) return true;
  const started = Date.now();
  note(`level: ${name}`);
  const file = join(REPORTS, `${name}.json`);
  rmSync(file, { force: true });
  const own = settingsOf(name, environment);
  if (!own) return false;
  // Jest's own default leaves a processor free, which on two is every second one.
  const workers = `--maxWorkers=${String(Math.max(2, availableParallelism() - 1))}`;
  const parallel = name === 'unit' ? [workers] : ['--runInBand', '--forceExit'];
  const args = [
    '--selectProjects',
    name,
    '--passWithNoTests',
    '--json',
    `--outputFile=${file}`,
    ...parallel,
    ...coverageArguments(name),
  ];
  const { status, signal } = spawnSync(
    process.execPath,
    ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', ...args],
    {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 2],
      env: { ...process.env, ...testEnvironment(), ...own, NODE_NO_WARNINGS: '1' },
      timeout: LIMIT_MINUTES[name] * 60_000,
      killSignal: 'SIGKILL',
    },
  );
  if (signal) note(`${name}: ended after ${String(LIMIT_MINUTES[name])} minutes, the file that was running hangs`);
  const tally = tallyOf(name, file, status ?? 1, since(started));
  tallies.push(tally);
  return tally.failed === 0;
}

/** With a second database engine beside the stack's, where there is one. */
function services(): void {
  if (wanted.length > 0 && !wanted.includes('services')) return;
  const tsl = startTslEngine(note);
  try {
    level('services', () => ({ ...serviceEnvironment(), ...(tsl && { TEST_TSL_DATABASE_URL: tsl.url }) }));
  } finally {
    tsl?.stop();
  }
}

/** A check of what the levels have run. */
function lines(): void {
  if (!tellsOfLines(wanted)) return;
  const never = uncoveredLines();
  note(`gate: every line of cache and queue is run${never.map((place) => `\n   never run: ${place}`).join('')}`);
  const failed = never.length === 0 ? 0 : 1;
  tallies.push({ level: 'lines', passed: 1 - failed, failed, skipped: 0, seconds: 0, retried: [] });
}

/** What a level needs to know of the running stack; without it, the level counts as failed. */
function settingsOf(name: Level, environment: () => Record<string, string>): Record<string, string> | null {
  try {
    return environment();
  } catch (error) {
    note(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    tallies.push({ level: name, passed: 0, failed: 1, skipped: 0, seconds: 0, retried: [] });
    return null;
  }
}

const since = (started: number) => Math.round((Date.now() - started) / 1000);

async function main(): Promise<number> {
  mkdirSync(REPORTS, { recursive: true });
  if (wanted.length === 0) {
    gate('types', process.execPath, ['node_modules/typescript/bin/tsc', '--noEmit']);
    gate('lint', process.execPath, ['node_modules/eslint/bin/eslint.js', '.']);
    gate('format', process.execPath, ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.']);
    gate('generated files', process.execPath, ['--import', 'tsx', 'ops/cli.ts', 'generate', '--check']);
  }
  await bootstrap();
  if (wanted.length === 0 || wanted.includes('stack-up')) clear();
  writeTestConfig();
  buildRuntime();
  level('unit');
  const up = level('stack-up');
  if (up) {
    services();
    lines();
    level('stack');
  } else note('services and stack: not run, because the stack did not come up');
  level('stack-down');
  // With nothing left out, the stack of the other engine was there to be compared with.
  level('cli', () => (wanted.length === 0 && up ? { TEST_WHOLE_RUN: '1' } : {}));
  summary();
  return tallies.some(({ failed }) => failed > 0) ? 1 : 0;
}

/** A run that was cut off must not stand in the way of this one. */
function clear(): void {
  const left = clearLeftovers();
  if (left.length > 0) note(`removed what an earlier run left: ${left.join(', ')}`);
}

function summary(): void {
  process.stdout.write('\n');
  for (const { level: name, passed, failed, skipped, seconds } of tallies)
    process.stdout.write(
      `${name.padEnd(16)} ${String(passed)} passed, ${String(failed)} failed, ${String(skipped)} skipped in ${String(seconds)} s\n`,
    );
  for (const name of tallies.flatMap(({ retried }) => retried)) process.stdout.write(`at the second try: ${name}\n`);
  process.stdout.write(`${closingLine(tallies)}\n`);
}

void main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.exitCode = report(error);
  },
);
