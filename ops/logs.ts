import { spawn } from 'node:child_process';
import { placeOf } from '../components/gateway-service/accounts.js';
import type { DockerHost } from '../stack/docker-host.js';
import { UserError } from '../stack/errors.js';
import { runningStack, type StackOptions } from './context.js';
import { containersOn } from './docker-hosts.js';
import { furtherAccount } from './further-account.js';
import { atTerminal } from './gateway-terminal.js';
import { print } from './output.js';

/** Longest that a machine's journal is followed, in milliseconds: a day. */
const WATCHED_MS = 86_400_000;

export interface LogsOptions extends StackOptions {
  /** Go on until Ctrl-C. @default false */
  readonly follow?: boolean;
  readonly lines: string;
  /** Whose gateway, where it is not the default account's. */
  readonly account?: string;
}

/** Last lines of a part's log; without a name, the parts there are. `gateway` is the journal of an account's systemd unit. */
export async function logs(part: string | undefined, options: LogsOptions): Promise<void> {
  if (!/^\d+$/.test(options.lines)) throw new UserError('USAGE', '--lines: expected a number');
  const { account } = furtherAccount(options);
  if (account !== undefined && part !== 'gateway')
    throw new UserError('USAGE', '--account goes with `gateway` alone', {
      fix: `npm run logs -- gateway --account ${account}`,
    });
  const { outputs, hosts } = await runningStack(options);
  if (!part) {
    const names = (await hosts.containersOf(outputs.instance)).map(({ Names }) => Names);
    print(['gateway', ...names.map((name) => name.replace(`${outputs.namePrefix}telegram-`, ''))].sort().join('\n'));
    return;
  }
  const follow = options.follow ? ['-f'] : [];
  const container = (short: string) => `${outputs.namePrefix}telegram-${short}`;
  if (part === 'gateway') {
    const journal = [
      'journalctl',
      '-u',
      placeOf(account).unit,
      '--no-pager',
      '-o',
      'cat',
      '-n',
      options.lines,
      ...follow,
    ];
    if (outputs.gatewayHost === 'container') await show(hosts.home, ['exec', container('gateway-host'), ...journal]);
    else process.exitCode = await atTerminal(outputs.gatewayLogin, journal.join(' '), WATCHED_MS);
    return;
  }
  const name = container(part);
  const docker = hosts.at(name);
  if (!(await containersOn(docker, outputs.instance)).some(({ Names }) => Names === name))
    throw new UserError('USAGE', `there is no part "${part}"`, { fix: 'Run `npm run logs` for the names.' });
  await show(docker, ['logs', '--tail', options.lines, ...follow, name]);
}

async function show(docker: DockerHost, args: readonly string[]): Promise<void> {
  const child = spawn('docker', [...args], { stdio: 'inherit', env: docker.environment });
  // Ctrl-C ends what is followed, and is no failure.
  process.once('SIGINT', () => undefined);
  await new Promise((resolve) => child.on('close', resolve));
}
