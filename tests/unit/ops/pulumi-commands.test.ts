import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pulumi } from '../../../ops/pulumi-commands.js';
import { StackFolder } from '../../../ops/stack-folder.js';

/** A CLI that only writes down how it was called. */
describe('the plain CLI on a stack of the embedded engine', () => {
  const surroundings = { ...process.env };
  const root = mkdtempSync(join(tmpdir(), 'plain-'));
  const called = join(root, 'called');

  beforeAll(() => {
    const bin = join(root, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'pulumi'), `#!/bin/sh\n[ "$1" = version ] || echo "$@" >'${called}'\n`, { mode: 0o755 });
    process.env = {
      ...surroundings,
      PATH: `${bin}:${surroundings['PATH'] ?? ''}`,
      TELEGRAM_STATE_DIR: root,
      TELEGRAM_STACK: 'dev',
    };
    const folder = new StackFolder('dev');
    folder.prepare();
    folder.settle('embedded');
  });
  afterAll(() => {
    process.env = { ...surroundings };
    rmSync(root, { recursive: true });
  });

  it.each(['up', 'update', 'preview', 'pre', 'refresh', 'destroy', 'down', 'watch', 'import'])(
    'O10 O12 `%s` is refused, by this name too: it would make the stack a second time',
    async (command) => {
      await expect(pulumi([command, '--yes'])).rejects.toMatchObject({ code: 'ENGINE_MISMATCH' });
      expect(existsSync(called)).toBe(false);
    },
  );

  it('O12 `config` is not, and gets the stack and its working configuration', async () => {
    await pulumi(['config', 'get', 'telegram:images']);
    const { configFile } = new StackFolder('dev');
    expect(readFileSync(called, 'utf8')).toBe(`config get telegram:images --stack dev --config-file ${configFile}\n`);
  });
});
