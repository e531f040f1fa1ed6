import { onGateway } from '../gateway-shell.js';
import type { RunningStack } from '../context.js';
import type { GatewayLogin } from '../../stack/gateway-login.js';
import { Failing } from './check.js';
import { container } from './fix.js';

/** The gateway's host as the doctor looks at it: its own container by Docker, a machine by SSH. */
export interface GatewayHost {
  /** Output of a script that root runs there; `Failing` with its last words where it fails. */
  run(script: string): Promise<string>;
  /** The same as a person types it. */
  typed(command: string): string;
}

export function gatewayHost(stack: RunningStack): GatewayHost {
  return isMachine(stack) ? machine(stack.outputs.gatewayLogin) : ownContainer(stack);
}

export function isMachine({ outputs }: Pick<RunningStack, 'outputs'>): boolean {
  return outputs.gatewayHost !== 'container';
}

function ownContainer(stack: RunningStack): GatewayHost {
  const name = container(stack, 'gateway-host');
  return {
    run: async (script) => stack.hosts.home.docker(['exec', name, 'sh', '-c', script]),
    typed: (command) => stack.hosts.home.typed(`exec ${name} ${command}`),
  };
}

function machine(login: GatewayLogin): GatewayHost {
  return {
    run: async (script) => {
      const { code, stdout, stderr } = await onGateway(login, script, { tries: 1 });
      if (code !== 0) throw new Failing(stderr.at(-1) ?? `${login.host} answers nothing`, 'npm run up');
      return stdout;
    },
    typed: (command) => `${sshOf(login)} ${login.user === 'root' ? '' : 'sudo '}${command}`,
  };
}

/** `ssh -J hop@bastion:22 -p 22 deploy@gateway`. */
function sshOf({ proxy, user, host, port }: GatewayLogin): string {
  const jump = proxy ? `-J ${proxy.user}@${proxy.host}:${String(proxy.port)} ` : '';
  return `ssh ${jump}-p ${String(port)} ${user}@${host}`;
}
