import { GATEWAY_PATHS, GATEWAY_UNIT } from '../../runtime/contract.js';
import type { RunningStack } from '../context.js';
import { Failing, type Check } from './check.js';

interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>;
}

/** Readiness of a process of the runtime, by its own health endpoint. */
async function readiness({ outputs }: RunningStack, service: string): Promise<Readiness> {
  const address = outputs.services[service];
  if (!address) throw new Failing(`${service} has no address`, 'npm run up');
  const url = `http://${address.host}:${String(address.port)}/health/ready`;
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  return (await response.json()) as Readiness;
}

/** A check that asks one process whether it is ready, and names what it waits for. */
function process(name: string, service: string, fix: string): Check {
  return {
    name,
    fix,
    run: async (stack) => {
      const { ready, checks } = await readiness(stack, service);
      const parts = Object.entries(checks);
      const waiting = parts
        .filter(([, check]) => !check.ok)
        .map(([part, check]) => `${part}: ${check.detail ?? 'not ready'}`);
      if (!ready) throw new Failing(waiting.join('; ') || 'not ready', fix);
      return `ready (${parts.map(([part]) => part).join(', ')})`;
    },
  };
}

const unit: Check = {
  name: 'systemd unit',
  fix: 'npm run logs -- gateway',
  run: async ({ docker, outputs }) => {
    if (outputs.gatewayHost !== 'container') return `on ${outputs.gatewayHost}; its health is checked below`;
    const name = `${outputs.namePrefix}telegram-gateway-host`;
    const properties = ['ActiveState', 'SubState', 'NRestarts'].flatMap((property) => ['-p', property]);
    const text = await docker.docker(['exec', name, 'systemctl', 'show', GATEWAY_UNIT, ...properties]);
    const state = Object.fromEntries(text.split('\n').map((line) => line.split('=') as [string, string]));
    if (state['ActiveState'] !== 'active')
      throw new Failing(`${GATEWAY_UNIT} is ${state['ActiveState'] ?? 'unknown'}`, 'npm run up');
    return `${GATEWAY_UNIT} ${state['SubState'] ?? ''}, restarted ${state['NRestarts'] ?? '?'} times`;
  },
};

const session: Check = {
  name: 'session',
  fix: 'npm run login',
  run: async ({ docker, outputs }) => {
    if (outputs.gatewayHost !== 'container') return 'kept on the gateway machine';
    const name = `${outputs.namePrefix}telegram-gateway-host`;
    const text = await docker.docker(['exec', name, 'sh', '-c', `stat -c '%a %n' ${GATEWAY_PATHS.sessions}/*.session`]);
    const open = text.split('\n').filter((line) => !line.startsWith('600 '));
    if (open.length > 0) throw new Failing(`readable by others: ${open.join(', ')}`, 'npm run up');
    return `${String(text.split('\n').length)} session(s), 0600`;
  },
};

/** The gateway and everything else that runs the bundle. */
export const gatewayChecks: readonly Check[] = [
  unit,
  session,
  process('gateway', 'gateway', 'npm run logs -- gateway'),
  process('consumer', 'consumer', 'npm run logs -- consumer'),
  process('api', 'api', 'npm run logs -- gateway-api'),
];
