import { SOURCE_LABEL, INSTANCE_LABEL } from '../components/stack-context.js';
import { upstreamImage, type ImageSource } from '../components/image-names.js';
import { labelOf, type DockerContainer, type DockerHost } from './docker-host.js';

export interface ImageDecision {
  readonly source: ImageSource;
  /** Said to the person, so that the choice is never a surprise. */
  readonly reason: string;
}

/** Longest try of one pull, in milliseconds. */
const PULL_TRY_MS = 120_000;

/**
 * Settles `auto`: what the stack's containers already run on, else the official images if one of them can be had, else
 * Debian packages. The choice is sticky, so that a preview never depends on the network.
 */
export async function decideImageSource(
  wanted: ImageSource | 'auto',
  instance: string,
  host: DockerHost,
  containers: readonly DockerContainer[],
): Promise<ImageDecision> {
  if (wanted !== 'auto') return { source: wanted, reason: `telegram:images is "${wanted}"` };
  const mine = containers.find((container) => labelOf(container, INSTANCE_LABEL) === instance);
  const settled = mine && labelOf(mine, SOURCE_LABEL);
  if (settled === 'upstream' || settled === 'debian')
    return { source: settled, reason: 'the running stack already uses it' };
  const probe = upstreamImage('redis');
  if (probe && ((await present(host, probe)) || (await pullable(host, probe))))
    return { source: 'upstream', reason: 'official images can be pulled' };
  return { source: 'debian', reason: 'official images cannot be pulled here' };
}

async function present(host: DockerHost, image: string): Promise<boolean> {
  return host.docker(['image', 'inspect', '--format', '{{.Id}}', image]).then(
    () => true,
    () => false,
  );
}

async function pullable(host: DockerHost, image: string): Promise<boolean> {
  return host.docker(['pull', '-q', image], PULL_TRY_MS).then(
    () => true,
    () => false,
  );
}
