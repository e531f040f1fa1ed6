import { INSTANCE_LABEL } from '../components/stack-context.js';
import { DockerHost, labelOf } from '../stack/docker-host.js';
import { UserError } from '../stack/errors.js';
import { openStack, runningStack, type StackOptions } from './context.js';
import { confirm } from './confirm.js';
import { reachFurther } from './docker-endpoint.js';
import { checkOldMachine } from './gateway-check.js';
import { print, say } from './output.js';

/** Longest grace that a container gets, in seconds; each has its own stop signal. */
const STOP_GRACE_S = 60;

/** Stops or starts every container of the stack; data, state and addresses stay. */
export async function setRunning(options: StackOptions, running: boolean): Promise<void> {
  const { outputs, hosts } = await runningStack(options);
  const containers = await hosts.containersOf(outputs.instance);
  for (const { Names: name, docker } of running ? containers : containers.reverse()) {
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
 * Removes the stack after a question, and says what its data policy kept. Nothing is removed while a Docker host or the gateway
 * machine cannot be reached, unless the latter is forgotten.
 */
export async function destroy(options: DestroyOptions): Promise<void> {
  const { folder, choice } = openStack(options);
  if (!folder.engine) throw new UserError('NOT_UP', `stack "${options.stack}" is not up`);
  const outputs = await choice.engine.outputs();
  const data = outputs?.dataPolicy === 'retain' ? 'its data volumes are kept' : 'with ALL its data';
  if (!options.yes && !(await confirm(`Destroy stack "${options.stack}", ${data}?`)))
    throw new UserError('USAGE', 'nothing was destroyed', { fix: 'Say yes, or call `npm run destroy -- --yes`.' });
  await reachFurther(folder);
  if (options.forgetGateway) await choice.engine.forgetGateway();
  else if (outputs && outputs.gatewayHost !== 'container') await checkOldMachine(outputs.gatewayLogin, 'destroy');
  await choice.engine.destroy();
  folder.forget();
  const instance = outputs?.instance ?? folder.readConfig()['telegram:instanceId'] ?? '';
  const kept = await Promise.all(folder.dockers.map(async (docker) => removalOf(docker, instance)));
  const commands = kept.filter((command) => command !== null);
  if (commands.length === 0) {
    say('✔ destroyed');
    return;
  }
  say(`✔ destroyed, but for the data; \`npm run up\` takes it over again, this deletes it:`);
  print(commands.join('\n'));
}

/** What deletes the volumes that are left of a stack on a Docker host; null where there are none. */
async function removalOf(docker: DockerHost, instance: string): Promise<string | null> {
  const volumes = await docker.volumes();
  const names = volumes
    .filter((volume) => instance !== '' && labelOf(volume, INSTANCE_LABEL) === instance)
    .map(({ Name }) => Name);
  if (names.length === 0) return null;
  return docker.typed(`volume rm ${names.join(' ')}`);
}
