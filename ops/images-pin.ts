import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UPSTREAM } from '../components/image-names.js';
import { DockerHost, shellDockerHost } from '../stack/docker-host.js';
import { UserError } from '../stack/errors.js';
import { say } from './output.js';
import { ROOT } from './stack-folder.js';

/** Longest pull of one image, in milliseconds. */
const PULL_BOUND_MS = 15 * 60_000;

export const DIGESTS_FILE = join(ROOT, 'components', 'image-digests.json');

/** Every official image that a stack with `telegram:images: upstream` runs. */
export function upstreamTags(): string[] {
  return Object.values(UPSTREAM).filter((tag) => tag !== null);
}

/**
 * Asks the registry what is behind each tag and writes the digests into one committed file; the components take them from
 * there. All of them or none: while one cannot be had, the file stays as it is. By `docker pull`, because that is
 * the one way that knows the engine's own mirrors, proxies and logins; the images are needed anyway.
 */
export async function pinImages(tags: readonly string[] = upstreamTags(), file = DIGESTS_FILE): Promise<void> {
  const docker = new DockerHost(await shellDockerHost());
  const digests: Record<string, string> = {};
  for (const tag of [...tags].sort()) {
    say(`• asking for ${tag}`);
    digests[tag] = await digestOf(docker, tag);
  }
  const text = `${JSON.stringify(digests, null, 2)}\n`;
  if (text === readFileSync(file, 'utf8')) {
    say('✔ every tag is pinned already');
    return;
  }
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
  say(`✔ ${String(tags.length)} digests in ${file}; next: npm test, and commit the file`);
}

/** Digest of the index, which is the same for every architecture. */
async function digestOf(docker: DockerHost, tag: string): Promise<string> {
  try {
    await docker.docker(['pull', '-q', tag], PULL_BOUND_MS);
  } catch (cause) {
    throw new UserError('REGISTRY_UNREACHABLE', `${tag} cannot be pulled; nothing was changed`, {
      cause,
      why: lastLine(cause),
    });
  }
  const listed = JSON.parse(await docker.docker(['image', 'inspect', '--format', '{{json .RepoDigests}}', tag])) as
    string[] | null;
  const repository = tag.slice(0, tag.lastIndexOf(':'));
  const digest = listed?.find((text) => text.startsWith(`${repository}@`))?.split('@')[1];
  if (!digest)
    throw new UserError('REGISTRY_UNREACHABLE', `the engine names no digest for ${tag}; nothing was changed`);
  return digest;
}

function lastLine(error: unknown): string {
  const text = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
  return text.trim().split('\n').at(-1) ?? '';
}
