import { beforeAll, describe, expect, it } from '@jest/globals';
import { rowsOf } from '../support/database.js';
import { waitFor } from '../support/services.js';
import {
  container,
  docker,
  flawless,
  inspectAll,
  must,
  ready,
  run,
  smoke,
  type Inspected,
} from '../support/test-stack.js';

const MINUTES = 60_000;

interface Report {
  readonly ok: boolean;
  readonly checks: readonly { name: string; ok: boolean; detail: string; fix: string | null }[];
}

const identity = ({ Id, Name, State }: Inspected) => `${Name} ${Id} ${State.StartedAt}`;

async function countOf(table: string): Promise<number> {
  const [row] = await rowsOf<{ count: number }>(`select count(*)::int from telegram_gateway.${table}`);
  return row?.count ?? -1;
}

describe('a part that stopped', () => {
  let before: Inspected[];
  beforeAll(async () => {
    before = await inspectAll();
    await docker('stop', container('consumer'));
  }, MINUTES);

  it(
    'O4 the doctor is red, names it with the command that mends it, and exits with 1',
    () => {
      const { code, stdout } = run('doctor', ['--json']);
      const { ok, checks } = JSON.parse(stdout) as Report;
      expect([code, ok]).toEqual([1, false]);
      expect(checks.find(({ name }) => name === 'containers')).toEqual({
        name: 'containers',
        ok: false,
        detail: `${container('consumer')} is exited`,
        fix: 'npm run up',
      });
      const red = checks.filter((check) => !check.ok).map(({ name }) => name);
      // The broker counts its consumers every few seconds: it may not have noticed yet.
      expect(red.filter((name) => name !== 'rabbitmq')).toEqual(['containers', 'consumer']);
      for (const check of checks) expect(check.fix === null).toBe(check.ok);
    },
    2 * MINUTES,
  );

  it(
    'O4 up mends it and touches nothing else',
    async () => {
      must('up');
      const after = await inspectAll();
      const others = (list: Inspected[]) => list.filter(({ Name }) => Name !== `/${container('consumer')}`);
      expect(others(after).map(identity).sort()).toEqual(others(before).map(identity).sort());
      expect(await ready('consumer')).toBe(true);
    },
    3 * MINUTES,
  );
});

describe('stop and start', () => {
  let rows: Record<string, number>;
  let containers: number;
  const count = async () => ({
    messages: await countOf('messages'),
    outcomes: await countOf('message_outcomes'),
    migrations: await countOf('schema_migrations'),
  });

  beforeAll(async () => {
    expect(smoke(20)).toMatchObject(flawless(20));
    rows = await count();
    containers = (await inspectAll()).length;
    must('stop');
  }, 5 * MINUTES);

  it('O3 stop stops every container and removes none', async () => {
    const states = (await inspectAll()).map(({ State }) => State.Status);
    expect(states).toEqual(Array<string>(containers).fill('exited'));
  });

  it(
    'O3 start brings all of it back with every row, and messages flow',
    async () => {
      const began = performance.now();
      must('start');
      const healthy = async () =>
        (await inspectAll()).every(({ State }) => State.Status === 'running' && State.Health?.Status === 'healthy');
      await waitFor('health of every container', healthy, 2 * MINUTES);
      for (const service of ['gateway', 'consumer', 'api'] as const)
        await waitFor(service, async () => ready(service), MINUTES);
      process.stderr.write(`    O3 started and ready: ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
      expect(await count()).toEqual(rows);
      expect(smoke(50)).toMatchObject(flawless(50));
    },
    6 * MINUTES,
  );
});
