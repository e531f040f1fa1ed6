import { spawn } from 'node:child_process';
import { INSTANCE_LABEL } from '../components/stack-context.js';
import { GATEWAY_UNIT } from '../runtime/contract.js';
import { labelOf, type DockerHost } from '../stack/docker-host.js';
import { UserError } from '../stack/errors.js';
import { runningStack, type StackOptions } from './context.js';
import { atTerminal } from './gateway-terminal.js';
import { print } from './output.js';

/** Longest that a machine's journal is followed, in milliseconds: a day. */
const WATCHED_MS = 86_400_000;

/** Last lines of a part's log; without a name, the parts there are. `gateway` is the systemd unit's journal. */
export async function logs(
  part: string | undefined,
  options: StackOptions & { readonly follow?: boolean; readonly lines: string },
): Promise<void> {
  if (!/^\d+$/.test(options.lines)) throw new UserError('USAGE', '--lines: expected a number');
  const { outputs, docker } = await runningStack(options);
  const names = (await docker.containers())
    .filter((container) => labelOf(container, INSTANCE_LABEL) === outputs.instance)
    .map(({ Names }) => Names);
  if (!part) {
    print(['gateway', ...names.map((name) => name.replace(`${outputs.namePrefix}telegram-`, ''))].sort().join('\n'));
    return;
  }
  const follow = options.follow ? ['-f'] : [];
  const container = (short: string) => `${outputs.namePrefix}telegram-${short}`;
  if (part === 'gateway') {
    const journal = ['journalctl', '-u', GATEWAY_UNIT, '--no-pager', '-o', 'cat', '-n', options.lines, ...follow];
    if (outputs.gatewayHost === 'container') await show(docker, ['exec', container('gateway-host'), ...journal]);
    else process.exitCode = await atTerminal(outputs.gatewayLogin, journal.join(' '), WATCHED_MS);
    return;
  }
  if (!names.includes(container(part)))
    throw new UserError('USAGE', `there is no part "${part}"`, { fix: 'Run `npm run logs` for the names.' });
  await show(docker, ['logs', '--tail', options.lines, ...follow, container(part)]);
}

async function show(docker: DockerHost, args: readonly string[]): Promise<void> {
  const child = spawn('docker', [...args], { stdio: 'inherit', env: docker.environment });
  await new Promise((resolve) => child.on('close', resolve));
}
