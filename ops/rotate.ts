import { DockerHost } from '../stack/docker-host.js';
import { epochProgress } from '../stack/epoch-progress.js';
import { UserError } from '../stack/errors.js';
import type { StackOutputs } from '../stack/outputs.js';
import { activeSlot, isUnfinished, type Progress } from '../stack/rotation.js';
import { bootstrap } from './bootstrap.js';
import { buildRuntime } from './build.js';
import { openStack, runningStack, type StackOptions } from './context.js';
import type { Engine } from './engines/engine.js';
import { duration, say } from './output.js';
import type { StackFolder } from './stack-folder.js';

/**
 * Raises `credentialEpoch` by exactly one and applies it with the engine of the stack. A step that was begun before is
 * finished instead, also when only the configuration was raised. `both`: as many steps, one after the other, as it takes until no
 * password from before is accepted.
 */
export async function rotate(options: StackOptions & { readonly both?: boolean }): Promise<void> {
  const { folder, outputs } = await runningStack(options);
  await bootstrap();
  buildRuntime();
  const { choice } = openStack(options);
  const started = Date.now();
  const steps = stepsOf(await progress(outputs), options.both === true);
  for (let taken = 0; taken < steps; taken += 1) await step(folder, choice.engine, outputs);
  const outcome = options.both
    ? `no password from before these ${String(steps)} steps is accepted any more`
    : afterOneStep(outputs);
  say(`✔ rotated in ${duration(Date.now() - started)}; ${outcome}`);
}

/** What is true of the former passwords after one step. Two have no second slot: nobody but people uses them. */
export function afterOneStep({ containers, namePrefix }: Pick<StackOutputs, 'containers' | 'namePrefix'>): string {
  const has = (part: string) => containers.includes(`${namePrefix}telegram-${part}`);
  const atOnce = [has('timescaledb') && 'the superuser postgres', has('grafana') && "Grafana's admin"].filter(Boolean);
  const stay = 'the former passwords stay valid until the next step';
  return atOnce.length === 0 ? stay : `${stay}, but for those of ${atOnce.join(' and ')}`;
}

async function step(folder: StackFolder, engine: Engine, outputs: StackOutputs): Promise<void> {
  const started = Date.now();
  const before = await progress(outputs);
  const epoch = nextEpoch(before, folder.credentialEpoch);
  const what = epoch === folder.credentialEpoch ? 'finishing epoch' : `epoch ${String(folder.credentialEpoch)} →`;
  say(`• credentials: ${what} ${String(epoch)}, slot ${activeSlot(epoch)} comes into use; engine: ${engine.name}`);
  folder.credentialEpoch = epoch;
  try {
    await engine.up();
  } catch (error) {
    say(`! epoch ${String(epoch)} is not complete; \`npm run rotate\` goes on with it`);
    throw error;
  }
  const { completed } = await progress(outputs);
  if (completed !== epoch)
    throw new UserError('RESOURCE_FAILED', `epoch ${String(epoch)} is applied but not on record`, {
      fix: 'Run `npm run rotate` again: it goes on with this epoch.',
    });
  say(`✔ epoch ${String(epoch)} complete in ${duration(Date.now() - started)}`);
}

/** Steps to take. One that was begun before made its passwords then: to be rid of them too takes a third. */
export function stepsOf(progress: Progress, both: boolean): number {
  if (!both) return 1;
  return isUnfinished(progress) ? 3 : 2;
}

/** The epoch to apply: the one that stands half done, else the configured one where it was not applied yet, else the next. */
export function nextEpoch(progress: Progress, configured: number): number {
  if (progress.begun !== null && isUnfinished(progress)) return progress.begun;
  return progress.completed === configured ? configured + 1 : configured;
}

async function progress({ dockerHost, instance }: StackOutputs): Promise<Progress> {
  const host = new DockerHost(dockerHost);
  return epochProgress(host, instance, await host.containers());
}
