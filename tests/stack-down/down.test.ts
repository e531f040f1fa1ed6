import { beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { leaveOneShot } from '../support/left-one-shot.js';
import { docker, run, TEST_PREFIX, TEST_STACK, TEST_STATE, type CommandResult } from '../support/test-stack.js';

const MINUTES = 60_000;

/** Also after an `up` that failed halfway: what it made is in its state. One that was refused left nothing to destroy. */
const isUp = existsSync(join(TEST_STATE, TEST_STACK, 'engine'));

describe('destroy', () => {
  let destroyed: CommandResult;
  beforeAll(async () => {
    await leaveOneShot(TEST_PREFIX);
    destroyed = run('destroy', ['--yes']);
  }, 10 * MINUTES);

  (isUp ? it : it.skip)('O3 ends well and says so', () => {
    expect(destroyed.stderr).toContain('✔ destroyed');
    expect(destroyed.code).toBe(0);
  });

  it.each([
    ['container', ['ps', '-a', '--format', '{{.Names}}']],
    ['network', ['network', 'ls', '--format', '{{.Name}}']],
    ['volume', ['volume', 'ls', '--format', '{{.Name}}']],
  ])('O3 leaves no %s behind', async (_, args) => {
    const names = (await docker(...args)).split('\n');
    expect(names.filter((name) => name.startsWith(TEST_PREFIX))).toEqual([]);
  });

  it('O3 the stack belongs to no engine any more, so the next up is a first one', () => {
    expect(existsSync(join(TEST_STATE, TEST_STACK, 'engine'))).toBe(false);
    const again = run('destroy', ['--yes']);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('✖ NOT_UP stack "test" is not up');
  }, 60_000);
});
