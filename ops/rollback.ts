import { NO_SUCH_RELEASE, listReleasesScript, rollbackScript } from '../components/gateway-service/releases.js';
import { UserError } from '../stack/errors.js';
import type { GatewayLogin } from '../stack/gateway-login.js';
import { openStack, runningStack, type StackOptions } from './context.js';
import { GATEWAY_SERVICE } from './engines/engine.js';
import { onGateway } from './gateway-shell.js';
import { rollbackMigration } from './migrate/rollback.js';
import { print, printJson, say } from './output.js';

export interface Release {
  readonly hash: string;
  /** When it was installed, UTC. */
  readonly installed: string;
  readonly current: boolean;
}

export interface RollbackOptions extends StackOptions {
  /** A release on the host; `true`: the one installed before the current. Without it the releases are listed. */
  readonly release?: string | true;
  /** `quick` or `full`: back behind the migration instead. */
  readonly migration?: string;
  readonly json?: boolean;
}

/** Lists the releases on the gateway host, or goes back to one of them by a re-link. */
export async function rollback(options: RollbackOptions): Promise<void> {
  const { migration } = options;
  if (migration !== undefined) {
    if (options.release !== undefined) throw new UserError('USAGE', 'expected --release or --migration, got both');
    await rollbackMigration({ ...options, migration });
    return;
  }
  const { outputs } = await runningStack(options);
  const { gatewayLogin } = outputs;
  if (options.release === undefined) {
    show(await releases(gatewayLogin), options.json ?? false);
    return;
  }
  const { from, to } = await relink(gatewayLogin, options.release === true ? undefined : options.release);
  if (from === to) {
    say(`✔ release ${to} is the current one already`);
    return;
  }
  await openStack(options).choice.engine.again(GATEWAY_SERVICE);
  say(`✔ the gateway runs release ${to} (was ${from}) and is healthy`);
  say("  the next `npm run up` installs the checkout's release again; to stay on the older one, `git revert` and `up`");
}

/** Releases on the host, the newest installation first. */
export async function releases(login: GatewayLogin): Promise<Release[]> {
  const { stdout } = await answered(login, listReleasesScript());
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [hash = '', installed = '', mark = ''] = line.split(' ');
      return { hash, installed, current: mark === 'current' };
    });
}

/** Re-links `current`, restarts and waits for health; a release that does not get healthy is left again. */
export async function relink(login: GatewayLogin, wanted?: string): Promise<{ from: string; to: string }> {
  if (wanted !== undefined && !/^[0-9a-f]+$/.test(wanted))
    throw new UserError('USAGE', `"${wanted}" is no release`, { fix: 'Run `npm run rollback` for the releases.' });
  const { stdout } = await answered(login, rollbackScript(wanted));
  const [from = '', to = ''] = stdout.trim().split(' ');
  return { from, to };
}

async function answered(login: GatewayLogin, script: string): Promise<{ readonly stdout: string }> {
  const { code, stdout, stderr } = await onGateway(login, script);
  if (code === 0) return { stdout };
  const said = stderr.join('\n  ');
  if (code === NO_SUCH_RELEASE)
    throw new UserError('NO_RELEASE', said, { fix: 'Run `npm run rollback` for the releases on the host.' });
  throw new UserError('ROLLBACK_FAILED', `the release was not changed\n  ${said}`);
}

function show(found: readonly Release[], json: boolean): void {
  if (json) {
    printJson(found);
    return;
  }
  for (const { hash, installed, current } of found) print(`${hash}  ${installed}${current ? '  current' : ''}`);
  say('next: npm run rollback -- --release [hash]');
}
