import { expect, it } from '@jest/globals';
import type { Proof } from '../../../ops/prove/index.js';
import { StackFolder } from '../../../ops/stack-folder.js';
import { imageSource, rotationOf } from '../../support/parts.js';
import { RotationRun, refusedOf } from '../../support/rotation-run.js';
import { leaks, pulumiPasswords, pulumiSecrets } from '../../support/secrets/collect.js';
import { FAILURES, type Failure } from '../../support/secrets/failures.js';
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
    'O5 two rotations in a row fail nothing, lose nothing, restart nothing',
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
    'S4 O5 a rotation whose steps fail tells no secret, neither by `rotate` nor by the plain CLI',
    async () => {
      const epoch = new StackFolder(TEST_STACK).credentialEpoch;
      const plain = ['up', '--yes', '--skip-preview', '--non-interactive', '--diff'];
      // Where the CLI names what failed: in a heading, which it does not give with `--diff`.
      const attempts = [
        [
          'telegram-pgbouncer-userlist',
          'command:local:Command (telegram-pgbouncer-userlist):\n',
          () => run('rotate', [], { ...env, DEBUG: '1' }),
        ],
        [
          'gateway-credentials',
          'credentials.json.new: Directory nonexistent\n',
          () => run('pulumi', plain, { ...env, DEBUG: '1' }),
        ],
      ] as const;
      // Those that the rotation takes the place of, too.
      const secrets = pulumiSecrets(env);
      expect(secrets.length).toBeGreaterThan(60);
      for (const [step, named, attempt] of attempts) {
        const { says, breakIt, mend } = failureOf(step);
        await breakIt();
        const { code, stdout, stderr } = attempt();
        await mend();
        const told = stdout + stderr;
        secrets.push(...pulumiSecrets(env));
        expect({ step, leaks: leaks(secrets, told) }).toEqual({ step, leaks: [] });
        expect([code === 0, told]).toEqual([false, expect.stringContaining(named)]);
        expect(told).toMatch(says);
      }
      expect(new StackFolder(TEST_STACK).credentialEpoch).toBe(epoch + 1);
    },
    8 * MINUTES,
  );

  it(
    'O1 O2 O5 N7 the script that proves a real machine finishes that rotation; then the preview is clean, the policy pack content, and neither a refresh nor `up` changes anything',
    () => {
      const epoch = new StackFolder(TEST_STACK).credentialEpoch;
      const order = ['rotate', 'smoke', 'preview', 'refresh', 'again'];
      const { ok, steps } = JSON.parse(must('prove', ['--steps', order.join(',')], env).stdout) as Proof;
      expect(steps.map(({ step, outcome }) => `${step} ${outcome}`)).toEqual(order.map((step) => `${step} proven`));
      expect(ok).toBe(true);
      // Only finished, not gone on with.
      expect(new StackFolder(TEST_STACK).credentialEpoch).toBe(epoch);
      const took = steps.at(-1)?.figures['took'];
      process.stderr.write(`    N7 up without changes: ${String(took)}\n`);
      expect(took).toEqual(expect.stringMatching(/^(\d+ min )?[\d.]+ s$/));
    },
    12 * MINUTES,
  );
}

function failureOf(step: string): Failure {
  const found = FAILURES.find((one) => one.step === step);
  if (!found) throw new Error(`nothing breaks ${step}`);
  return found;
}
