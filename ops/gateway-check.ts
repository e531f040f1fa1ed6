import { parseStackFile, type StackConfig } from '../stack/config.js';
import { UserError } from '../stack/errors.js';
import { machineLogin, type GatewayLogin } from '../stack/gateway-login.js';
import { EngineError } from './engine/errors.js';
import { run } from './gateway-shell.js';

const NO_SUDO = 41;
const NO_SYSTEMD = 42;

/** How the gateway machine of a stack file is reached; null where the stack makes the host itself. */
export function machineOf(config: Readonly<Record<string, string>>): GatewayLogin | null {
  const gateway = readable(config)?.gateway;
  return gateway?.kind === 'machine' ? machineLogin(gateway) : null;
}

/** A configuration with mistakes is the program's to refuse, with all of them at once. */
function readable(config: Readonly<Record<string, string>>): StackConfig | null {
  try {
    return parseStackFile(config);
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

/**
 * Looks at a gateway machine before anything is changed: it is reached, by its pinned key, lets the login in, which becomes
 * root without a password, and systemd runs. Throws an `EngineError` (`SSH_…`) that says what is not so.
 */
export async function checkMachine(login: GatewayLogin): Promise<void> {
  const root = login.user === 'root' ? 'true' : 'sudo -n true';
  const script = `${root} || exit ${String(NO_SUDO)}; [ -d /run/systemd/system ] || exit ${String(NO_SYSTEMD)}`;
  const { code, stderr } = await run(login, script);
  if (code === 0) return;
  const who = `${login.user}@${login.host}`;
  if (code === NO_SUDO)
    throw new EngineError('SSH_SUDO', `${who} does not become root by \`sudo -n\``, { details: stderr });
  if (code === NO_SYSTEMD) throw new EngineError('SSH_HOST_UNFIT', `systemd does not run on ${login.host}`);
  throw new EngineError('SSH_HOST_UNFIT', `${who} has no shell that runs a script`, { details: stderr });
}

/** The same for a machine that is to be left: what is installed there is taken away first, unless it is forgotten. */
export async function checkOldMachine(login: GatewayLogin, command: 'up' | 'destroy'): Promise<void> {
  try {
    await checkMachine(login);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const { code, message, details } = error;
    const forget = `If the machine is gone for good: \`npm run ${command} -- --forget-gateway\`.`;
    throw new EngineError(code, `${message}, and the gateway on it is to be removed`, {
      details,
      fix: `${error.fix} ${forget}`,
    });
  }
}
