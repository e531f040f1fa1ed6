import { inspect } from 'node:util';
import { UserError } from '../stack/errors.js';
import { RuntimeError } from '../runtime/errors.js';
import { EngineError } from './engine/errors.js';
import { saysDiskFull } from './engines/explain.js';

const useColour = process.stderr.isTTY && !process.env['NO_COLOR'];

/** A progress line; never on stdout, which is for results. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A result. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

export function red(text: string): string {
  return useColour ? `\x1b[31m${text}\x1b[0m` : text;
}

export function green(text: string): string {
  return useColour ? `\x1b[32m${text}\x1b[0m` : text;
}

/** `83` → `1 min 23 s`. */
export function duration(ms: number): string {
  const total = ms / 1000;
  if (total < 59.95) return `${total.toFixed(1)} s`;
  const whole = Math.round(total);
  return `${String(Math.floor(whole / 60))} min ${String(whole % 60)} s`;
}

/** A disk without room fails whatever writes next, with a name of its own each time. */
function diskFull(thrown: unknown): UserError | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const details = thrown instanceof EngineError || thrown instanceof UserError ? thrown.details : [];
  const text = [thrown.message, ...details].find(saysDiskFull);
  if (text === undefined) return diskFull(thrown.cause);
  const { path } = thrown as NodeJS.ErrnoException;
  return new UserError('DISK_FULL', 'a disk has no room left', {
    cause: thrown,
    why: path ? `${text} (${path})` : text,
  });
}

/** Shows an error as a person should see it and returns the exit code. */
export function report(thrown: unknown): number {
  const error = diskFull(thrown) ?? thrown;
  if (error instanceof UserError) {
    say(red(error.lines.join('\n')));
    if (process.env['DEBUG'] && error.cause) say(inspect(error.cause));
    return error.exitCode;
  }
  if (error instanceof EngineError || error instanceof RuntimeError) {
    say(red(`✖ ${error.code} ${error.message}`));
    if (error instanceof EngineError)
      error.details.forEach((line) => {
        say(`    ${line}`);
      });
    say(`  fix:  ${error.fix}\n  docs: docs/errors.md#${error.code.toLowerCase()}`);
    return error.exitCode;
  }
  say(red(`✖ BUG ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`));
  say('  This is a defect of the project, please report it with the lines above.');
  return 70;
}
