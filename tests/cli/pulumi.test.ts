import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { whyNoPulumi } from '../support/pulumi.js';
import { TEST_CONFIG, TEST_PREFIX, TEST_STATE, must, run } from '../support/test-stack.js';

const missing = whyNoPulumi();
if (missing) process.stderr.write(`\nskipped: tests of the real Pulumi engine, because ${missing}\n`);

/** Beside the embedded engine's state: the two never share one. */
const env = { TELEGRAM_STATE_DIR: join(TEST_STATE, 'pulumi') };
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

  it('O12 the plain CLI runs in the surroundings of the stack, and no tracked file changes', () => {
    const before = execFileSync(
      'git',
      ['status', '--porcelain', '--', 'Pulumi.yaml', 'Pulumi.dev.yaml', 'Pulumi.prod.yaml'],
      {
        encoding: 'utf8',
      },
    );
    const { stdout } = must('pulumi', ['stack', 'output', 'credentialEpoch'], env);
    expect(stdout.trim()).toBe('1');
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
