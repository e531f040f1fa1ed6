import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { UserError } from '../stack/errors.js';
import { ROOT, type StackFolder } from './stack-folder.js';

/** The oldest CLI the program was tried with. */
const PLUGINS = ['docker', 'command', 'random'] as const;

/** Where Pulumi keeps its own things. */
function pulumiHome(): string {
  return process.env['PULUMI_HOME'] ?? join(homedir(), '.pulumi');
}

/** A `pulumi` on PATH, in the Pulumi home, or among the versions that its npm package downloaded; null where there is none. */
export function findPulumi(): string | null {
  const versions = join(pulumiHome(), 'versions');
  const downloaded = existsSync(versions) ? readdirSync(versions).sort().reverse() : [];
  const candidates = [
    ...(process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'pulumi')),
    join(pulumiHome(), 'bin', 'pulumi'),
    ...downloaded.map((version) => join(versions, version, 'bin', 'pulumi')),
  ];
  return candidates.filter((path) => !path.includes('node_modules')).find(works) ?? null;
}

function works(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    execFileSync(path, ['version'], { stdio: 'ignore', env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: 'true' } });
    return true;
  } catch {
    return false;
  }
}

/** Resource plugins that the program needs and that are not installed, as `name@version`. */
export function missingPlugins(): string[] {
  const installed = join(pulumiHome(), 'plugins');
  const have = new Set(existsSync(installed) ? readdirSync(installed) : []);
  return PLUGINS.map((name) => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'node_modules', '@pulumi', name, 'package.json'), 'utf8')) as {
      version: string;
    };
    return [name, manifest.version] as const;
  })
    .filter(([name, version]) => !have.has(`resource-${name}-v${version}`))
    .map(([name, version]) => `${name}@${version}`);
}

/** Fetches the missing plugins; false where they cannot be had. */
export function installPlugins(cli: string): boolean {
  return missingPlugins().every((plugin) => {
    const [name = '', version = ''] = plugin.split('@');
    try {
      execFileSync(cli, ['plugin', 'install', 'resource', name, version], { stdio: 'ignore', timeout: 300_000 });
      return true;
    } catch {
      return false;
    }
  });
}

/** Where Node keeps what it compiled of the program and of Pulumi's SDK, so that the next run need not. */
const COMPILED = join(ROOT, 'node_modules', '.cache', 'compiled');

/** The stack's surroundings: backend, passphrase, no questions, no buildx where there is none. */
export function pulumiEnvironment(folder: StackFolder, cli: string): Record<string, string> {
  return {
    PULUMI_BACKEND_URL: process.env['PULUMI_BACKEND_URL'] ?? `file://${folder.backend}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: process.env['PULUMI_CONFIG_PASSPHRASE_FILE'] ?? folder.passphraseFile,
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    PULUMI_NODEJS_TRANSPILE_ONLY: 'true',
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? COMPILED,
    DOCKER_BUILDKIT: process.env['DOCKER_BUILDKIT'] ?? '0',
    PATH: `${dirname(cli)}${delimiter}${process.env['PATH'] ?? ''}`,
  };
}

/** Commands that take neither a stack nor a config file. */
const PLAIN = new Set([
  'version',
  'plugin',
  'about',
  'help',
  'login',
  'logout',
  'whoami',
  'install',
  'schema',
  'policy',
  'org',
]);
/** Commands that run the program, or touch what it made. */
export const RUNNING: ReadonlySet<string> = new Set([
  'up',
  'update',
  'preview',
  'pre',
  'refresh',
  'destroy',
  'down',
  'watch',
  'import',
]);
/** Commands that read or write the stack's configuration. */
const WITH_CONFIG = new Set([...RUNNING, 'config']);

/** `pulumi <args>` with the stack and its working config named, unless the caller names them. */
export function withStack(folder: StackFolder, args: readonly string[]): string[] {
  const [command = ''] = args;
  if (PLAIN.has(command) || command.startsWith('-')) return [...args];
  const named = args.some((arg) => arg === '--stack' || arg === '-s' || arg.startsWith('--stack='));
  const configured = args.some((arg) => arg.startsWith('--config-file'));
  return [
    ...args,
    ...(named || (command === 'stack' && takesName(args[1])) ? [] : ['--stack', folder.stack]),
    ...(WITH_CONFIG.has(command) && !configured ? ['--config-file', folder.configFile] : []),
  ];
}

/** `pulumi stack <verb>` forms that take the name as an argument of their own. */
function takesName(verb: string | undefined): boolean {
  return ['init', 'select', 'ls', 'rm'].includes(verb ?? '');
}

export interface PulumiRun {
  readonly code: number;
  /** What was captured; with `follow`, stderr too. */
  readonly stdout: string;
  /** With `capture`, what it said beside its result. */
  readonly stderr: string;
  /** Whether a person or a supervisor ended it. */
  readonly interrupted: boolean;
}

/**
 * Runs the CLI. `inherit`: it speaks for itself. `capture`: its stdout is the result, what it says on stderr is
 * shown and kept. `follow`: all it says is progress, so it
 * goes to stderr, and is kept to explain a failure. Ctrl-C reaches the CLI from the terminal, and SIGTERM is handed on as
 * one: it stops at the next safe point and writes its state, and until then this process waits.
 */
export async function runPulumi(
  folder: StackFolder,
  cli: string,
  args: readonly string[],
  io: 'inherit' | 'capture' | 'follow',
): Promise<PulumiRun> {
  const colour = io === 'follow' && process.stderr.isTTY && !process.env['NO_COLOR'] ? ['--color', 'always'] : [];
  const child = spawn(cli, [...withStack(folder, args), ...colour], {
    cwd: ROOT,
    env: { ...process.env, ...pulumiEnvironment(folder, cli) },
    stdio: io === 'inherit' ? 'inherit' : ['inherit', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => {
    said.stdout += chunk.toString();
    if (io === 'follow') process.stderr.write(chunk);
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    said[io === 'follow' ? 'stdout' : 'stderr'] += chunk.toString();
    process.stderr.write(chunk);
  });
  let interrupted = false;
  const onInterrupt = () => {
    interrupted = true;
  };
  const onTerminate = () => {
    interrupted = true;
    child.kill('SIGINT');
  };
  process.on('SIGINT', onInterrupt).on('SIGTERM', onTerminate);
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', (cause) => {
        reject(new UserError('PULUMI_MISSING', `cannot start ${cli}`, { cause }));
      });
      child.on('close', (code, signal) => {
        resolve({ code: code ?? 1, ...said, interrupted: interrupted || signal === 'SIGINT' });
      });
    });
  } finally {
    process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate);
  }
}

/**
 * Makes the stack in its backend unless it is there. `stack init` writes its salt into the stack file beside the project file,
 * so it runs in the stack's own folder, on a stub of the project: the committed file stays as it is.
 */
export async function ensureStack(folder: StackFolder, cli: string): Promise<void> {
  // Where it stands in our own backend; any other one has to be asked.
  if (
    !process.env['PULUMI_BACKEND_URL'] &&
    existsSync(join(folder.backend, '.pulumi', 'stacks', 'telegram', `${folder.stack}.json`))
  )
    return;
  const { stdout } = await runPulumi(folder, cli, ['stack', 'ls', '--json'], 'capture');
  const known = stdout.trim() === '' ? [] : (JSON.parse(stdout) as { name: string }[]);
  if (known.some(({ name }) => name === folder.stack || name.endsWith(`/${folder.stack}`))) return;
  writeFileSync(join(folder.path, 'Pulumi.yaml'), 'name: telegram\nruntime: nodejs\n');
  const init = ['-C', folder.path, 'stack', 'init', folder.stack, '--no-select', '--non-interactive'];
  const { code } = await runPulumi(folder, cli, init, 'capture');
  if (code !== 0)
    throw new UserError('RESOURCE_FAILED', `\`pulumi stack init ${folder.stack}\` failed; its own words are above`);
}
