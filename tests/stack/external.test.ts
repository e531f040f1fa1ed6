import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '../../ops/migrate/report.js';
import { dumpDefinition } from '../../ops/migrate/tools.js';
import { ACCOUNT_USER_ID } from '../../runtime/simulator/keys.js';
import { DockerHost } from '../../stack/docker-host.js';
import { SHARED, type ExternalDatabase } from '../support/external-database.js';
import { runningEngines } from '../support/external-place.js';
import { ExternalEngines } from '../support/external-engines.js';
import { EXAMPLE_AUTHORITY } from '../support/certificates/index.js';
import { OldGatewayContainer } from '../support/old-layout.js';
import { OtherStack } from '../support/other-stack.js';
import { waitFor } from '../support/services.js';
import { putSession, takeSession } from '../support/stack-session.js';
import { container, flawless, type CommandResult } from '../support/test-stack.js';

const MINUTES = 60_000;
const BROKER_NODES = ['rabbit-1', 'rabbit-2', 'rabbit-3'];
/** Of the old layout, before its gateway adds to them. */
const ROWS = 2_000;

interface Contents {
  readonly rows: number;
  readonly checksum: string;
}

/** All messages of the old layout's channels, by a checksum over their keys, times and texts. */
const contents = (text: string) => `
  select count(*)::int as rows, md5(string_agg(md5(concat_ws(' ', channel_id, message_id, extract(epoch from posted_at), ${text})),
                                               '' order by channel_id, message_id)) as checksum
    from telegram_gateway.messages where channel_id between 1000 and 1019`;

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

  describe('migrated into', () => {
    let source: Awaited<ReturnType<ExternalDatabase['oldLayout']>>;
    let session = '';
    let old: OldGatewayContainer | null = null;
    let putBack: () => void = () => undefined;
    const migrate = async (...args: readonly string[]) => command('migrate', ...args);

    beforeAll(async () => {
      source = await engines.database.oldLayout(ROWS);
      await engines.database.sql(`update telegram_gateway.sessions set user_id = ${String(ACCOUNT_USER_ID)}`, SHARED);
      putBack = stack.change('telegram:source', source);
    }, 3 * MINUTES);
    afterAll(async () => {
      putBack();
      await old?.remove();
      if (session !== '') await putSession(stack.prefix, session);
    }, 2 * MINUTES);

    it(
      'D14 O6 the old database is reached with TLS, verified by the same authorities; without an old gateway nothing begins',
      async () => {
        const plan = await migrate('--plan', '--json');
        expect({ code: plan.code, stderr: plan.stderr }).toMatchObject({
          code: 1,
          stderr: expect.stringContaining('telegram:source.container: there is no such container') as unknown,
        });
        expect(JSON.parse(plan.stdout)).toMatchObject({ rows: { messages: ROWS }, done: [] });

        const { tls, password, host, port, user, database } = source;
        const dumped = dumpDefinition({
          ...{ docker: new DockerHost(''), dumpFrom: container('timescaledb'), authorities: EXAMPLE_AUTHORITY },
          source: { client: { host, port, user, database }, schema: 'telegram_gateway' },
          config: { tls, password },
        });
        await expect(dumped).rejects.toMatchObject({
          code: 'MIGRATE_SOURCE',
          details: expect.arrayContaining([expect.stringContaining('certificate verify failed')]) as unknown,
        });
      },
      3 * MINUTES,
    );

    it(
      'D14 O6 one command: every row is in the external database as it was, what came meanwhile too; a second run finds nothing to do',
      async () => {
        session = await takeSession(stack.prefix);
        old = await OldGatewayContainer.start(source, session);
        stack.change('telegram:source', { ...source, sessions: old.volume, container: old.name });

        const { code, stdout, stderr } = await migrate('--json');
        expect({ code, stderr }).toMatchObject({ code: 0 });
        const { steps } = JSON.parse(stdout) as Report;
        const [before] = await engines.database.sql<Contents>(contents('content'), SHARED);
        expect(before?.rows).toBeGreaterThan(ROWS);
        expect(steps['compared']).toMatchObject({ rows: before?.rows, differences: 0 });
        expect(await engines.database.sql(contents('text'))).toEqual([before]);
        const schema = readFileSync(join(stack.folder, 'migration', 'schema.sql'), 'utf8');
        expect(schema).toContain('CREATE TABLE telegram_gateway.messages');

        const again = await migrate();
        expect({ code: again.code, stderr: again.stderr }).toEqual({
          code: 0,
          stderr: expect.stringContaining('✔ nothing to do') as unknown,
        });
        session = '';
      },
      6 * MINUTES,
    );
  });

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
