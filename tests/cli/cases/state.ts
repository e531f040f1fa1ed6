import { describe, expect, it } from '@jest/globals';
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StackFolder } from '../../../ops/stack-folder.js';
import { EDITED_MIGRATION, editMigration, MIGRATIONS_STEP } from '../../support/edited-migration.js';
import { must, run, TEST_STACK } from '../../support/test-stack.js';
import { env, MINUTES, others } from './stack.js';

/** URNs of all that the stack has. */
function resources(): string[] {
  const { deployment } = JSON.parse(must('pulumi', ['stack', 'export'], env).stdout) as {
    deployment: { resources: { urn: string }[] };
  };
  return deployment.resources.map(({ urn }) => urn);
}

/** What is wrong with a state is told before the CLI is asked for anything, and nothing is touched. */
export function spoiledState(): void {
  describe('O1 a state, of the CLI or the database, that is not as it was left', () => {
    it(
      'O1 S4 a passphrase that is not the one of the state is told as that',
      () => {
        const { code, stderr } = run('up', [], {
          ...env,
          PULUMI_CONFIG_PASSPHRASE_FILE: '/dev/null',
          PULUMI_CONFIG_PASSPHRASE: 'another',
        });
        expect([code, stderr]).toEqual([1, expect.stringContaining('✖ PASSPHRASE_WRONG ')]);
        expect(stderr).toContain('why:  error: ');
        expect(stderr).toContain('docs: docs/errors.md#passphrase_wrong');
        const asked = run('connections', [], {
          ...env,
          PULUMI_CONFIG_PASSPHRASE_FILE: '/dev/null',
          PULUMI_CONFIG_PASSPHRASE: 'another',
        });
        expect([asked.code, asked.stderr]).toEqual([1, expect.stringContaining('✖ PASSPHRASE_WRONG ')]);
      },
      3 * MINUTES,
    );

    it.each([
      ['was cut off', 'STATE_DAMAGED', (text: string) => text.slice(0, -100)],
      ['belongs to another stack', 'STATE_FOREIGN', (text: string) => text.replace(`/${TEST_STACK}"`, '/another"')],
    ])(
      'O1 it %s: the file is named, and nothing is touched',
      async (_, code, spoil) => {
        const file = join(new StackFolder(TEST_STACK).backend, '.pulumi', 'stacks', 'telegram', `${TEST_STACK}.json`);
        const before = await others();
        copyFileSync(file, `${file}.kept`);
        writeFileSync(file, spoil(readFileSync(file, 'utf8')));
        const told = run('up', [], env);
        renameSync(`${file}.kept`, file);
        expect([told.code, told.stderr]).toEqual([1, expect.stringContaining(`✖ ${code} ${file} `)]);
        expect(told.stderr).toContain(`docs: docs/errors.md#${code.toLowerCase()}`);
        expect(await others()).toEqual(before);
      },
      2 * MINUTES,
    );

    it(
      'Q8 O10 a migration that was edited after it was applied is told in the very words of the embedded engine',
      async () => {
        const [urn = ''] = resources().filter((one) => one.endsWith(`::${MIGRATIONS_STEP}`));
        must('pulumi', ['state', 'taint', urn, '--yes', '--non-interactive'], env);
        const before = await others();
        await editMigration();
        const { code, stdout, stderr } = run('up', [], env);
        // The next `up`, that of the move to a machine, goes on.
        await editMigration();
        expect([code, stdout]).toEqual([1, '']);
        expect(stderr.slice(stderr.lastIndexOf('✖'))).toBe(EDITED_MIGRATION);
        expect(await others()).toEqual(before);
      },
      5 * MINUTES,
    );

    it(
      'O1 S4 its passphrase is gone: no new one is made',
      () => {
        const { passphraseFile } = new StackFolder(TEST_STACK);
        renameSync(passphraseFile, `${passphraseFile}.kept`);
        const told = run('up', [], env);
        renameSync(`${passphraseFile}.kept`, passphraseFile);
        expect([told.code, told.stderr]).toEqual([1, expect.stringContaining('✖ PASSPHRASE_MISSING ')]);
      },
      2 * MINUTES,
    );
  });
}
