import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { FileBackend, isDead } from '../../ops/engines/file-backend.js';
import { StackFolder } from '../../ops/stack-folder.js';
import { waitFor } from '../support/services.js';
import { leaveOneShot } from '../support/left-one-shot.js';
import { verdict, whyNoPulumi } from '../support/pulumi.js';
import { flawless, must, run, start, TEST_CONFIG, TEST_PREFIX, TEST_STACK, useState } from '../support/test-stack.js';
import { configuration } from './cases/config.js';
import { firstStart } from './cases/first-start.js';
import { interruptions } from './cases/killed.js';
import { machine } from './cases/machine.js';
import { mending } from './cases/mending.js';
import { parity } from './cases/parity.js';
import { policy } from './cases/policy.js';
import { previews } from './cases/previews.js';
import { rotations } from './cases/rotation.js';
import { secrecy } from './cases/secrets.js';
import { env, MINUTES, shell } from './cases/stack.js';
import { spoiledState } from './cases/state.js';

const missing = whyNoPulumi();
const outcome = verdict(missing, process.env);
if (outcome === 'skip') process.stderr.write(`\nskipped: tests of the real Pulumi engine, because ${missing ?? ''}\n`);
if (outcome === 'fail') throw new Error(`REQUIRE_PULUMI=1, but ${missing ?? ''}`);

useState(env.TELEGRAM_STATE_DIR);
/** The test stack, but that its data outlives it. */
const CONFIG = join(env.TELEGRAM_STATE_DIR, 'source.yaml');
const TRACKED = 'Pulumi.yaml Pulumi.dev.yaml Pulumi.prod.yaml';
const list = (command: string) => shell(`docker ${command} --filter 'name=^${TEST_PREFIX}telegram-'`);
const volumes = () => list('volume ls -q');

/** What is here of an earlier run goes, data too. */
function removeAll(): void {
  run('destroy', ['--yes'], env);
  if (volumes() !== '') shell(`docker volume rm ${volumes().replaceAll('\n', ' ')}`);
}

(outcome === 'skip' ? describe.skip : describe)('the real Pulumi engine', () => {
  beforeAll(() => {
    removeAll();
    // The working copy of an earlier run stands at the epoch that it had come to.
    rmSync(env.TELEGRAM_STATE_DIR, { recursive: true, force: true });
    const { config } = parse(readFileSync(TEST_CONFIG, 'utf8')) as { config: object };
    mkdirSync(env.TELEGRAM_STATE_DIR, { recursive: true });
    writeFileSync(CONFIG, stringify({ config: { ...config, 'telegram:dataPolicy': 'retain' } }));
    const started = Date.now();
    must('up', ['--engine', 'pulumi', '--config', CONFIG], env);
    process.stderr.write(`    O1 first up: ${String(Math.round((Date.now() - started) / 1000))} s\n`);
  }, 15 * MINUTES);
  afterAll(removeAll, 5 * MINUTES);

  it(
    'O1 posts, stores, publishes and consumes every message',
    () => {
      expect(JSON.parse(must('smoke', ['--json', '--count', '50'], env).stdout)).toMatchObject(flawless(50));
    },
    2 * MINUTES,
  );

  parity();
  previews();

  secrecy();
  policy();
  configuration();
  mending();
  interruptions();
  spoiledState();
  firstStart();
  machine();
  rotations();

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
    'O12 the plain CLI runs in the surroundings of the stack, and no tracked file changes',
    () => {
      const before = shell(`git status --porcelain -- ${TRACKED}`);
      expect(must('pulumi', ['stack', 'output', 'credentialEpoch'], env).stdout.trim()).toBe(
        String(new StackFolder(TEST_STACK).credentialEpoch),
      );
      expect(must('pulumi-env', [], env).stdout).toContain('export PULUMI_BACKEND_URL=');
      expect(shell(`git status --porcelain -- ${TRACKED}`)).toBe(before);
    },
    2 * MINUTES,
  );

  it(
    'O3 destroy by the CLI itself is refused while data is protected',
    () => {
      const { code, stdout, stderr } = run('pulumi', ['destroy', '--yes', '--non-interactive'], env);
      expect(code).not.toBe(0);
      expect(stdout + stderr).toContain('protected');
    },
    2 * MINUTES,
  );

  it(
    'O3 killed in the middle, destroy leaves a lock and half of the stack, with which the next one goes on',
    async () => {
      const before = list('ps -aq').split('\n').length;
      const destroy = start('destroy', ['--yes'], env);
      await destroy.said('telegram-gateway-api deleted');
      const [lock] = new FileBackend(new StackFolder(TEST_STACK)).locks();
      if (!lock) throw new Error('the CLI holds no lock');
      destroy.kill('SIGKILL');
      process.kill(lock.pid, 'SIGKILL');
      expect((await destroy.ended).code).not.toBe(0);
      await waitFor('the end of the CLI', () => Promise.resolve(isDead(lock)), MINUTES);
      const left = list('ps -aq').split('\n').length;
      expect(left).toBeGreaterThan(1);
      expect(left).toBeLessThan(before);
    },
    3 * MINUTES,
  );

  it(
    'O3 destroy leaves the data volumes, says so, and leaves nothing else',
    async () => {
      // What a killed bench leaves in the network.
      await leaveOneShot(TEST_PREFIX);
      const { stdout, stderr } = must('destroy', ['--yes'], env);
      expect(stderr).toContain('✔ destroyed, but for the data');
      expect([list('ps -aq'), list('network ls -q')]).toEqual(['', '']);
      expect(volumes()).not.toBe('');
      expect(volumes()).not.toContain('credentials');
      shell(stdout.trim().split('\n').at(-1) ?? '');
      expect(volumes()).toBe('');
    },
    5 * MINUTES,
  );
});
