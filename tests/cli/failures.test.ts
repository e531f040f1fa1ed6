import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { whyNoPulumi } from '../support/pulumi.js';
import { SmallProgram } from '../support/small-program.js';
import { TEST_PREFIX } from '../support/test-stack.js';

const MINUTES = 60_000;

/** Two resources of the stack's kinds, each with a fault of its own. */
const PROGRAM = `
const fault = process.env.FAULT;
if (fault === 'build')
  new docker.RemoteImage('image-redis', { name: '${TEST_PREFIX}failing:1', build: { context: process.cwd() + '/image' } });
if (fault === 'disk')
  new local.Command('telegram-pgbouncer-userlist', { create: 'dd if=/dev/zero of=/dev/full bs=1k count=1' });
if (fault === 'rules') {
  new remote.Command('gateway-prepare', { connection: { host: 'gateway.example.org' }, create: 'true' });
  new docker.RemoteImage('image-redis', { name: 'redis:latest', keepLocally: true });
}
`;

/** What the stack's own tests cannot break without touching the checkout or the machine. */
(whyNoPulumi() === null ? describe : describe.skip)('O1 what the CLI says of a run that failed', () => {
  let program: SmallProgram;
  beforeAll(() => {
    program = new SmallProgram(PROGRAM);
    mkdirSync(join(program.folder, 'image'));
    // From nothing, so that no image has to be there: the build fails at the file that it cannot copy.
    writeFileSync(join(program.folder, 'image', 'Dockerfile'), 'FROM scratch\nCOPY not-there /\n');
  });
  afterAll(() => {
    program.remove();
  });
  const failed = (fault: string) => program.failed({ FAULT: fault });

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
    'S3 D10 O2 what no configuration brings about, the policy pack refuses in any program: a host key that is not pinned, a tag without a version',
    () => {
      const { code, told } = program.judged({ FAULT: 'rules' });
      expect(code).not.toBe(0);
      expect(told).toMatch(/\[mandatory\] +pins-the-host-key +\(command:remote:Command: gateway-prepare\)/);
      expect(told).toContain('gateway-prepare: the connection accepts any host key');
      expect(told).toMatch(
        /\[mandatory\] +takes-images-by-an-exact-version +\(docker:index:RemoteImage: image-redis\)/,
      );
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
