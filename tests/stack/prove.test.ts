import { describe, expect, it } from '@jest/globals';
import type { Proof } from '../../ops/prove/index.js';
import { imageSource } from '../support/parts.js';
import { container, must, run, TEST_STACK } from '../support/test-stack.js';

const MINUTES = 60_000;

/** The rest of a stack's life, up and destroy, is what the levels before and after this one do; the unit hangs in S5. */
describe('the script that proves a real machine', () => {
  it.each([
    ['O1', 'smoke'],
    ['O4', 'doctor'],
    ['O1', 'again'],
  ])(
    '%s %s is proven on the running stack, with its figures',
    (_, step) => {
      const { ok, machine, steps } = JSON.parse(must('prove', ['--steps', step]).stdout) as Proof;
      expect([ok, steps]).toMatchObject([true, [{ step, outcome: 'proven' }]]);
      expect(Object.keys(steps[0]?.figures ?? {})).not.toEqual([]);
      expect(machine).toMatchObject({ node: process.versions.node, architecture: process.arch });
    },
    4 * MINUTES,
  );

  it(
    'D10 S6 what it runs on is told, and fails the proof only where something else is expected',
    async () => {
      const look = ['--steps', 'surroundings'];
      const { ok, machine, steps } = JSON.parse(must('prove', look).stdout) as Proof;
      const { figures = {} } = steps[0] ?? {};
      expect([ok, figures['cgroup'], figures['apparmor']]).toEqual([true, machine.cgroupVersion, machine.apparmor]);
      const host = { name: container('gateway-host'), profile: machine.apparmor ? 'unconfined' : '' };
      expect(figures['containers']).toEqual(expect.arrayContaining([expect.objectContaining(host)]));

      const upstream = (await imageSource()) === 'upstream';
      const { code, stdout } = run('prove', [...look, '--expect', 'upstream-images']);
      const [expected] = (JSON.parse(stdout) as Proof).steps;
      expect([code, expected?.outcome]).toEqual(upstream ? [0, 'proven'] : [1, 'failed']);
      expect(String(expected?.figures['why']).includes('no container runs redis:')).toBe(!upstream);
    },
    2 * MINUTES,
  );

  it(
    'O2 what the embedded engine does not have is left out, and says so',
    () => {
      const { ok, steps } = JSON.parse(must('prove', ['--steps', 'preview']).stdout) as Proof;
      expect([ok, steps[0]]).toMatchObject([true, { outcome: 'left out', figures: { why: expect.any(String) } }]);
    },
    MINUTES,
  );

  it(
    'O1 what is left behind fails the proof and is named',
    () => {
      const { code, stdout } = run('prove', ['--steps', 'leftovers,again']);
      const { ok, steps } = JSON.parse(stdout) as Proof;
      expect([code, ok]).toEqual([1, false]);
      expect(steps.map(({ outcome }) => outcome)).toEqual(['failed', 'left out']);
      expect(steps[0]?.figures['why']).toContain('telegram-timescaledb');
    },
    MINUTES,
  );

  it(
    "O1 a whole life is refused on a stack that is up: it would end with that stack's",
    () => {
      const { code, stdout, stderr } = run('prove');
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain(`✖ USAGE stack "${TEST_STACK}" is up, and the proof would destroy it`);
    },
    MINUTES,
  );
});
