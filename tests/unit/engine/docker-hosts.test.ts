import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as docker from '@pulumi/docker';
import { EngineState } from '../../../ops/engine/state.js';
import { only, TryStack } from './support/stack.js';

/** Nothing listens at any of them: what is refused is refused before a Docker engine is asked. */
const HOSTS = { one: 'unix:///run/no-engine-one.sock', two: 'unix:///run/no-engine-two.sock' } as const;

describe('D14 a resource of Docker under the embedded engine', () => {
  let stack: TryStack;
  beforeEach(() => {
    stack = new TryStack();
  });
  afterEach(() => {
    stack.dispose();
  });

  const on = (provider: string, host: string) => () => {
    only(new docker.Volume('data', { name: 'data' }, { provider: new docker.Provider(provider, { host }) }));
  };

  it('D14 that was made on another Docker host is refused, with both hosts', async () => {
    const state = EngineState.open({ ...stack.where() });
    state.put(
      {
        ...{ type: 'docker:index/volume:Volume', name: 'data', id: 'data', hash: 'of then', status: 'ready' },
        ...{ order: state.nextOrder(), options: {} },
      },
      { inputs: { name: 'data' }, outputs: { name: 'data' }, dockerHost: HOSTS.one },
    );
    await expect(stack.up(on('elsewhere', HOSTS.two))).rejects.toMatchObject({
      code: 'ENGINE_REFUSED',
      message: expect.stringContaining(`it was made on ${HOSTS.one}, not on ${HOSTS.two}`) as unknown,
    });
    expect(stack.done).not.toContain('create data');
    const after = EngineState.open({ ...stack.where() });
    const [kept] = after.entries().filter(({ name }) => name === 'data');
    expect(kept && [kept.id, after.unseal(kept).dockerHost]).toEqual(['data', HOSTS.one]);
  });

  it('D14 a Docker host whose address changes is refused, with what to do', async () => {
    const provider = (host: string) => () => {
      only(new docker.Provider('there', { host }));
    };
    await stack.up(provider(HOSTS.one));
    await expect(stack.up(provider(HOSTS.two))).rejects.toMatchObject({
      code: 'ENGINE_REFUSED',
      message: expect.stringMatching(
        /there.*changed: host; what was made on the other Docker host.*npm run destroy/s,
      ) as unknown,
    });
  });
});
