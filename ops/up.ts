import { UserError } from '../stack/errors.js';
import type { StackOutputs } from '../stack/outputs.js';
import { bootstrap } from './bootstrap.js';
import { buildRuntime } from './build.js';
import { openStack, type StackOptions } from './context.js';
import { unchanged } from './engines/engine.js';
import { duration, print, say } from './output.js';
import { versionsBelowFloor } from './versions.js';
import { DockerHost } from '../stack/docker-host.js';

/** From whatever the machine is to a healthy stack with messages flowing; run again, it changes nothing. */
export async function up(options: StackOptions): Promise<void> {
  const started = Date.now();
  await bootstrap();
  buildRuntime();
  const { choice } = openStack(options);
  say(`• engine: ${choice.engine.name}, because ${choice.reason}`);
  if (choice.engine.name === 'embedded') say('  it has no preview, no history and no remote backend');
  const changes = await choice.engine.up();
  const outputs = await choice.engine.outputs();
  if (!outputs) throw new UserError('RESOURCE_FAILED', 'the stack is up but left no outputs');
  print(summary(outputs));
  for (const line of await versionsBelowFloor(new DockerHost(outputs.dockerHost), outputs.instance)) say(`! ${line}`);
  if (changes) say(unchanged(changes) ? '✔ no changes' : `✔ ${tally(changes)}`);
  say(`✔ up in ${duration(Date.now() - started)}; next: npm run smoke, npm run doctor`);
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
