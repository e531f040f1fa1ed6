import { rootShell } from '../components/gateway-service/shell.js';
import type { GatewayLogin } from '../stack/gateway-login.js';
import { EngineError, StepError } from './engine/errors.js';
import { CommandOutput, lastLines } from './engine/resources/command-output.js';
import { execute, withConnection, type Connection } from './engine/resources/ssh.js';

export interface ShellResult {
  readonly code: number | null;
  readonly stdout: string;
  /** Last lines of stderr, without empty ones. */
  readonly stderr: readonly string[];
}

/** Nobody has just made the machine: it answers within seconds, at the second try at the latest. */
const DIAL = { tries: 2, perDialTimeout: 10 };
/** Longest that anything asked of the host may take, in milliseconds: a restart and the wait for health among it. */
const BOUND_MS = 180_000;

/** Runs a script as root on the gateway host, over SSH. Throws an `EngineError` (`SSH_…`) where that cannot be. */
export async function onGateway(
  login: GatewayLogin,
  script: string,
  { tries }: { readonly tries: number } = DIAL,
): Promise<ShellResult> {
  return run(login, rootShell(login.user), script, tries);
}

/** The login with this many tries, at the jump host too. */
export function patient(login: GatewayLogin, tries = DIAL.tries): Connection {
  const dial = { dialErrorLimit: tries - 1, perDialTimeout: DIAL.perDialTimeout };
  return { ...login, ...dial, ...(login.proxy && { proxy: { ...login.proxy, ...dial } }) };
}

/** Runs one command there as whoever logs in. */
export async function run(login: GatewayLogin, command: string, stdin = '', tries = DIAL.tries): Promise<ShellResult> {
  const output = new CommandOutput('none', () => undefined);
  try {
    const { code } = await withConnection(patient(login, tries), AbortSignal.timeout(BOUND_MS), (client) =>
      execute(client, command, { stdin, output }),
    );
    return { code, stdout: output.texts.stdout, stderr: lastLines(output.texts.stderr) };
  } catch (error) {
    if (error instanceof StepError) throw new EngineError(error.code, error.message, { details: error.details });
    throw error;
  }
}
