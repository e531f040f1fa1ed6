import { beforeAll, describe, expect, it } from '@jest/globals';
import { container, docker, inspectAll, must, run } from '../../support/test-stack.js';
import { allHealthy, env, expectClean, identity, MINUTES, others } from './stack.js';

/** Killed: started again as they are. Removed: made again, and with them what follows their id. */
const KILLED = ['timescaledb', 'redis-sentinel-2'].map(container);
const REMOVED = ['consumer', 'rabbitmq', 'gateway-host'].map(container);
const FOLLOWING = ['prepare', 'copy-node', 'copy-release', 'install', 'credentials', 'session', 'service'];

export function mending(): void {
  describe('O4 containers that were killed or removed by hand', () => {
    let before: string[];
    let known: string[];
    beforeAll(async () => {
      before = await others(...KILLED, ...REMOVED);
      known = (await inspectAll()).map(({ Id }) => Id);
      await docker('kill', ...KILLED);
      await docker('rm', '-f', ...REMOVED);
    }, 2 * MINUTES);

    it(
      'O4 the doctor names them, with the command that mends it',
      () => {
        const { code, stdout } = run('doctor', ['--json'], env);
        const { checks } = JSON.parse(stdout) as { checks: { name: string; detail: string; fix: string }[] };
        const { detail = '', fix } = checks.find(({ name }) => name === 'containers') ?? {};
        expect(code).toBe(1);
        for (const name of REMOVED) expect(detail).toContain(`${name} is missing`);
        for (const name of KILLED) expect(detail).toContain(`${name} is exited`);
        expect(fix).toBe('npm run up');
      },
      2 * MINUTES,
    );

    it(
      'O4 up mends them and what follows them, and touches nothing else',
      async () => {
        const { stderr } = must('up', [], env);
        expect(await others(...KILLED, ...REMOVED)).toEqual(before);
        expect(await allHealthy()).toBe(true);
        const started = (await inspectAll()).filter(({ Name }) => KILLED.includes(Name.slice(1)));
        for (const { Id } of started) expect(known).toContain(Id);
        // Three containers; the broker's users; the gateway on its new host; two that were started.
        expect(stderr).toContain(`✔ 3 create, 3 update, ${String(FOLLOWING.length)} replace, `);
      },
      8 * MINUTES,
    );

    it(
      'O2 the preview is clean after it',
      () => {
        expectClean('mending');
      },
      3 * MINUTES,
    );

    it(
      'O2 limits that were changed by hand are put back in the same containers, and nothing else is touched',
      async () => {
        const names = ['consumer', 'redis-replica'].map(container);
        const limits = async () =>
          (await inspectAll())
            .filter(({ Name }) => names.includes(Name.slice(1)))
            .map(({ Id, State, HostConfig: { Memory, MemorySwap } }) => [Id, State.StartedAt, Memory, MemorySwap])
            .sort();
        const wanted = await limits();
        await docker('update', '--memory', '100m', '--memory-swap', '200m', ...names);
        expect(await limits()).not.toEqual(wanted);
        const { stderr } = must('up', [], env);
        expect(stderr).toMatch(/✔ 2 update, \d+ same\n/);
        expect(await limits()).toEqual(wanted);
        expectClean('limits put back');
      },
      5 * MINUTES,
    );

    it(
      'O4 one that was only killed is started in place, without a refresh',
      async () => {
        const all = (await inspectAll()).map(identity).length;
        const [name = ''] = KILLED;
        const rest = await others(name);
        await docker('kill', name);
        const { stderr } = must('up', [], env);
        expect(stderr).toContain(`• starting ${name}, which was exited`);
        expect(stderr).toMatch(/✔ 1 update, \d+ same\n/);
        expect(await others(name)).toEqual(rest);
        expect((await inspectAll()).length).toBe(all);
        expect(await allHealthy()).toBe(true);
      },
      5 * MINUTES,
    );
  });
}
