import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OtherStack } from '../support/other-stack.js';
import { dataOf, imageSource } from '../support/parts.js';
import { settled } from '../support/prometheus.js';
import { badUpCases } from './cases/bad-up.js';
import { migrationCases } from './cases/migration.js';
import { docker, flawless, inspectAll, smoke, type Inspected } from '../support/test-stack.js';

const MINUTES = 60_000;
/** What ends an `up` in turn, and after how many of its some seventy things; Ctrl-C is one of them. */
const ENDS = [
  [20, 'SIGKILL'],
  [15, 'SIGINT'],
] as const;

const identity = ({ Id, Name, State }: Inspected) => `${Name} ${Id} ${State.StartedAt}`;
const identities = (containers: readonly Inspected[]) => containers.map(identity).sort();
const stack = new OtherStack('two', { 'telegram:dataPolicy': 'retain' });
const consumerMode = async () => {
  const consumer = (await stack.containers()).find(({ Name }) => Name.endsWith('telegram-consumer'));
  const mode = 'TELEGRAM_CONSUMER_MODE=';
  return consumer?.Config.Env?.find((line) => line.startsWith(mode))?.slice(mode.length);
};

describe('a second stack beside the first', () => {
  let first: string[];
  const untouched = async () => {
    expect(identities(await inspectAll())).toEqual(first);
  };

  beforeAll(async () => {
    // An earlier run that was cut off may have left its stack.
    await stack.removeAll();
    stack.beginWith('telegram:consumer.mode', 'dual');
    first = identities(await inspectAll());
  }, 5 * MINUTES);
  afterAll(() => stack.removeAll(), 5 * MINUTES);

  it(
    'O10 killed and then interrupted in the middle, the next run goes on, and the last one finishes',
    async () => {
      for (const [things, signal] of ENDS) {
        const ended = await stack.cutOff('up', things, signal);
        expect(ended).toMatchObject({ cut: true, code: signal === 'SIGINT' ? 130 : null });
        if (signal === 'SIGINT') expect(ended.stderr).toContain('✖ ENGINE_INTERRUPTED');
      }
      const last = stack.must('up');
      expect(last.stderr).toContain('because it made this stack');
      const containers = await stack.containers();
      expect(containers.map(({ State }) => State.Health?.Status)).toEqual(Array<string>(first.length).fill('healthy'));
      expect(stack.must('up').stderr).toContain('✔ no changes\n');
      expect(identities(await stack.containers())).toEqual(identities(containers));
    },
    15 * MINUTES,
  );

  // It holds no messages yet, and is given back as it was.
  migrationCases(stack);
  badUpCases(stack);

  it(
    'D13 R7 messages flow in both, from two paths at once in the second, and the first was not touched',
    async () => {
      expect(await consumerMode()).toBe('dual');
      const { stdout } = stack.must('smoke', '--json', '--count', '20', '--rate', '50');
      expect(JSON.parse(stdout)).toMatchObject(flawless(20));
      expect(smoke(20)).toMatchObject(flawless(20));
      await untouched();
    },
    5 * MINUTES,
  );

  it.each([
    ['telegram:namePrefix', 'other-', (prefix: string) => `this stack is named "${prefix}telegram-…"`],
    ['telegram:subnet', '172.28.255.0/24', () => "the stack's network is 172.28."],
  ])(
    'D13 another %s is refused, and nothing is touched',
    async (key, value, words) => {
      const before = identities(await stack.containers());
      const putBack = stack.change(key, value);
      const { code, stderr } = stack.run('up');
      putBack();
      expect(code).toBe(1);
      expect(stderr).toContain('✖ PREFLIGHT ');
      expect(stderr).toContain(`  - ${key}: ${words(stack.prefix)}`);
      expect(identities(await stack.containers())).toEqual(before);
    },
    3 * MINUTES,
  );

  it(
    'O3 destroyed, at the second go, and renamed as the guide says: only the data was kept, and it is there under the new name',
    async () => {
      const rows = await stack.rows('messages');
      const { password } = stack.connection('timescaledb');
      // Killed in the middle, it goes on with what is left.
      const before = (await stack.containers()).length;
      expect(await stack.cutOff('destroy', 25, 'SIGKILL')).toMatchObject({ cut: true, code: null });
      const left = (await stack.containers()).length;
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThan(before);
      const { stdout, stderr } = stack.must('destroy', '--yes');
      const kept = dataOf(await imageSource()).map((name) => `${stack.prefix}telegram-${name}`);
      expect(stderr).toContain('✔ destroyed, but for the data');
      expect(stdout.trim().split(' ').sort()).toEqual(['docker', 'rm', 'volume', ...kept].sort());
      expect(await stack.volumes()).toEqual(kept);
      expect([await stack.containers(), await stack.networks()]).toEqual([[], []]);

      const elsewhere = stack.fromElsewhere('up');
      expect(elsewhere.code).toBe(1);
      expect(elsewhere.stderr).toContain(`  - name: ${String(kept.length)} volumes (${stack.prefix}telegram-`);

      stack.rename();
      stack.must('up');
      expect(rows).toBeGreaterThanOrEqual(20);
      expect(await stack.rows('messages')).toBe(rows);
      expect(stack.connection('timescaledb').password).not.toBe(password);
      const { stdout: report } = stack.must('smoke', '--json', '--count', '20', '--rate', '50');
      expect(JSON.parse(report)).toMatchObject(flawless(20));
      await untouched();
      expect(await docker('volume', 'ls', '-q', '--filter', `name=^${kept[0] ?? ''}`)).toBe('');
    },
    12 * MINUTES,
  );

  it(
    'D6 R7 without a broker the consumer polls: messages flow, each handled once, and the broker is gone',
    async () => {
      stack.change('telegram:rabbitmq', { kind: 'off' });
      stack.change('telegram:consumer.mode', 'poll');
      stack.must('up');
      expect((await stack.containers()).filter(({ Name }) => Name.includes('rabbitmq'))).toEqual([]);
      expect(await consumerMode()).toBe('poll');
      const { stdout } = stack.must('smoke', '--json', '--count', '20', '--rate', '50');
      expect(JSON.parse(stdout)).toMatchObject(flawless(20));
      const complaints = () => {
        const { checks } = JSON.parse(stack.run('doctor', '--json').stdout) as { checks: { ok: boolean }[] };
        return Promise.resolve(checks.filter(({ ok }) => !ok));
      };
      // Prometheus was replaced, and has everything yet to ask.
      expect(await settled(complaints, (all) => all.length === 0, 2 * MINUTES)).toEqual([]);
    },
    5 * MINUTES,
  );
});
