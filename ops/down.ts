import { INSTANCE_LABEL } from '../components/stack-context.js';
import { DockerHost, labelOf } from '../stack/docker-host.js';
import { UserError } from '../stack/errors.js';
import { openStack, runningStack, type StackOptions } from './context.js';
import { confirm } from './confirm.js';
import { containersOf } from './containers.js';
import { checkOldMachine } from './gateway-check.js';
import { print, say } from './output.js';

/** Longest grace that a container gets, in seconds; each has its own stop signal. */
const STOP_GRACE_S = 60;

/** Stops or starts every container of the stack; data, state and addresses stay. */
export async function setRunning(options: StackOptions, running: boolean): Promise<void> {
  const { outputs, docker } = await runningStack(options);
  const names = (await containersOf(docker, outputs.instance)).map(({ Names }) => Names);
  for (const name of running ? names : names.reverse()) {
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

/**
 * Removes the stack after a question, and says what its data policy kept. Nothing is removed while the gateway machine cannot
 * be reached, unless it is forgotten.
 */
export async function destroy(options: DestroyOptions): Promise<void> {
  const { folder, choice } = openStack(options);
  if (!folder.engine) throw new UserError('NOT_UP', `stack "${options.stack}" is not up`);
  const outputs = await choice.engine.outputs();
  const data = outputs?.dataPolicy === 'retain' ? 'its data volumes are kept' : 'with ALL its data';
  if (!options.yes && !(await confirm(`Destroy stack "${options.stack}", ${data}?`)))
    throw new UserError('USAGE', 'nothing was destroyed', { fix: 'Say yes, or call `npm run destroy -- --yes`.' });
  if (options.forgetGateway) await choice.engine.forgetGateway();
  else if (outputs && outputs.gatewayHost !== 'container') await checkOldMachine(outputs.gatewayLogin, 'destroy');
  await choice.engine.destroy();
  folder.forget();
  const instance = outputs?.instance ?? folder.readConfig()['telegram:instanceId'] ?? '';
  const kept = await volumesOf(new DockerHost(outputs?.dockerHost ?? ''), instance);
  if (kept.length === 0) {
    say('✔ destroyed');
    return;
  }
  say(`✔ destroyed, but for the data; \`npm run up\` takes it over again, this deletes it:`);
  print(`docker volume rm ${kept.join(' ')}`);
}

async function volumesOf(docker: DockerHost, instance: string): Promise<string[]> {
  const volumes = await docker.volumes();
  return volumes
    .filter((volume) => instance !== '' && labelOf(volume, INSTANCE_LABEL) === instance)
    .map(({ Name }) => Name);
}
