import { expect } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { inspectAll, must, TEST_STACK, TEST_STATE, type Inspected } from '../../support/test-stack.js';
import { typing } from '../../support/typing.js';

export const MINUTES = 60_000;

/** Beside the embedded engine's state: the two never share one. */
export const env = { TELEGRAM_STATE_DIR: join(TEST_STATE, 'pulumi') };

const CONFIG = join(env.TELEGRAM_STATE_DIR, TEST_STACK, `Pulumi.${TEST_STACK}.yaml`);
let applied: string | undefined;

/** Changes keys of the stack's working configuration, until `restoreConfig`. */
export function changeConfig(changes: Readonly<Record<string, unknown>>): void {
  applied ??= readFileSync(CONFIG, 'utf8');
  const document = parseDocument(applied);
  for (const [key, value] of Object.entries(changes)) document.setIn(['config', ...key.split('.')], value);
  writeFileSync(CONFIG, document.toString());
}

export function restoreConfig(): void {
  if (applied !== undefined) writeFileSync(CONFIG, applied);
  applied = undefined;
}

/** As a person does: `pulumi config set --secret`, which takes the value from stdin, where no history keeps it. */
export async function setSecret(path: string, value: string): Promise<void> {
  const command = typing(['pulumi', 'config', 'set', '--secret', '--path', path], false, env);
  command.type(value);
  command.end();
  await command.ended();
  expect(command.seen).toMatchObject({ code: 0 });
  const config = readFileSync(CONFIG, 'utf8');
  expect([config.includes('secure: v1:'), config.includes(value.trim())]).toEqual([true, false]);
}

/** What tells that nobody touched a container. */
export const identity = ({ Id, Name, State }: Inspected) => `${Name.slice(1)} ${Id} ${State.StartedAt}`;

/** Identities of all containers but these. */
export async function others(...names: readonly string[]): Promise<string[]> {
  return (await inspectAll())
    .filter(({ Name }) => !names.includes(Name.slice(1)))
    .map(identity)
    .sort();
}

export async function allHealthy(): Promise<boolean> {
  return (await inspectAll()).every(({ State }) => State.Health?.Status === 'healthy');
}

interface Preview {
  readonly changeSummary: Readonly<Record<string, number>>;
  readonly steps: readonly { readonly op: string; readonly urn: string }[];
}

/** What `up` would do to each resource; with `--refresh`, after a look at everything that is there. */
export function preview(...args: readonly '--refresh'[]): Preview {
  const { changeSummary, steps } = JSON.parse(must('preview', ['--json', ...args], env).stdout) as Preview;
  return { changeSummary, steps: steps.filter(({ op }) => op !== 'same' && op !== 'refresh') };
}

/** Fails with what `up` would change; says the counts. */
export function expectClean(event: string, ...args: readonly '--refresh'[]): void {
  const { changeSummary, steps } = preview(...args);
  process.stderr.write(
    `    O2 preview${args.map((arg) => ` ${arg}`).join('')} after ${event}: ${JSON.stringify(changeSummary)}\n`,
  );
  expect(steps.map(({ op, urn }) => `${op} ${urn}`)).toEqual([]);
  expect(Object.keys(changeSummary)).toEqual(['same']);
}

export function refresh(...args: readonly string[]): void {
  must('pulumi', ['refresh', '--yes', '--non-interactive', '--suppress-outputs', ...args], env);
}

/** Output of a command of the machine. */
export function shell(command: string): string {
  return execFileSync('sh', ['-c', command], { encoding: 'utf8' }).trim();
}
