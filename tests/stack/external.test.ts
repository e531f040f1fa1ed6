import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { dumpDefinition } from '../../ops/migrate/tools.js';
import { DockerHost } from '../../stack/docker-host.js';
import { runningEngines } from '../support/external-place.js';
import { ExternalEngines } from '../support/external-engines.js';
import { EXAMPLE_AUTHORITY } from '../support/certificates/index.js';
import { OtherStack } from '../support/other-stack.js';
import { waitFor } from '../support/services.js';
import { container, flawless, type CommandResult } from '../support/test-stack.js';

const MINUTES = 60_000;
const BROKER_NODES = ['rabbit-1', 'rabbit-2', 'rabbit-3'];

/** All engines are somebody else's: only what uses them is the stack's. */
describe('a stack on engines of somebody else', () => {
  const engines = new ExternalEngines();
  const stack = new OtherStack('away', {
    ...engines.keys,
    'telegram:tlsAuthorities': EXAMPLE_AUTHORITY,
    'telegram:monitoring': { enabled: false },
  });
  /** One of the project's commands; the balancer before the brokers goes on meanwhile. */
  const command = (name: string, ...args: readonly string[]): Promise<CommandResult> =>
    stack.start(name, ...args).ended;
  const stored = async (table: string) =>
    (await engines.database.sql<{ count: number }>(`select count(*)::int from telegram_gateway.${table}`))[0]?.count;

  beforeAll(async () => {
    // An earlier run that was cut off may have left its stack.
    await command('destroy', '--yes');
    await engines.start();
  }, 12 * MINUTES);
  afterAll(async () => {
    await command('destroy', '--yes');
    await engines.stop();
  }, 6 * MINUTES);

  it(
    'D14 an authority that signed none of them is refused by name, and nothing is stored',
    async () => {
      const { code, stderr } = await command('up');
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringMatching(/unable to (verify|get)|self-signed/),
      });
      expect(stderr).toMatch(/telegram-(migrations|external)-/);
      expect(await engines.database.sql(`select from pg_namespace where nspname = 'telegram_gateway'`)).toEqual([]);
      expect(await engines.queues()).toEqual(new Map());
    },
    10 * MINUTES,
  );

  it(
    'D14 with the right one the schema, the roles, exchanges and queues are made there',
    async () => {
      stack.change('telegram:tlsAuthorities', engines.keys['telegram:tlsAuthorities']);
      const up = await command('up');
      expect({ code: up.code, stderr: up.stderr }).toMatchObject({ code: 0 });
      // Nothing of it is in the stack.
      const own = (await stack.containers()).map(({ Name }) => Name).join(' ');
      expect(own).not.toMatch(/timescaledb|redis|rabbitmq/);
      expect(await engines.database.sql('select from pg_stat_ssl where not ssl and pid <> pg_backend_pid()')).toEqual(
        [],
      );
      expect([...(await engines.queues()).values()].map(({ members }) => [...members].sort())).toEqual(
        Array<string[]>(5).fill(BROKER_NODES),
      );
    },
    12 * MINUTES,
  );

  it(
    'D14 O6 a migration reaches the old and the new database with TLS, verified by the same authorities',
    async () => {
      const source = await engines.database.oldLayout();
      const authorities = engines.authority.certificate;
      const putBack = stack.change('telegram:source', source);
      const plan = await command('migrate', '--plan', '--json');
      putBack();
      // There is no old gateway: that is all that stands in the way.
      expect({ code: plan.code, stderr: plan.stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('telegram:source.container: there is no such container') as unknown,
      });
      expect(JSON.parse(plan.stdout)).toMatchObject({ rows: { messages: 0 }, done: [] });

      const { tls, container: name, password, host, port, user, database } = source;
      const dump = (trusted: string) =>
        dumpDefinition({
          ...{ docker: new DockerHost(''), container: container('timescaledb'), authorities: trusted },
          source: { client: { host, port, user, database }, schema: 'telegram_gateway' },
          config: { tls, container: name, password },
        });
      expect(await dump(authorities)).toContain('CREATE TABLE telegram_gateway.messages');
      await expect(dump(EXAMPLE_AUTHORITY)).rejects.toMatchObject({
        code: 'MIGRATE_SOURCE',
        details: expect.arrayContaining([expect.stringContaining('certificate verify failed')]) as unknown,
      });
    },
    3 * MINUTES,
  );

  it(
    'D14 messages flow, and the doctor finds nothing wrong',
    async () => {
      const smoke = await command('smoke', '--json', '--count', '50', '--rate', '50');
      expect(JSON.parse(smoke.stdout)).toMatchObject(flawless(50));
      const { checks } = JSON.parse((await command('doctor', '--json')).stdout) as {
        checks: { ok: boolean; name: string; detail: string }[];
      };
      expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    },
    4 * MINUTES,
  );

  it(
    'D14 the broker node that leads the queue is killed while messages flow, and none is lost',
    async () => {
      const leader = await engines.leader();
      const smoke = stack.start('smoke', '--json', '--count', '300', '--rate', '50');
      const before = (await stored('messages')) ?? 0;
      await waitFor('messages on their way', async () => ((await stored('messages')) ?? 0) > before + 20, 2 * MINUTES);
      await engines.kill(leader);
      const { stdout, stderr } = await smoke.ended;
      expect({ ...(JSON.parse(stdout) as object), stderr }).toMatchObject(flawless(300));
      const survivor = leader === 'rabbit-1' ? 'rabbit-2' : 'rabbit-1';
      expect(await engines.leader(survivor)).not.toBe(leader);
    },
    6 * MINUTES,
  );

  it(
    'D14 the primary of the database dies while messages flow, its standby takes over, and none is lost',
    async () => {
      const smoke = stack.start('smoke', '--json', '--count', '300', '--rate', '50');
      const before = (await stored('messages')) ?? 0;
      await waitFor('messages on their way', async () => ((await stored('messages')) ?? 0) > before + 20, 2 * MINUTES);
      await engines.database.failOver();
      const { stdout, stderr } = await smoke.ended;
      expect({ ...(JSON.parse(stdout) as object), stderr }).toMatchObject(flawless(300));
    },
    6 * MINUTES,
  );

  it(
    'D14 destroy leaves the engines and what is in them',
    async () => {
      const rows = await stored('messages');
      const engineContainers = await runningEngines();
      const destroyed = await command('destroy', '--yes');
      expect({ code: destroyed.code, stderr: destroyed.stderr }).toMatchObject({ code: 0 });
      expect(await runningEngines()).toEqual(engineContainers);
      expect(await stored('messages')).toBe(rows);
      expect(rows).toBeGreaterThanOrEqual(650);
      expect((await engines.queues('rabbit-3')).size).toBe(5);
    },
    5 * MINUTES,
  );
});
