import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { local, remote } from '@pulumi/command';
import * as docker from '@pulumi/docker';
import * as pulumi from '@pulumi/pulumi';
import * as random from '@pulumi/random';
import type { EngineError } from '../../../ops/engine/errors.js';
import { only, TryStack } from './support/stack.js';

describe('O10 what goes wrong under the embedded engine', () => {
  let stack: TryStack;
  beforeEach(() => {
    stack = new TryStack();
  });
  afterEach(() => {
    stack.dispose();
  });

  const failure = async (program: () => unknown): Promise<EngineError> =>
    stack.up(program).then(
      () => {
        throw new Error('the run did not fail');
      },
      (error: unknown) => error as EngineError,
    );

  it('the first cause is the error, told once; what depends on it never starts', async () => {
    const error = await failure(() => {
      const bad = new local.Command('bad', { create: 'echo why >&2; exit 7' });
      const next = new local.Command('next', { create: pulumi.interpolate`touch ${stack.folder}/next ${bad.stdout}` });
      new local.Command('last', { create: `touch ${stack.folder}/last` }, { dependsOn: next });
      return { a: bad.stdout, b: next.stdout };
    });
    expect(error.code).toBe('ENGINE_RESOURCE_FAILED');
    expect(error.message).toBe('bad (command:local:Command): command failed, exit code 7');
    expect(error.details).toEqual(['why']);
    expect(stack.events.filter(({ kind }) => kind === 'failed')).toHaveLength(1);
    expect(existsSync(join(stack.folder, 'next')) || existsSync(join(stack.folder, 'last'))).toBe(false);
  });

  it('what is under way when another one fails is finished and recorded', async () => {
    const gate = join(stack.folder, 'gate');
    const waiting = `until test -e ${gate}; do :; done; echo done`;
    const run = failure(() => {
      new local.Command('slow', { create: waiting });
      // Fails only once the slow one surely runs, and lets it end only after that.
      new local.Command('bad', {
        create: `(until test -e ${gate}.go; do :; done; touch ${gate}) & exit 1`,
        interpreter: ['/bin/sh', '-c'],
      });
    });
    writeFileSync(`${gate}.go`, '');
    await run;
    expect(stack.done).toContain('create slow');
    const { changes } = await stack.up(() => {
      only(new local.Command('slow', { create: waiting }));
    });
    expect(changes.same).toBe(1);
  });

  it('no secret reaches an error, an event or the details', async () => {
    const password = 'S3cretS3cretS3cret';
    const error = await failure(() => {
      only(
        new local.Command('leaky', {
          create: 'read -r it; echo "$it"; echo "got $it and $OTHER" >&2; exit 1',
          stdin: `${password}\n`,
          environment: { OTHER: pulumi.secret('other-secret-value') },
        }),
      );
    });
    const told = JSON.stringify([error.message, error.details, stack.events]);
    expect(told).toContain('got [secret] and [secret]');
    expect(told).not.toContain(password);
    expect(told).not.toContain('other-secret-value');
  });

  it('an unknown resource type is named', async () => {
    const error = await failure(() => {
      only(new random.RandomPet('pet'));
    });
    expect(error.code).toBe('ENGINE_UNKNOWN_TYPE');
    expect(error.message).toContain('pet');
    expect(error.message).toContain('random:index/randomPet:RandomPet');
  });

  it.each<[string, () => unknown, string]>([
    [
      'an input',
      () => {
        only(new local.Command('c', { create: 'true', assetPaths: ['*'] }));
      },
      'assetPaths: not supported',
    ],
    [
      'an input deep inside',
      () => {
        only(container({ mounts: [{ type: 'volume', target: '/x', volumeOptions: { subpath: 'y' } }] }));
      },
      'mounts.0.volumeOptions.subpath: not supported',
    ],
    [
      'an environment over SSH',
      () => {
        only(new remote.Command('c', { connection: { host: 'h' }, environment: { A: 'b' } }));
      },
      'pass values by stdin',
    ],
    [
      'an upload without content',
      () => {
        only(container({ uploads: [{ file: '/a', content: '' }] }));
      },
      'exactly one of content',
    ],
    [
      'a duration',
      () => {
        only(container({ healthcheck: { tests: ['CMD'], interval: 'soon' } }));
      },
      'healthcheck.interval: expected a duration',
    ],
    [
      'a remote Docker host',
      () => {
        const host = new docker.Provider('host', { host: 'ssh://root@x' });
        return container({}, { provider: host });
      },
      'reaches unix:// and tcp:// only',
    ],
  ])('%s that is not implemented is refused, naming it', async (_what, program, message) => {
    const error = await failure(program);
    expect(error.code).toBe('ENGINE_UNSUPPORTED');
    expect(error.message).toContain(message);
  });

  it.each<[string, () => unknown]>([
    ['reading an existing resource', () => docker.Volume.get('v', 'v')],
    ['a function call', () => docker.getNetworkOutput({ name: 'bridge' }).id],
    [
      'a hook',
      () => {
        only(new local.Command('c', {}, { hooks: { beforeCreate: [() => undefined] } }));
      },
    ],
    [
      'two resources of one type and name',
      () => [new local.Command('c', {}), new local.Command('c', { create: 'true' })],
    ],
  ])('%s is refused', async (_what, program) => {
    expect((await failure(program)).code).toBe('ENGINE_UNSUPPORTED');
  });

  it('an error of the program is handed on as it is, after what was under way', async () => {
    class UserError extends Error {}
    await expect(
      stack.up(() => {
        new local.Command('fine', { create: 'true' });
        throw new UserError('two ports are alike');
      }),
    ).rejects.toThrow(new UserError('two ports are alike'));
  });

  it('Docker away is told as such', async () => {
    const error = await failure(() => {
      const host = new docker.Provider('host', { host: 'unix:///nowhere/docker.sock' });
      return new docker.Network('n', {}, { provider: host });
    });
    expect(error.code).toBe('ENGINE_DOCKER_UNREACHABLE');
  });

  it('an interrupted run ends its commands, and the next one goes on', async () => {
    const controller = new AbortController();
    const started = join(stack.folder, 'started');
    const program = () => {
      only(
        new local.Command('long', {
          create: `touch ${started}; test -e ${started}.2 || sleep 60; touch ${started}.2`,
        }),
      );
    };
    const run = stack.up(program, {}, controller.signal);
    while (!existsSync(started)) await new Promise((done) => setImmediate(done));
    controller.abort();
    await expect(run).rejects.toMatchObject({ code: 'ENGINE_INTERRUPTED' });
    writeFileSync(`${started}.2`, '');
    expect((await stack.up(program)).changes.create).toBe(1);
  });
});

function container(args: Partial<docker.ContainerArgs>, opts?: pulumi.CustomResourceOptions): docker.Container {
  return new docker.Container('c', { image: 'none', ...args }, opts);
}
