import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { whyNoPulumi } from '../support/pulumi.js';
import { ROOT, StackFolder } from '../../ops/stack-folder.js';
import { RotationRun, namesOf } from '../support/rotation-run.js';
import { isRefusal } from '../support/former-logins.js';
import { waitFor } from '../support/services.js';
import { TEST_CONFIG, TEST_PREFIX, TEST_STACK, TEST_STATE, must, run, useState } from '../support/test-stack.js';

const missing = whyNoPulumi();
if (missing) process.stderr.write(`\nskipped: tests of the real Pulumi engine, because ${missing}\n`);

/** Beside the embedded engine's state: the two never share one. */
const env = { TELEGRAM_STATE_DIR: join(TEST_STATE, 'pulumi') };
useState(env.TELEGRAM_STATE_DIR);
const docker = (...args: string[]) => execFileSync('docker', args, { encoding: 'utf8' }).trim();
const leftovers = () =>
  [
    docker('ps', '-a', '--format', '{{.Names}}', '--filter', `name=^${TEST_PREFIX}telegram`),
    docker('volume', 'ls', '-q', '--filter', `name=^${TEST_PREFIX}telegram`),
    docker('network', 'ls', '--format', '{{.Name}}', '--filter', `name=^${TEST_PREFIX}telegram`),
  ].join('');

const MINUTES = 60_000;

(missing ? describe.skip : describe)('the real Pulumi engine', () => {
  beforeAll(() => {
    const started = Date.now();
    must('up', ['--engine', 'pulumi', '--config', TEST_CONFIG], env);
    process.stderr.write(`pulumi up: ${String(Math.round((Date.now() - started) / 1000))} s\n`);
  }, 15 * MINUTES);

  afterAll(() => {
    run('destroy', ['--yes'], env);
  }, 5 * MINUTES);

  it(
    'O1 posts, stores, publishes and consumes every message',
    () => {
      const { stdout } = must('smoke', ['--json'], env);
      expect(JSON.parse(stdout)).toMatchObject({
        posted: 200,
        stored: 200,
        published: 200,
        consumed: 200,
        duplicates: 0,
      });
    },
    2 * MINUTES,
  );

  it(
    'O2 the preview after up is clean',
    () => {
      expect(run('preview', ['--expect-no-changes'], env)).toMatchObject({ code: 0 });
    },
    3 * MINUTES,
  );

  it(
    'O2 the preview after a refresh is clean',
    () => {
      must('pulumi', ['refresh', '--yes', '--non-interactive', '--suppress-outputs'], env);
      expect(run('preview', ['--expect-no-changes'], env)).toMatchObject({ code: 0 });
    },
    5 * MINUTES,
  );

  it(
    'O1 a second up changes nothing',
    () => {
      const { stderr } = must('up', [], env);
      expect(stderr).toContain('no changes');
    },
    3 * MINUTES,
  );

  it(
    'O10 the embedded engine refuses a stack that the CLI made',
    () => {
      const { code, stderr } = run('up', ['--engine', 'embedded'], env);
      expect(code).toBe(1);
      expect(stderr).toContain('was made by the pulumi engine');
    },
    MINUTES,
  );

  it(
    'O5 the preview of the next epoch shows exactly the listed resources',
    () => {
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
      const listed = readFileSync(join(ROOT, 'tests', 'golden', 'rotation.txt'), 'utf8')
        .trim()
        .split('\n');
      expect([...new Set(names)].sort()).toEqual(listed.sort());
    },
    5 * MINUTES,
  );

  it(
    'O5 two rotations in a row fail nothing, lose nothing, restart nothing, and leave a clean preview',
    async () => {
      const rotation = new RotationRun(new StackFolder(TEST_STACK));
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
      const refused = await namesOf(former, ({ ask }) => ask().then(() => false, isRefusal));
      expect(refused).toEqual(former.map(({ name }) => name));
      expect(run('preview', ['--expect-no-changes'], env)).toMatchObject({ code: 0 });
    },
    20 * MINUTES,
  );

  it(
    'O5 a skipped epoch is refused by the preview already',
    () => {
      const folder = new StackFolder(TEST_STACK);
      const now = folder.credentialEpoch;
      folder.credentialEpoch = now + 2;
      const { code, stdout, stderr } = run('preview', [], env);
      folder.credentialEpoch = now;
      expect(code).not.toBe(0);
      expect(`${stdout}${stderr}`).toContain(`telegram:credentialEpoch: ${String(now + 2)} skips from ${String(now)}`);
    },
    3 * MINUTES,
  );

  it(
    'O5 rotate --both takes two steps',
    () => {
      const before = new StackFolder(TEST_STACK).credentialEpoch;
      const { stderr } = must('rotate', ['--both'], env);
      expect(new StackFolder(TEST_STACK).credentialEpoch).toBe(before + 2);
      expect(stderr).toMatch(/✔ rotated in .*; no password from before these two steps is accepted any more/);
      const { stdout } = must('smoke', ['--json', '--count', '20'], env);
      expect(JSON.parse(stdout)).toMatchObject({ posted: 20, consumed: 20, duplicates: 0 });
    },
    10 * MINUTES,
  );

  it('O12 the plain CLI runs in the surroundings of the stack, and no tracked file changes', () => {
    const before = execFileSync(
      'git',
      ['status', '--porcelain', '--', 'Pulumi.yaml', 'Pulumi.dev.yaml', 'Pulumi.prod.yaml'],
      {
        encoding: 'utf8',
      },
    );
    const { stdout } = must('pulumi', ['stack', 'output', 'credentialEpoch'], env);
    expect(stdout.trim()).toBe(String(new StackFolder(TEST_STACK).credentialEpoch));
    const { stdout: exports } = must('pulumi-env', [], env);
    expect(exports).toContain('export PULUMI_BACKEND_URL=');
    expect(
      execFileSync('git', ['status', '--porcelain', '--', 'Pulumi.yaml', 'Pulumi.dev.yaml', 'Pulumi.prod.yaml'], {
        encoding: 'utf8',
      }),
    ).toBe(before);
  });

  it(
    'O3 destroy leaves nothing behind',
    () => {
      must('destroy', ['--yes'], env);
      expect(leftovers()).toBe('');
    },
    5 * MINUTES,
  );
});
