import { UserError } from '../stack/errors.js';
import { buildRuntime } from './build.js';
import type { StackOptions } from './context.js';
import { print } from './output.js';
import { ensureStack, findPulumi, pulumiEnvironment, runPulumi, RUNNING } from './pulumi-cli.js';
import { StackFolder } from './stack-folder.js';

/** `pulumi preview` with whatever else was given, for example `--diff` or `--expect-no-changes`. */
export async function preview(args: readonly string[], options: StackOptions): Promise<void> {
  const { folder, cli } = open(options);
  if (folder.engine === 'embedded')
    throw new UserError(
      'ENGINE_MISMATCH',
      `stack "${options.stack}" was made by the embedded engine, which has no preview`,
    );
  buildRuntime();
  await ensureStack(folder, cli);
  await finish(runPulumi(folder, cli, ['preview', ...args], 'inherit'));
}

/** The plain CLI: same backend, passphrase and config file as the other commands. */
export async function pulumi(args: readonly string[]): Promise<void> {
  const { folder, cli } = open({ stack: process.env['TELEGRAM_STACK'] ?? 'dev' });
  if (folder.engine === 'embedded' && RUNNING.has(args[0] ?? ''))
    throw new UserError('ENGINE_MISMATCH', `stack "${folder.stack}" was made by the embedded engine`);
  await finish(runPulumi(folder, cli, args, 'inherit'));
}

/** The same surroundings for a shell: `eval "$(npm run -s pulumi:env)"`. */
export function pulumiEnv(options: StackOptions): void {
  const { folder, cli } = open(options);
  const environment = pulumiEnvironment(folder, cli);
  for (const [name, value] of Object.entries(environment)) print(`export ${name}=${quote(value)}`);
  print(`export PULUMI_STACK=${quote(folder.stack)}`);
  print(`# commands that read the config take: --config-file ${quote(folder.configFile)}`);
}

function open(options: StackOptions): { readonly folder: StackFolder; readonly cli: string } {
  const cli = findPulumi();
  if (!cli) throw new UserError('PULUMI_MISSING', 'no Pulumi CLI was found on PATH or in the Pulumi home');
  const folder = new StackFolder(options.stack, options.config);
  folder.prepare();
  return { folder, cli };
}

async function finish(run: Promise<{ readonly code: number }>): Promise<void> {
  process.exitCode = (await run).code;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
