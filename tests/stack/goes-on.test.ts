import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { copyFileSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { markAgain } from '../../ops/engine/run.js';
import { STATE_FILE } from '../../ops/engine/state.js';
import { EDITED_MIGRATION, editMigration, MIGRATIONS_STEP } from '../support/edited-migration.js';
import { waitFor } from '../support/services.js';
import {
  container,
  docker,
  inspect,
  must,
  ready,
  run,
  start,
  TEST_PREFIX,
  TEST_STACK,
  TEST_STATE,
  type CommandResult,
} from '../support/test-stack.js';

const MINUTES = 60_000;
const FOLDER = join(TEST_STATE, TEST_STACK);
const STATE = join(FOLDER, STATE_FILE);
/** A step that every `up` below has to do, and none finishes but the last one. */
const STEP = 'telegram-pgbouncer-userlist';

/** One error with its code, a fix and its document. */
function failed({ code, stdout, stderr }: CommandResult, errorCode: string): string {
  expect(stderr).toContain(`✖ ${errorCode} `);
  expect(stderr.match(/✖/g)).toHaveLength(1);
  expect(stderr).toMatch(/\n {2}fix: {2}\S/);
  expect(stderr).toContain(`\n  docs: docs/errors.md#${errorCode.toLowerCase()}`);
  expect([code, stdout]).toEqual([errorCode.endsWith('INTERRUPTED') ? 130 : 1, '']);
  return stderr;
}

describe('an `up` that is stopped, again and again, by something else each time', () => {
  beforeAll(async () => {
    const marked = await markAgain({ project: 'telegram', stack: TEST_STACK, stateDir: FOLDER }, STEP);
    expect(marked).toBe(1);
    copyFileSync(STATE, `${STATE}.kept`);
  });
  afterAll(() => {
    rmSync(`${STATE}.new`, { force: true });
    if (!isWhole()) copyFileSync(`${STATE}.kept`, STATE);
    rmSync(`${STATE}.kept`, { force: true });
  });
  const isWhole = () => {
    try {
      return (JSON.parse(readFileSync(STATE, 'utf8')) as { stack: string }).stack === TEST_STACK;
    } catch {
      return false;
    }
  };

  it(
    'O1 by Ctrl-C while a step is under way',
    async () => {
      const up = start('up');
      await up.said(`… replace ${STEP}`);
      up.kill('SIGINT');
      failed(await up.ended, 'ENGINE_INTERRUPTED');
    },
    3 * MINUTES,
  );

  it(
    'O1 by a disk without room for its state',
    () => {
      // Every write to it fails as on a full disk.
      symlinkSync('/dev/full', `${STATE}.new`);
      const stderr = failed(run('up'), 'DISK_FULL');
      rmSync(`${STATE}.new`);
      expect(stderr).toMatch(/why: {2}.*ENOSPC: no space left on device, write \(.*engine-state\.json\.new\)\n/);
    },
    3 * MINUTES,
  );

  it.each([
    ['was cut off', 'ENGINE_STATE_DAMAGED', (text: string) => text.slice(0, -100)],
    [
      'belongs to another stack',
      'ENGINE_STATE_FOREIGN',
      (text: string) => text.replace(`"stack": "${TEST_STACK}"`, '"stack": "other"'),
    ],
  ])(
    'O1 by a state file that %s',
    (_, errorCode, spoil) => {
      renameSync(STATE, `${STATE}.aside`);
      writeFileSync(STATE, spoil(readFileSync(`${STATE}.aside`, 'utf8')), { mode: 0o600 });
      const result = run('up');
      renameSync(`${STATE}.aside`, STATE);
      expect(failed(result, errorCode)).toContain(STATE);
    },
    3 * MINUTES,
  );

  it(
    'O1 by a key that is not the one of the state',
    () => {
      const key = join(FOLDER, 'engine.key');
      renameSync(key, `${key}.kept`);
      writeFileSync(key, `${'ab'.repeat(32)}\n`, { mode: 0o600 });
      const results = [run('up'), run('connections')];
      renameSync(`${key}.kept`, key);
      for (const result of results)
        expect(failed(result, 'ENGINE_STATE_DAMAGED')).toContain('does not open with the key beside it');
    },
    3 * MINUTES,
  );

  it(
    'Q8 O10 by a migration that was edited after it was applied, in the words that the CLI ends in too',
    async () => {
      await markAgain({ project: 'telegram', stack: TEST_STACK, stateDir: FOLDER }, MIGRATIONS_STEP);
      await editMigration();
      const stderr = failed(run('up'), 'MIGRATION_EDITED');
      await editMigration();
      expect(stderr.slice(stderr.indexOf('✖'))).toBe(EDITED_MIGRATION);
    },
    3 * MINUTES,
  );

  it(
    'D1 by a volume that an older PostgreSQL major made, whose first line says what to do',
    async () => {
      const image = (await inspect('timescaledb')).Image;
      const volume = `${TEST_PREFIX}telegram-timescaledb-data:/v`;
      const inVolume = async (script: string) =>
        docker('run', '--rm', '--network', 'none', '-v', volume, '--entrypoint', 'sh', image, '-c', script);
      await docker('stop', container('timescaledb'));
      await inVolume('cd /v/cluster; cp -p PG_VERSION PG_VERSION.kept; echo 16 >PG_VERSION');
      const result = run('up');
      await docker('stop', container('timescaledb'));
      await inVolume('cd /v/cluster; mv PG_VERSION.kept PG_VERSION');
      const stderr = failed(result, 'ENGINE_RESOURCE_FAILED');
      expect(stderr).toContain(
        'telegram-timescaledb (docker:index/container:Container): keeps restarting, exit code 1',
      );
      expect(stderr).toContain('log: start-postgres: the volume was made by PostgreSQL 16, the image has 17: dump it');
    },
    4 * MINUTES,
  );

  it(
    'O1 goes on where it stopped, and finishes',
    async () => {
      const { stderr } = must('up');
      expect(stderr).toContain(`replace  Command ${STEP}`);
      // Such a container would hold a volume that `destroy` removes.
      const volume = `volume=${TEST_PREFIX}telegram-pgbouncer-credentials`;
      const users = await docker('ps', '-a', '--filter', volume, '--format', '{{.Names}}');
      expect(users).toBe(container('pgbouncer'));
      for (const service of ['gateway', 'consumer', 'api'] as const)
        await waitFor(service, async () => ready(service), 2 * MINUTES);
    },
    6 * MINUTES,
  );
});
