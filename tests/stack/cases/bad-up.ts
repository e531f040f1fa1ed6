import { expect, it } from '@jest/globals';
import type { OtherStack } from '../../support/other-stack.js';
import { docker } from '../../support/test-stack.js';

const MINUTES = 60_000;
/** What the bad changes are about. */
const PARTS = ['consumer', 'gateway-api'];

/** What `git revert` does to a stack file, and the `up` after it. */
export function badUpCases(stack: OtherStack): void {
  const names = () => PARTS.map((part) => `${stack.prefix}telegram-${part}`);
  /** All that a container was made of and may do. */
  const inputs = () =>
    docker(
      'inspect',
      '--format',
      '{{.Image}} {{json .Config.Env}} {{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}',
      ...names(),
    );
  const others = async () =>
    (await stack.containers())
      .filter(({ Name }) => !names().includes(Name.slice(1)))
      .map(({ Name, Id, State }) => `${Name} ${Id} ${State.StartedAt}`)
      .sort();

  it(
    'O7 a bad `up` that finished, and another one on top of it that was killed, are taken back by one `up` of before',
    async () => {
      const before = { inputs: await inputs(), others: await others(), rows: await stack.rows('messages') };

      const revert = stack.change('telegram:consumer.mode', 'queue');
      stack.must('up');
      const bad = await inputs();
      expect(bad).not.toBe(before.inputs);
      // A consumer that has not the memory to start: this `up` can only fail, or be killed before it does.
      stack.change('telegram:consumer.memoryMb', 16);
      stack.change('telegram:api.cpus', 0.3);
      expect((await stack.cutOff('up', 1, 'SIGKILL')).code).not.toBe(0);

      revert();
      stack.must('up');
      expect(await inputs()).toBe(before.inputs);
      expect(await others()).toEqual(before.others);
      const unhealthy = (await stack.containers()).filter(({ State }) => State.Health?.Status !== 'healthy');
      expect(unhealthy.map(({ Name }) => Name)).toEqual([]);
      expect(await stack.rows('messages')).toBe(before.rows);
      expect(stack.must('up').stderr).toContain('✔ no changes\n');
    },
    10 * MINUTES,
  );
}
