import { join } from 'node:path';
import { ZodError, z } from 'zod';
import { RuntimeError } from '../errors.js';
import { createLogger, type Logger } from '../logger.js';
import { migrate } from '../store/migrate.js';
import { acceptedConfig, databaseLogin } from './database-login.js';
import { checkCache, prepareBroker } from './external-engines.js';
import { postgresRoles } from './postgres-roles.js';
import { wait } from './wait.js';
import { writeFiles } from './write-files.js';

/**
 * One-shot tools for a throw-away container inside the stack's network:
 *
 *   admin migrate         {database, dryRun?, directory?}          → {applied, pending}
 *   admin postgres-roles  {database, roles, settings?, adminVerifier?}  → {roles}
 *   admin wait            {endpoint, timeoutMs?}                   → {ms}
 *   admin prepare-broker  {host, port, vhost, tls, authorities?, user, password, groups}         → {groups}
 *   admin check-cache     {sentinels, masterName, tls, authorities?, user, password, sentinelPassword}       → {master}
 *   admin write-files     {directory, files, owner, mode}          → {files}
 *
 * The document comes on stdin, because it holds passwords and argv is visible to everybody on the machine. Stdout: one
 * line of JSON with the result. On failure stdout is empty, stderr ends with one line `{code, message, fix}` and the
 * exit code is that of the code's table.
 */
export interface AdminStreams {
  readonly stdin: AsyncIterable<Buffer | string>;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

const migrateInput = z.strictObject({
  database: databaseLogin,
  dryRun: z.boolean().default(false),
  /** @default `sql` beside the bundle */
  directory: z.string().default(join(__dirname, 'sql')),
});

const COMMANDS: Readonly<Record<string, (input: unknown, logger: Logger) => Promise<object>>> = {
  migrate: async (input, logger) => {
    const { database, dryRun, directory } = migrateInput.parse(input);
    return migrate({ client: await acceptedConfig(database), directory, dryRun, logger });
  },
  'postgres-roles': async (input) => ({ roles: await postgresRoles(input) }),
  wait: async (input) => ({ ms: await wait(input) }),
  'prepare-broker': async (input) => ({ groups: await prepareBroker(input) }),
  'check-cache': async (input) => ({ master: await checkCache(input) }),
  'write-files': (input) => Promise.resolve({ files: writeFiles(input) }),
};

/** `argv` begins after `admin`. Sets the exit code, so that the output is written before the process ends. */
export async function runAdmin(argv: readonly string[]): Promise<void> {
  process.exitCode = await admin(argv, process);
}

/** Returns the exit code. */
export async function admin(argv: readonly string[], streams: AdminStreams): Promise<number> {
  const { stdin, stdout, stderr } = streams;
  try {
    const [name = ''] = argv;
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!command)
      throw new RuntimeError('CONFIG_INVALID', `expected one of ${Object.keys(COMMANDS).join(', ')}, got "${name}"`);
    // Stdout is for the result alone: log lines go to stderr.
    const logger = createLogger('admin', 'info', stderr);
    const result = await command(await readInput(stdin), logger);
    stdout.write(`${JSON.stringify(result)}\n`);
    return 0;
  } catch (error) {
    const known = asRuntimeError(error);
    const code = known?.code ?? 'INTERNAL';
    stderr.write(
      `${JSON.stringify({ code, message: chain(known ?? error), fix: known?.fix ?? 'Please report this.' })}\n`,
    );
    return known?.exitCode ?? 1;
  }
}

async function readInput(stdin: AdminStreams['stdin']): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of stdin) parts.push(Buffer.from(part));
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    // The cause would quote the input, and with it a password.
    throw new RuntimeError('CONFIG_INVALID', 'stdin: expected one JSON document');
  }
}

function asRuntimeError(error: unknown): RuntimeError | undefined {
  if (error instanceof RuntimeError) return error;
  if (!(error instanceof ZodError)) return undefined;
  const lines = error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  return new RuntimeError('CONFIG_INVALID', lines.join('; '));
}

/** An error says what its own layer knows; one line for the operator needs the causes too. */
function chain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${chain(error.cause)}`;
}
