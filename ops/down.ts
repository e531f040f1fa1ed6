import { INSTANCE_LABEL } from '../components/stack-context.js';
import { labelOf } from '../stack/docker-host.js';
import { UserError } from '../stack/errors.js';
import { openStack, runningStack, type StackOptions } from './context.js';
import { confirm } from './confirm.js';
import { checkOldMachine } from './gateway-check.js';
import { say } from './output.js';

/** Order in which containers start: who needs whom. Stopping goes the other way. */
const ORDER = [
  'timescaledb',
  'redis-master',
  'redis-replica',
  'redis-sentinel',
  'rabbitmq',
  'pgbouncer',
  'simulator',
  'gateway-host',
  'gateway-api',
  'consumer',
] as const;

const rank = (name: string) => {
  const found = ORDER.findIndex((part) => name.includes(part));
  return found === -1 ? ORDER.length : found;
};

/** Longest grace that a container gets, in seconds; each has its own stop signal. */
const STOP_GRACE_S = 60;

/** Stops or starts every container of the stack; data, state and addresses stay. */
export async function setRunning(options: StackOptions, running: boolean): Promise<void> {
  const { outputs, docker } = await runningStack(options);
  const names = (await docker.containers())
    .filter((container) => labelOf(container, INSTANCE_LABEL) === outputs.instance)
    .map(({ Names }) => Names)
    .sort((one, other) => (running ? 1 : -1) * (rank(one) - rank(other)));
  for (const name of names) {
    say(`• ${running ? 'starting' : 'stopping'} ${name}`);
    await docker.docker(running ? ['start', name] : ['stop', '--time', String(STOP_GRACE_S), name]);
  }
  say(running ? '✔ started; next: npm run doctor' : '✔ stopped; `npm run start` brings it back as it was');
}

export interface DestroyOptions extends StackOptions {
  /** Answers the question. */
  readonly yes?: boolean;
  /** The gateway machine is gone: what is installed there is left as it is. */
  readonly forgetGateway?: boolean;
}

/** Removes the stack after a question. Nothing is removed while the gateway machine cannot be reached, unless it is forgotten. */
export async function destroy(options: DestroyOptions): Promise<void> {
  const { folder, choice } = openStack(options);
  if (!folder.engine) throw new UserError('NOT_UP', `stack "${options.stack}" is not up`);
  const outputs = await choice.engine.outputs();
  const kept = outputs?.environment === 'production' ? 'data volumes are kept' : 'with ALL its data';
  if (!options.yes && !(await confirm(`Destroy stack "${options.stack}", ${kept}?`)))
    throw new UserError('USAGE', 'nothing was destroyed', { fix: 'Say yes, or call `npm run destroy -- --yes`.' });
  if (options.forgetGateway) await choice.engine.forgetGateway();
  else if (outputs && outputs.gatewayHost !== 'container') await checkOldMachine(outputs.gatewayLogin, 'destroy');
  await choice.engine.destroy();
  folder.forget();
  say('✔ destroyed');
}
