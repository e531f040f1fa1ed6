import { ONE_SHOT_LABEL } from '../../components/stack-context.js';
import type { DockerHost } from '../../stack/docker-host.js';

/**
 * Removes the one-shots of a stack whose client was ended after it had made the container and before it started it: such a
 * container never runs, so `--rm` never removes it, and it holds its volumes. One that runs is left alone.
 */
export async function removeLeftOneShots(docker: DockerHost, instance: string): Promise<void> {
  const mine = ['--filter', `label=${ONE_SHOT_LABEL}=${instance}`, '--filter', 'status=created'];
  // An engine that does not answer is told by what comes next.
  const ids = await docker.docker(['ps', '-aq', ...mine]).catch(() => '');
  for (const id of ids.split('\n').filter((line) => line !== ''))
    await docker.docker(['rm', id]).catch(() => undefined);
}
