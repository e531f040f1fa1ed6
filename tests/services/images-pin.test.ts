import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { upstreamImage, UPSTREAM } from '../../components/image-names.js';
import { pinImages } from '../../ops/images-pin.js';
import { UserError } from '../../stack/errors.js';
import { imageTools } from '../support/image-tools.js';
import { waitFor } from '../support/services.js';
import { docker, TEST_PREFIX } from '../support/test-stack.js';

const MINUTES = 60_000;
const NAME = `${TEST_PREFIX}registry`;
const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

/** A real registry on loopback: official ones cannot be reached from everywhere. */
describe('D10 images:pin', () => {
  let folder: string;
  let file: string;
  let registry: string;
  let tools: ReturnType<typeof imageTools>;

  /** What the registry itself says is behind a tag. */
  const digestOf = async (tag: string): Promise<string> => {
    const [, name = '', version = ''] = /^[^/]+\/(.+):([^:]+)$/.exec(tag) ?? [];
    const response = await fetch(`http://${registry}/v2/${name}/manifests/${version}`, {
      headers: { accept: MANIFEST },
    });
    return response.headers.get('docker-content-digest') ?? '';
  };
  const push = async (image: string, tag: string): Promise<void> => {
    await docker('tag', image, tag);
    await docker('push', '-q', tag);
    await docker('rmi', tag);
  };
  const pinned = () => JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  const refusal = async (tags: readonly string[]): Promise<UserError> =>
    pinImages(tags, file).then(
      () => {
        throw new Error('nothing was refused');
      },
      (error: unknown) => error as UserError,
    );

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pin-'));
    file = join(folder, 'image-digests.json');
    writeFileSync(file, '{}\n');
    tools = imageTools();
    const serve = ['docker-registry', 'serve', '/etc/docker/registry/config.yml'];
    const secure = ['-e', 'REGISTRY_AUTH=none', '-e', 'REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/tmp/registry'];
    await docker('run', '-d', '--rm', '--name', NAME, '-p', '127.0.0.1::5000', ...secure, tools.tag, ...serve);
    registry = await docker('port', NAME, '5000/tcp');
    await waitFor(
      'the registry',
      async () =>
        fetch(`http://${registry}/v2/`).then(
          ({ ok }) => ok,
          () => false,
        ),
      MINUTES,
    );
    await push(tools.base, `${registry}/library/one:8.10.2`);
    await push(tools.tag, `${registry}/library/two:4.3.6-management`);
  }, 8 * MINUTES);

  afterAll(async () => {
    await docker('rm', '-f', NAME);
    const left = await docker('images', '-q', '--filter', `reference=${registry}/library/*`);
    // The layers below belong to the image that the test was built on: Docker removes the names and refuses the rest.
    if (left !== '') await docker('rmi', '-f', ...new Set(left.split('\n'))).catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  });

  it(
    'D10 writes for every tag what the registry says is behind it',
    async () => {
      const tags = [`${registry}/library/two:4.3.6-management`, `${registry}/library/one:8.10.2`];
      await pinImages(tags, file);
      expect(pinned()).toEqual(
        Object.fromEntries(await Promise.all(tags.map(async (tag) => [tag, await digestOf(tag)]))),
      );
      expect(Object.values(pinned()).every((digest) => /^sha256:[0-9a-f]{64}$/.test(digest))).toBe(true);
    },
    MINUTES,
  );

  it(
    'D10 such a reference is one that Docker pulls, tag and digest together',
    async () => {
      const [tag = '', digest = ''] = Object.entries(pinned())[0] ?? [];
      await docker('pull', '-q', `${tag}@${digest}`);
      expect(await docker('image', 'inspect', '--format', '{{.Id}}', `${tag}@${digest}`)).toMatch(/^sha256:/);
    },
    MINUTES,
  );

  it(
    'D10 a tag that was moved gets its new digest; one that was not stays',
    async () => {
      const tag = `${registry}/library/one:8.10.2`;
      const before = pinned();
      await push(tools.tag, tag);
      await pinImages(Object.keys(before), file);
      expect(pinned()[tag]).not.toBe(before[tag]);
      expect(pinned()[tag]).toBe(await digestOf(tag));
      expect(pinned()[`${registry}/library/two:4.3.6-management`]).toBe(
        before[`${registry}/library/two:4.3.6-management`],
      );
    },
    MINUTES,
  );

  it(
    'D10 one that cannot be had changes nothing, and says why',
    async () => {
      const before = readFileSync(file, 'utf8');
      const error = await refusal([`${registry}/library/one:8.10.2`, `${registry}/library/zero:1.0`]);
      expect(error.code).toBe('REGISTRY_UNREACHABLE');
      expect(error.message).toBe(`${registry}/library/zero:1.0 cannot be pulled; nothing was changed`);
      expect(error.why).toMatch(/not found|manifest unknown/);
      expect((await refusal(['127.0.0.1:1/library/one:1'])).why).toMatch(/connection refused/);
      expect(readFileSync(file, 'utf8')).toBe(before);
    },
    MINUTES,
  );

  it('D10 the components take an image by its tag and the digest that is pinned', () => {
    const tag = UPSTREAM['redis'] ?? '';
    expect(upstreamImage('redis', {})).toBe(tag);
    expect(upstreamImage('redis', { [tag]: 'sha256:1' })).toBe(`${tag}@sha256:1`);
    expect(upstreamImage('redis', { 'redis:1': 'sha256:1' })).toBe(tag);
    expect(upstreamImage('pgbouncer', {})).toBeNull();
  });
});
