import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explainPulumi } from '../../ops/engines/explain.js';
import { findPulumi } from '../../ops/pulumi-cli.js';
import { ROOT } from '../../ops/stack-folder.js';
import { whyNoPulumi } from '../support/pulumi.js';
import { TEST_PREFIX } from '../support/test-stack.js';

const MINUTES = 60_000;

/** Two resources of the stack's kinds, each with a fault of its own. */
const PROGRAM = `
const docker = require('@pulumi/docker');
const { local } = require('@pulumi/command');
const fault = process.env.FAULT;
if (fault === 'build')
  new docker.RemoteImage('image-redis', { name: '${TEST_PREFIX}failing:1', build: { context: process.cwd() + '/image' } });
if (fault === 'disk')
  new local.Command('telegram-pgbouncer-userlist', { create: 'dd if=/dev/zero of=/dev/full bs=1k count=1' });
`;

/** What the stack's own tests cannot break without touching the checkout or the machine: a small program of its own fails for real. */
(whyNoPulumi() === null ? describe : describe.skip)('O1 what the CLI says of a run that failed', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'failures-'));
    mkdirSync(join(folder, 'image'));
    mkdirSync(join(folder, 'state'));
    // From nothing, so that no image has to be there: the build fails at the file that it cannot copy.
    writeFileSync(join(folder, 'image', 'Dockerfile'), 'FROM scratch\nCOPY not-there /\n');
    writeFileSync(join(folder, 'Pulumi.yaml'), 'name: failures\nruntime: nodejs\n');
    writeFileSync(join(folder, 'package.json'), '{"name":"failures","main":"index.js"}');
    writeFileSync(join(folder, 'index.js'), PROGRAM);
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const failed = (fault: string) => {
    const pulumi = (...args: string[]) =>
      spawnSync(findPulumi() ?? 'pulumi', [...args, '--non-interactive', '--color', 'never'], {
        cwd: folder,
        encoding: 'utf8',
        timeout: 3 * MINUTES,
        env: {
          ...process.env,
          PULUMI_BACKEND_URL: `file://${join(folder, 'state')}`,
          PULUMI_CONFIG_PASSPHRASE: 'one',
          PULUMI_SKIP_UPDATE_CHECK: 'true',
          DOCKER_BUILDKIT: '0',
          FAULT: fault,
        },
      });
    pulumi('stack', 'select', '--create', 'failures');
    const { status, stdout, stderr } = pulumi('up', '--yes', '--skip-preview');
    expect(status).not.toBe(0);
    return explainPulumi('up', status ?? 1, stdout + stderr);
  };

  it(
    'O1 an image that does not build is named, with its last words and the command that shows all of it',
    () => {
      const error = failed('build');
      expect(error).toMatchObject({
        code: 'RESOURCE_FAILED',
        message: 'image-redis (docker:index:RemoteImage) failed',
      });
      expect(error).toHaveProperty('details', [
        expect.stringMatching(/not-there/),
        expect.stringMatching(/^the whole build: docker build .* images\/redis$/),
      ]);
    },
    4 * MINUTES,
  );

  it(
    'O1 a disk without room is told as that',
    () => {
      const error = failed('disk');
      expect(error).toMatchObject({
        code: 'DISK_FULL',
        why: expect.stringMatching(/No space left on device/) as unknown,
      });
    },
    4 * MINUTES,
  );
});
