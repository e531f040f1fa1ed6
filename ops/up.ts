import { UserError } from '../stack/errors.js';
import type { StackOutputs } from '../stack/outputs.js';
import { installMissing } from './bootstrap.js';
import { buildRuntime } from './build.js';
import { openFolder, openStack, type StackOptions } from './context.js';
import { reachFurther, settleDocker } from './docker-endpoint.js';
import { DockerHosts } from './docker-hosts.js';
import { unchanged, type Engine } from './engines/engine.js';
import { checkMachine, checkOldMachine, machineOf } from './gateway-check.js';
import { showMigration } from './migrate/gate.js';
import { duration, print, say } from './output.js';
import { versionsBelowFloor } from './versions.js';
import { tunnelCommand } from '../stack/published-address.js';

/** From whatever the machine is to a healthy stack with messages flowing; run again, it changes nothing. */
export async function up(options: StackOptions & { readonly forgetGateway?: boolean }): Promise<void> {
  const started = Date.now();
  installMissing();
  const opened = openFolder(options);
  await settleDocker(opened);
  await reachFurther(opened);
  buildRuntime();
  const { choice } = openStack(options);
  say(`• engine: ${choice.engine.name}, because ${choice.reason}`);
  if (choice.engine.name === 'embedded') say('  it has no preview, no history and no remote backend');
  await gatewayMachine(choice.engine, options.forgetGateway ?? false);
  const changes = await choice.engine.up();
  const outputs = await choice.engine.outputs();
  if (!outputs) throw new UserError('RESOURCE_FAILED', 'the stack is up but left no outputs');
  print(summary(outputs));
  for (const { name, dockerHost, containers } of outputs.further ?? [])
    say(`• on ${name} (${dockerHost}): ${containers.join(', ')}`);
  const tunnel = tunnelCommand(outputs.dockerHost, Object.values(outputs.services));
  if (tunnel) say(`! 127.0.0.1 is that of the Docker host; from here: ${tunnel}`);
  for (const line of await versionsBelowFloor(new DockerHosts(outputs), outputs.instance)) say(`! ${line}`);
  for (const line of outputs.leftOut) say(`! ${line}`);
  await showMigration(choice.engine, options);
  if (changes) say(unchanged(changes) ? '✔ no changes' : `✔ ${tally(changes)}`);
  say(`✔ up in ${duration(Date.now() - started)}; next: npm run smoke, npm run doctor`);
  say(`✔ status page: ${outputs.services['api']?.url ?? ''}/`);
}

/** Before anything is created: the machine is fit, and the one that the gateway leaves lets itself be cleaned up. */
async function gatewayMachine(engine: Engine, forget: boolean): Promise<void> {
  if (forget) await engine.forgetGateway();
  const machine = machineOf(await engine.config());
  if (!machine) return;
  await checkMachine(machine);
  say(`• gateway machine: ${machine.user}@${machine.host} is reached and fit`);
  const before = forget ? null : await engine.outputs();
  if (before && !['container', machine.host].includes(before.gatewayHost))
    await checkOldMachine(before.gatewayLogin, 'up');
}

function tally(changes: object): string {
  return Object.entries(changes)
    .filter(([, count]) => Number(count) > 0)
    .map(([what, count]) => `${String(count)} ${what}`)
    .join(', ');
}

const GROUPS: Readonly<Record<string, string>> = {
  data: 'Data layer',
  gateway: 'Gateway',
  telegram: 'Telegram',
  monitoring: 'Monitoring',
  operation: 'Operation',
};

/** Addresses in groups, one a line. */
export function summary(outputs: StackOutputs): string {
  const services = Object.entries(outputs.services);
  const width = Math.max(...services.map(([name]) => name.length));
  return Object.entries(GROUPS)
    .map(([group, title]) => {
      const lines = services.filter(([, service]) => service.group === group);
      return lines.length === 0
        ? ''
        : [title, ...lines.map(([name, { url }]) => `  ${name.padEnd(width)}  ${url}`)].join('\n');
    })
    .filter(Boolean)
    .join('\n');
}
