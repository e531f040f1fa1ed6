/**
 * What the Pulumi CLI said, as the error that a person needs: its own exit code says nothing, and what matters stands somewhere
 * among a hundred lines. Pure; the texts are those of the CLI 3.260.0, and what is not recognised stays a `RESOURCE_FAILED`.
 */
import { buildCommand } from '../../components/image-names.js';
import { RUNTIME_ERRORS, RuntimeError, type RuntimeErrorCode } from '../../runtime/errors.js';
import { STACK_ERRORS, UserError, type StackErrorCode } from '../../stack/errors.js';

/** Last lines of a command that are worth a look. */
const LAST_LINES = 8;

export function explainPulumi(command: string, code: number, raw: string): UserError | RuntimeError {
  const output = raw.replace(/\x1b\[[0-9;]*m/g, '');
  const failure = `\`pulumi ${command}\` ended with code ${String(code)}`;
  return (
    refusedByProgram(output) ??
    toolError(output.split('\n')) ??
    knownCause(failure, output) ??
    new UserError('RESOURCE_FAILED', resourceFailures(output) ?? failure, {
      details: [...lastErrors(output), ...buildHint(output)],
    })
  );
}

/** The program's own refusal, which the CLI shows among its diagnostics. */
function refusedByProgram(output: string): UserError | undefined {
  const found = /✖ ([A-Z_]+) (?<message>[^]*?)\n(?: +why: {2}(?<why>.*)\n)? +fix: {2}(?<fix>.*)\n/.exec(output);
  const [, code = ''] = found ?? [];
  if (!found?.groups || !Object.hasOwn(STACK_ERRORS, code)) return undefined;
  const { message = '', why, fix = '' } = found.groups;
  // The CLI indents what follows the first line.
  const text = message.replaceAll('\n    ', '\n').trimEnd();
  return new UserError(code as StackErrorCode, text, { fix, ...(why && { why }) });
}

/** The last line of a failed tool of the runtime: `{code, message, fix}`; undefined where there is none. */
export function toolError(lines: readonly string[]): RuntimeError | undefined {
  for (const line of lines) {
    const [text] = /\{"code":"[A-Z_]+","message":.*\}/.exec(line) ?? [];
    if (text === undefined) continue;
    const { code, message } = JSON.parse(text) as { code: string; message: string };
    if (Object.hasOwn(RUNTIME_ERRORS, code)) return new RuntimeError(code as RuntimeErrorCode, message);
  }
  return undefined;
}

/** Whether a text says that a disk has no room left. */
export function saysDiskFull(text: string): boolean {
  return /no space left on device|ENOSPC|disk quota exceeded|EDQUOT/i.test(text);
}

function knownCause(failure: string, output: string): UserError | undefined {
  const line = (pattern: RegExp) =>
    output
      .split('\n')
      .find((text) => pattern.test(text))
      ?.trim();
  const passphrase = line(/incorrect passphrase/);
  if (passphrase) return new UserError('PASSPHRASE_WRONG', failure, { why: passphrase });
  const locked = line(/stack is currently locked by/);
  if (locked) return new UserError('LOCKED', failure, { why: locked });
  if (saysDiskFull(output))
    return new UserError('DISK_FULL', failure, { why: line(/no space left|ENOSPC|quota/i) ?? '' });
  return undefined;
}

/** Which resources failed: the headings of the diagnostics, `docker:index:Container (telegram-redis-master):`. */
function resourceFailures(output: string): string | undefined {
  const names = [...diagnostics(output).matchAll(/^ {2}(\S+) \((\S+)\):$/gm)]
    .filter(([, type]) => type !== 'pulumi:pulumi:Stack')
    .map(([, type = '', name = '']) => `${name} (${type})`);
  return names.length === 0 ? undefined : `${[...new Set(names)].join(', ')} failed`;
}

/** Their first words, each once. */
function lastErrors(output: string): string[] {
  const lines = diagnostics(output)
    .split('\n')
    .map((text) => text.trim().replace(PROVIDER_NOISE, ''))
    .filter(
      (text) => text.startsWith('error: ') && !/^error: (update failed|preview failed|\d+ errors? occurred)/.test(text),
    );
  return [...new Set(lines)].slice(0, LAST_LINES);
}

/** Where in its own source the provider was, and which one it is. */
const PROVIDER_NOISE = /(?<=^error:) +sdk-v2\/provider2\.go:\d+: sdk\.helper_schema:|: provider=\w+@[\d.]+$/g;

function diagnostics(output: string): string {
  const start = output.lastIndexOf('\nDiagnostics:\n');
  return start < 0 ? '' : (output.slice(start).split('\nResources:\n')[0] ?? '');
}

/** How to see the whole of a build that failed: the CLI shows only the command at which it stopped. */
function buildHint(output: string): string[] {
  const [, service] =
    /^ {2}docker:index:RemoteImage \(image-([a-z-]+?)(?:-on-[a-z0-9-]+)?\):$/m.exec(diagnostics(output)) ?? [];
  return service ? [`the whole build: ${buildCommand(service)}`] : [];
}
