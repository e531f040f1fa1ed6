import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { local } from '@pulumi/command';
import * as pulumi from '@pulumi/pulumi';
import * as random from '@pulumi/random';
import { forgetEmbedded, markAgain } from '../../../ops/engine/run.js';
import { STATE_FILE } from '../../../ops/engine/state.js';
import { only, TryStack } from './support/stack.js';

describe('O10 a program under the embedded engine', () => {
  let stack: TryStack;
  beforeEach(() => {
    stack = new TryStack();
  });
  afterEach(() => {
    stack.dispose();
  });

  const notes = (): string => {
    const file = join(stack.folder, 'notes');
    return existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  };
  /** A command that leaves a trace of each of its three sides. */
  const noting = (
    name: string,
    args: Partial<local.CommandArgs> = {},
    opts?: pulumi.CustomResourceOptions,
  ): local.Command => {
    const note = (what: string): string => `echo ${what} ${name} >> '${join(stack.folder, 'notes')}'`;
    return new local.Command(
      name,
      { create: note('create'), update: note('update'), delete: note('delete'), ...args },
      opts,
    );
  };

  it('gives outputs with the secret ones named, and changes nothing the second time', async () => {
    const program = () => {
      const password = new random.RandomPassword('password', { length: 32, special: false });
      return { password: pulumi.secret(password.result), length: password.length, fixed: 'text' };
    };
    const first = await stack.up(program);
    const second = await stack.up(program);
    expect(first.outputs).toEqual({ password: expect.stringMatching(/^[a-zA-Z0-9]{32}$/), length: 32, fixed: 'text' });
    expect(first.secretOutputs).toEqual(['password']);
    expect(second.outputs).toEqual(first.outputs);
    expect(second.changes).toEqual({ create: 0, update: 0, replace: 0, delete: 0, same: 1 });
  });

  it.each([
    ['an async function', () => Promise.resolve({ a: 1 })],
    ['a default export', { default: () => ({ a: 1 }) }],
    ['plain exports', { a: 1 }],
  ])('takes %s', async (_what, program) => {
    expect((await stack.up(program as () => unknown)).outputs).toEqual({ a: 1 });
  });

  it('a generated password is a secret wherever it goes, without the program saying so', async () => {
    const { secretOutputs } = await stack.up(() => ({
      url: pulumi.interpolate`x${new random.RandomPassword('p', { length: 8 }).result}`,
    }));
    expect(secretOutputs).toEqual(['url']);
  });

  it('reads the configuration, secret keys included', async () => {
    const program = () => new pulumi.Config('telegram').getSecret('key')?.apply((key) => key.length);
    const { outputs } = await stack.up(() => ({ length: program() }), { 'telegram:key': 'abcd' });
    expect(outputs).toEqual({ length: 4 });
  });

  it('a new password comes with new keepers, and only then', async () => {
    const program = () => {
      const keepers = { epoch: new pulumi.Config('t').require('epoch') };
      return { value: new random.RandomPassword('p', { length: 16, keepers }).result };
    };
    const one = await stack.up(program, { 't:epoch': '1' });
    const same = await stack.up(program, { 't:epoch': '1' });
    const two = await stack.up(program, { 't:epoch': '2' });
    expect(same.outputs).toEqual(one.outputs);
    expect(two.outputs).not.toEqual(one.outputs);
    expect(two.changes.replace).toBe(1);
  });

  it('a changed command updates, changed triggers create again, and neither deletes', async () => {
    const program = (stdin: string, trigger: string) => () => {
      only(noting('c', { stdin, triggers: [trigger] }));
    };
    await stack.up(program('1', 'a'));
    await stack.up(program('2', 'a'));
    await stack.up(program('2', 'b'));
    await stack.up(program('2', 'b'));
    expect(notes()).toBe('create c\nupdate c\ncreate c');
  });

  it('a command that is to be deleted before it is replaced undoes itself first, by its old inputs', async () => {
    const program = (where: string) => () => {
      const args = {
        delete: `echo "delete $WHERE" >> '${join(stack.folder, 'notes')}'`,
        environment: { WHERE: where },
      };
      only(noting('c', { ...args, triggers: [where] }, { deleteBeforeReplace: true }));
    };
    await stack.up(program('here'));
    await stack.up(program('there'));
    await stack.up(program('there'));
    expect(notes()).toBe('create c\ndelete here\ncreate c');
  });

  it('what is marked is made again by the next run, once, and nothing is undone for it', async () => {
    const program = () => {
      only(noting('c', {}, { deleteBeforeReplace: true }));
    };
    await stack.up(program);
    expect(await markAgain(stack.where(), 'c')).toBe(1);
    expect((await stack.up(program)).changes.replace).toBe(1);
    expect((await stack.up(program)).changes.same).toBe(1);
    expect(notes()).toBe('create c\ncreate c');
  });

  it('what is forgotten is neither undone nor known any more', async () => {
    await stack.up(() => {
      only(noting('c'));
    });
    expect(await forgetEmbedded(stack.where(), ['command:local:Command'])).toEqual(['c']);
    await stack.up(() => ({}));
    expect(notes()).toBe('create c');
  });

  it('a command without update runs create again', async () => {
    const program = (stdin: string) => () => {
      only(new local.Command('c', { create: `cat >> ${join(stack.folder, 'notes')}`, stdin }));
    };
    await stack.up(program('one '));
    await stack.up(program('two'));
    expect(notes()).toBe('one two');
  });

  it('what vanished is removed after all else, in reverse order, by its old delete', async () => {
    await stack.up(() => {
      const first = noting('first');
      const second = noting('second', {}, { dependsOn: first });
      noting('third', {}, { dependsOn: second });
    });
    await stack.up(() => {
      only(noting('other'));
    });
    expect(notes()).toBe(
      'create first\ncreate second\ncreate third\ncreate other\ndelete third\ndelete second\ndelete first',
    );
  });

  it('nothing is removed by a run that failed', async () => {
    await stack.up(() => {
      only(noting('old'));
    });
    await expect(
      stack.up(() => {
        only(new local.Command('bad', { create: 'exit 3' }));
      }),
    ).rejects.toThrow('exit code 3');
    expect(notes()).toBe('create old');
    await stack.up(() => undefined);
    expect(notes()).toBe('create old\ndelete old');
  });

  it('destroy runs the deletes in reverse order without the program', async () => {
    await stack.up(() => {
      only(noting('second', {}, { dependsOn: noting('first') }));
    });
    await stack.destroy();
    expect(notes()).toBe('create first\ncreate second\ndelete second\ndelete first');
  });

  it('retained and protected things are forgotten, not deleted; a component passes both on', async () => {
    class Group extends pulumi.ComponentResource {
      constructor(opts: pulumi.ComponentResourceOptions) {
        super('try:x:Group', 'group', {}, opts);
        noting('inside', {}, { parent: this });
      }
    }
    await stack.up(() => {
      noting('kept', {}, { retainOnDelete: true });
      noting('plain');
      new Group({ protect: true });
    });
    await stack.destroy();
    expect(notes()).not.toMatch(/delete (kept|inside)/);
    expect(notes()).toContain('delete plain');
    expect(JSON.parse(readFileSync(join(stack.stateDir, STATE_FILE), 'utf8'))).toMatchObject({ entries: {} });
  });

  it('what goes with another resource is not deleted by itself', async () => {
    await stack.up(() => {
      only(noting('guest', {}, { deletedWith: noting('host') }));
    });
    await stack.destroy();
    expect(notes()).toMatch(/delete host$/);
    expect(notes()).not.toContain('delete guest');
  });

  it('ignored changes run nothing', async () => {
    const program = (stdin: string) => () => {
      only(noting('c', { stdin }, { ignoreChanges: ['stdin'] }));
    };
    await stack.up(program('1'));
    await stack.up(program('2'));
    expect(notes()).toBe('create c');
  });

  it('a failed update keeps the old state and is tried again', async () => {
    const program = (update: string, stdin: string) => () => {
      only(new local.Command('c', { create: 'echo made', update, stdin }));
    };
    await stack.up(program('exit 1', '1'));
    await expect(stack.up(program('exit 1', '2'))).rejects.toThrow(
      'c (command:local:Command): command failed, exit code 1',
    );
    const { changes } = await stack.up(program('true', '2'));
    expect(changes.update).toBe(1);
  });
});
