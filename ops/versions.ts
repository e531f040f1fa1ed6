import { VERSIONS_FILE } from '../components/stack-context.js';
import type { DockerHost } from '../stack/docker-host.js';
import { containersOf } from './containers.js';

/** One sentence a part that is below its floor, from the images of the stack's containers. */
export async function versionsBelowFloor(docker: DockerHost, instance: string): Promise<string[]> {
  const containers = await containersOf(docker, instance);
  const oneAnImage = [...new Map(containers.map((container) => [container.Image, container])).values()];
  // Copied out, not read by a process inside: that costs a tenth, and works on a stopped one.
  const archives = await Promise.all(
    oneAnImage.map(({ ID }) => docker.docker(['cp', `${ID}:${VERSIONS_FILE}`, '-'], 10_000).catch(() => '')),
  );
  const lines = archives.flatMap((archive) => onlyFile(archive).split('\n')).filter((line) => line.endsWith(' below'));
  return [...new Set(lines)].map((line) => {
    const [part = '', version = '', floor = ''] = line.split(' ');
    return `${part} ${version} is below its security floor ${floor}: fit for development, not for production`;
  });
}

/** Content of a tar archive of one ASCII file: a header of 512 bytes, in which the size stands in octal. */
function onlyFile(archive: string): string {
  return archive.slice(512, 512 + Number.parseInt(archive.slice(124, 135), 8));
}
