import { afterAll, describe, expect, it } from '@jest/globals';
import { FileBackend, isDead } from '../../../ops/engines/file-backend.js';
import { StackFolder } from '../../../ops/stack-folder.js';
import { waitFor } from '../../support/services.js';
import {
  container,
  docker,
  must,
  run,
  start,
  TEST_STACK,
  type CommandResult,
  type RunningCommand,
} from '../../support/test-stack.js';
import { allHealthy, changeConfig, env, MINUTES, others, restoreConfig } from './stack.js';

/** What is being made when the CLI ends: the old container is gone then, and the new one not yet on record. */
const PART = 'gateway-api';

const locks = () => new FileBackend(new StackFolder(TEST_STACK)).locks();

/** Id of the container, whole; empty while there is none. */
const standing = () => docker('ps', '-aq', '--no-trunc', '--filter', `name=^/${container(PART)}$`);

/** Another share of the processors each time, so that each try has something to replace. */
const changed = () => {
  changeConfig({ 'telegram:api.cpus': Number((0.5 + Math.random() / 2).toFixed(2)) });
};

/** An `up` that has this done to its CLI while a container that it made has yet to become healthy. */
async function upUntil(done: (cli: number, up: RunningCommand) => void): Promise<CommandResult> {
  const before = await standing();
  const up = start('up', [], env);
  await up.said(`telegram-${PART} creating replacement`);
  await waitFor('the new container', async () => !['', before].includes(await standing()), MINUTES);
  const [lock] = locks();
  if (!lock) throw new Error('the CLI holds no lock');
  done(lock.pid, up);
  return up.ended;
}

/** `up` that goes on with what an earlier one left. */
async function goesOn(untouched: readonly string[]): Promise<string> {
  const { stderr } = must('up', [], env);
  expect(locks()).toEqual([]);
  expect(await others(container(PART))).toEqual(untouched);
  await waitFor('health of every container', allHealthy, 3 * MINUTES);
  return stderr;
}

export function interruptions(): void {
  describe('O1 an `up` whose CLI ends before it is done', () => {
    // The next `up` puts it right: that of the move to a machine.
    afterAll(restoreConfig);

    it(
      'O1 killed, it leaves a lock and a container that is on no record; while it lives it is named, then the next one goes on',
      async () => {
        const untouched = await others(container(PART));
        changed();
        let beside: CommandResult | undefined;
        const { code, stderr } = await upUntil((cli) => {
          // It cannot go on meanwhile, so that it is the same moment for both.
          process.kill(cli, 'SIGSTOP');
          beside = run('up', [], env);
          process.kill(cli, 'SIGKILL');
        });
        expect(beside?.code).toBe(1);
        expect(beside?.stderr).toMatch(/✖ LOCKED another run holds stack "test": \S+ on \S+, process \d+, since /);
        expect([code, stderr]).toEqual([1, expect.stringContaining('✖ RESOURCE_FAILED ')]);
        const [lock] = locks();
        expect(lock && isDead(lock)).toBe(true);

        const said = await goesOn(untouched);
        expect(said).toMatch(/• the run of \S+ of \S+ was killed \(process \d+\); its lock is removed/);
        expect(said).toMatch(/• (removing \S+-gateway-api, which a killed run made|forgetting what a killed run had)/);
      },
      10 * MINUTES,
    );

    it(
      'O1 interrupted, it says so, and the next one goes on',
      async () => {
        const untouched = await others(container(PART));
        changed();
        const { code, stderr } = await upUntil((cli, up) => {
          // As Ctrl-C at a terminal reaches both.
          up.kill('SIGINT');
          process.kill(cli, 'SIGINT');
        });
        expect(stderr).toContain('✖ INTERRUPTED ');
        expect(stderr).toContain('fix:  Run the command again: it goes on where it stopped.');
        expect(code).toBe(130);
        await goesOn(untouched);
      },
      10 * MINUTES,
    );
  });
}
