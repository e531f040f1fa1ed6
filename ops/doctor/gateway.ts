import { readinessScript } from '../../components/gateway-service/readiness.js';
import { GATEWAY_PATHS, GATEWAY_UNIT } from '../../runtime/contract.js';
import { RUNTIME_ERRORS } from '../../runtime/errors.js';
import type { RunningStack } from '../context.js';
import { Failing, type Check } from './check.js';
import { gatewayHost, isMachine } from './gateway-host.js';
import { answerOf } from './http.js';

export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>;
}

/** Readiness of a process of the runtime, by its own health endpoint. */
async function readiness({ outputs }: RunningStack, service: string, unreachable: string): Promise<Readiness> {
  const address = outputs.services[service];
  if (!address) throw new Failing(`${service} has no address`, 'npm run up');
  const url = `http://${address.host}:${String(address.port)}/health/ready`;
  return (await (await answerOf(url, unreachable)).json()) as Readiness;
}

/** What a process that is not ready waits for, in its own words. */
export function waitsFor(checks: Readiness['checks']): string {
  const waiting = Object.entries(checks).filter(([, { ok }]) => !ok);
  return waiting.map(([part, { detail = 'not ready' }]) => `${part}: ${detail}`).join('; ') || 'not ready';
}

type Ask = (stack: RunningStack) => Promise<Readiness>;

/** A check that asks one process whether it is ready, and names what it waits for; `logs`: its name for `npm run logs`. */
function process(name: string, logs: string, ask: Ask): Check {
  const fix = `npm run up; if it stays so: npm run logs -- ${logs}`;
  return {
    name,
    fix,
    run: async (stack) => {
      const { ready, checks } = await ask(stack);
      if (!ready) throw new Failing(waitsFor(checks), fix);
      return `ready (${Object.keys(checks).join(', ')})`;
    },
  };
}

const restartUnit = (stack: RunningStack) => gatewayHost(stack).typed(`systemctl restart ${GATEWAY_UNIT}`);

/** On a machine it is asked from there: health may listen on that machine's loopback alone. */
async function gatewayReadiness(stack: RunningStack): Promise<Readiness> {
  if (!isMachine(stack)) return readiness(stack, 'gateway', restartUnit(stack));
  try {
    return JSON.parse(await gatewayHost(stack).run(readinessScript())) as Readiness;
  } catch (error) {
    if (error instanceof Failing) throw new Failing(error.message, restartUnit(stack));
    throw error;
  }
}

/** What a gateway that is not started again has said by its exit code. */
function endOf(status = ''): { readonly code: string; readonly fix: string } | null {
  const found = Object.entries(RUNTIME_ERRORS).filter(([, { exit }]) => exit > 1 && String(exit) === status);
  const [first] = found;
  if (!first) return null;
  const code = found.map(([name]) => name).join(' or ');
  return { code, fix: found.length === 1 ? first[1].fix : 'See `npm run logs -- gateway`.' };
}

const unit: Check = {
  name: 'systemd unit',
  fix: 'npm run up',
  run: async (stack) => {
    const properties = ['ActiveState', 'SubState', 'NRestarts', 'Result', 'ExecMainStatus'].map(
      (property) => `-p ${property}`,
    );
    const text = await gatewayHost(stack).run(`systemctl show ${GATEWAY_UNIT} ${properties.join(' ')}`);
    const state = Object.fromEntries(text.split('\n').map((line) => line.split('=') as [string, string]));
    if (state['ActiveState'] !== 'active') {
      const ended = endOf(state['ExecMainStatus']);
      const why = ended ? `ended for good: ${ended.code}` : (state['Result'] ?? '?');
      throw new Failing(
        `${GATEWAY_UNIT} is ${state['ActiveState'] ?? 'unknown'} (${why})`,
        ended ? `${ended.fix} Then: ${restartUnit(stack)}` : restartUnit(stack),
      );
    }
    const where = isMachine(stack) ? ` on ${stack.outputs.gatewayHost}` : '';
    return `${GATEWAY_UNIT} ${state['SubState'] ?? ''}${where}, restarted ${state['NRestarts'] ?? '?'} times`;
  },
};

const session: Check = {
  name: 'session',
  fix: 'npm run up',
  run: async (stack) => {
    const host = gatewayHost(stack);
    const find = `find ${GATEWAY_PATHS.sessions} -type f -name '*.session' -printf '%m %p\\n'`;
    const files = (await host.run(find)).split('\n').filter(Boolean);
    if (files.length === 0) throw new Failing(`no session in ${GATEWAY_PATHS.sessions}`, 'npm run login');
    const open = files.filter((line) => !line.startsWith('600 ')).map((line) => line.replace(/^\d+ /, ''));
    if (open.length > 0)
      throw new Failing(`others may read ${open.join(', ')}`, host.typed(`chmod 600 ${open.join(' ')}`));
    return `${String(files.length)} session(s), 0600`;
  },
};

/** The gateway and everything else that runs the bundle. */
export const gatewayChecks: readonly Check[] = [
  unit,
  session,
  process('gateway', 'gateway', gatewayReadiness),
  process('consumer', 'consumer', async (stack) => readiness(stack, 'consumer', 'npm run up')),
  process('api', 'gateway-api', async (stack) => readiness(stack, 'api', 'npm run up')),
];
