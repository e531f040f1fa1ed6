import { INSTANCE_LABEL, VERSIONS_FILE } from '../components/stack-context.js';
import { labelOf, type DockerHost } from '../stack/docker-host.js';

/** One sentence a part that is below its floor, from the images of the stack's running containers. */
export async function versionsBelowFloor(docker: DockerHost, instance: string): Promise<string[]> {
  const mine = (await docker.containers()).filter(
    (container) => container.State === 'running' && labelOf(container, INSTANCE_LABEL) === instance,
  );
  const oneAnImage = [...new Map(mine.map((container) => [container.Image, container])).values()];
  const texts = await Promise.all(
    oneAnImage.map(({ Names }) => docker.docker(['exec', Names, 'cat', VERSIONS_FILE], 10_000).catch(() => '')),
  );
  const lines = texts.flatMap((text) => text.split('\n')).filter((line) => line.endsWith(' below'));
  return [...new Set(lines)].map((line) => {
    const [part = '', version = '', floor = ''] = line.split(' ');
    return `${part} ${version} is below its security floor ${floor}: fit for development, not for production`;
  });
}
