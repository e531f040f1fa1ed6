import { ONE_SHOT_LABEL } from '../../components/stack-context.js';
import type { DockerHost } from '../../stack/docker-host.js';

/**
 * Removes the one-shots of a stack whose client was ended after it had made the container and before it started it: such a
 * container never runs, so `--rm` never removes it, and it holds its volumes. One that runs is left alone.
 */
export async function removeLeftOneShots(dockers: readonly DockerHost[], instance: string): Promise<void> {
  await removeThose(dockers, instance, ['--filter', 'status=created']);
}

/** Removes every one-shot of a stack, for whoever removes the stack: one that runs on holds its network. */
export async function removeOneShots(dockers: readonly DockerHost[], instance: string): Promise<void> {
  await removeThose(dockers, instance, []);
}

async function removeThose(dockers: readonly DockerHost[], instance: string, which: readonly string[]): Promise<void> {
  for (const docker of dockers) {
    // An engine that does not answer is told by what comes next.
    const ids = await docker.docker(['ps', '-aq', ...which, ...ofStack(instance)]).catch(() => '');
    for (const id of ids.split('\n').filter((line) => line !== ''))
      await docker.docker(['rm', '--force', id]).catch(() => undefined);
  }
}

const ofStack = (instance: string) => ['--filter', `label=${ONE_SHOT_LABEL}=${instance}`];
