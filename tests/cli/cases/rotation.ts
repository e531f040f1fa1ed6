import { expect, it } from '@jest/globals';
import { StackFolder } from '../../../ops/stack-folder.js';
import { imageSource, rotationOf } from '../../support/parts.js';
import { RotationRun, refusedOf } from '../../support/rotation-run.js';
import { pulumiPasswords } from '../../support/secrets/collect.js';
import { waitFor } from '../../support/services.js';
import { container, docker, must, run, TEST_STACK } from '../../support/test-stack.js';
import { env, MINUTES } from './stack.js';

export function rotations(): void {
  it(
    'O5 the preview of the next epoch shows exactly the listed resources',
    async () => {
      const folder = new StackFolder(TEST_STACK);
      folder.credentialEpoch = 2;
      const { stdout } = must('preview', ['--json'], env);
      folder.credentialEpoch = 1;
      const { steps } = JSON.parse(stdout) as { steps: { op: string; urn: string }[] };
      const names = steps
        .filter(({ op }) => op !== 'same')
        .map(({ urn }) => {
          const [type = '', name = ''] = urn.split('::').slice(2);
          return `${type.split('$').at(-1) ?? ''} ${name}`;
        });
      expect([...new Set(names)].sort()).toEqual(rotationOf(await imageSource()));
    },
    5 * MINUTES,
  );

  it(
    'O5 two rotations in a row fail nothing, lose nothing, restart nothing, and leave a clean preview',
    async () => {
      const rotation = new RotationRun(new StackFolder(TEST_STACK), () => pulumiPasswords(env));
      try {
        await rotation.perform();
      } finally {
        await rotation.traffic.stop();
      }
      process.stderr.write(`    O5 ${rotation.summary}\n`);
      expect(rotation.traffic.failures).toEqual([]);
      expect(rotation.after).toEqual(rotation.before);
      const { posts, former, stillAccepted } = rotation;
      await waitFor('the last message', async () => (await posts.missing()).length === 0, 2 * MINUTES);
      expect(stillAccepted).toEqual(former.map(({ name }) => name));
      expect([rotation.untried, rotation.refusedAtOnce]).toEqual([[], ['postgres']]);
      expect(await refusedOf(former)).toEqual(former.map(({ name }) => name));
      expect(run('preview', ['--expect-no-changes'], env)).toMatchObject({ code: 0 });
    },
    20 * MINUTES,
  );

  it(
    'O5 a skipped epoch is refused by the preview already, also where the record of the last one is gone',
    async () => {
      const folder = new StackFolder(TEST_STACK);
      const now = folder.credentialEpoch;
      const record = ['begun', 'completed'].map((stage) => container(`credential-epoch-${String(now)}-${stage}`));
      await docker('volume', 'rm', ...record);
      folder.credentialEpoch = now + 2;
      const { code, stdout, stderr } = run('preview', [], env);
      folder.credentialEpoch = now;
      expect(code).not.toBe(0);
      expect(`${stdout}${stderr}`).toContain(`telegram:credentialEpoch: ${String(now + 2)} skips from ${String(now)}`);
    },
    3 * MINUTES,
  );

  it(
    'O5 rotate --both takes two steps, from the epoch that the containers know',
    () => {
      const before = new StackFolder(TEST_STACK).credentialEpoch;
      const { stderr } = must('rotate', ['--both'], env);
      expect(new StackFolder(TEST_STACK).credentialEpoch).toBe(before + 2);
      expect(stderr).toMatch(/✔ rotated in .*; no password from before these 2 steps is accepted any more/);
      const { stdout } = must('smoke', ['--json', '--count', '20'], env);
      expect(JSON.parse(stdout)).toMatchObject({ posted: 20, consumed: 20, duplicates: 0 });
    },
    10 * MINUTES,
  );
}
