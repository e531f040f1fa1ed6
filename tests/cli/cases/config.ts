import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { run, TEST_PREFIX } from '../../support/test-stack.js';
import { changeConfig, env, MINUTES, others, preview, restoreConfig } from './stack.js';

/** The table of config-changes.test.ts is made under mocks: a sample of its lines, of every sort, from the real providers. */
export function configuration(): void {
  describe('O2 a changed configuration', () => {
    let identities: string[];
    beforeAll(async () => {
      identities = await others();
    });
    afterEach(restoreConfig);

    it(
      'O2 changes exactly what it should: in place, by replacement, and what follows a replaced container',
      () => {
        changeConfig({
          'telegram:pgbouncer.memoryMb': 96,
          'telegram:redis.sentinelMemoryMb': 56,
          'telegram:api.cpus': 1,
          'telegram:rabbitmq.memoryMb': 672,
          'telegram:gateway.memoryMb': 544,
        });
        const changed = preview().steps.filter(({ op }) => op === 'update' || op === 'replace');
        expect(changed.map(({ op, urn }) => `${op} ${urn.split('::').at(-1) ?? ''}`).sort()).toEqual([
          'replace telegram-gateway-api',
          'replace telegram-rabbitmq',
          'update gateway-service',
          'update telegram-gateway-host',
          'update telegram-pgbouncer',
          'update telegram-rabbitmq-users',
          'update telegram-redis-sentinel-1',
          'update telegram-redis-sentinel-2',
          'update telegram-redis-sentinel-3',
        ]);
      },
      3 * MINUTES,
    );

    it.each([
      ['telegram:namePrefix', 'other-', `this stack is named "${TEST_PREFIX}telegram-…"`],
      ['telegram:subnet', '172.28.255.0/24', "the stack's network is 172.28."],
    ])(
      'D13 another %s is refused by the preview already',
      async (key, value, words) => {
        changeConfig({ [key]: value });
        const { code, stdout, stderr } = run('preview', [], env);
        expect(code).not.toBe(0);
        expect(stdout + stderr).toContain(`${key}: ${words}`);
        expect(await others()).toEqual(identities);
      },
      3 * MINUTES,
    );

    it(
      'D14 another Docker host is refused by up, which would find nothing there and make all of it again',
      () => {
        // The same engine by another name: it can be reached.
        changeConfig({ 'telegram:docker': { host: 'unix:///run/docker.sock' } });
        const { code, stderr } = run('up', [], env);
        expect(code).toBe(1);
        expect(stderr).toContain('✖ CONFIG telegram:docker.host: the stack stands on this machine, not on unix:///run');
      },
      2 * MINUTES,
    );
  });
}
