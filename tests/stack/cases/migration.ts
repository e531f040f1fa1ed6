import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plan } from '../../../ops/migrate/plan.js';
import type { Report } from '../../../ops/migrate/report.js';
import { ACCOUNT_USER_ID } from '../../../runtime/simulator/keys.js';
import { OldGatewayContainer, oldDatabase, temporaryFolder } from '../../support/old-layout.js';
import type { OtherStack } from '../../support/other-stack.js';
import { waitFor, type TestDatabase } from '../../support/services.js';
import { onHost, putSession, SESSION_FILE, takeSession } from '../../support/stack-session.js';
import { connection, docker } from '../../support/test-stack.js';

const MINUTES = 60_000;
const ROWS = 2_000;
const BEFORE = 'TELEGRAM_DATABASE_URL=postgresql://app@old/shared';

/** The first stack's database server plays the one that is shared. */
function useSharedDatabase(): void {
  if (process.env['TEST_DATABASE_URL']) return;
  const { host, port, user = '', password = '' } = connection('timescaledb');
  process.env['TEST_DATABASE_URL'] = `postgresql://${user}:${password}@${host}:${String(port)}/postgres`;
}

/** A whole migration into a stack that is up and holds no messages, and both ways back, by the commands that a person uses. */
export function migrationCases(stack: OtherStack): void {
  describe('migrated from an old gateway', () => {
    const folder = temporaryFolder();
    const env = join(folder.path, 'application.env');
    let source: TestDatabase;
    let old: OldGatewayContainer;
    let session: string;
    let channel: { id: string; accessHash?: string };
    /** What was changed, to be taken back in reverse. */
    const cleanUp: (() => unknown)[] = [folder.remove];

    const simulator = async (path: string, body?: object): Promise<unknown> => {
      const { host, port } = stack.connection('simulator-control');
      const answer = await fetch(`http://${host}:${String(port)}${path}`, {
        ...(body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(30_000),
      });
      if (!answer.ok) throw new Error(`${path}: ${String(answer.status)}`);
      return answer.json();
    };
    const post = (text: string) =>
      simulator(`/channels/${channel.id}/messages`, { messages: [{ text }], ratePerSecond: 50 });
    const storedHere = async (text: string) =>
      (await stack.query('select from telegram_gateway.messages where text = $1', [text])).length;
    const storedThere = (text: string) =>
      source.query('select status from telegram_gateway.messages where content = $1', [text]);

    /** As it was before: the stack's own session. */
    const putSessionBack = async () => {
      await putSession(stack.prefix, session);
      await waitFor('the gateway is ready', () => stack.ready('gateway'), 3 * MINUTES);
    };

    beforeAll(async () => {
      useSharedDatabase();
      writeFileSync(env, `# of an application\n${BEFORE}\nOTHER=1\n`, { mode: 0o640 });
      source = await oldDatabase(ROWS, 5);
      cleanUp.push(() => source.drop());

      // The session that the stack made for the simulator becomes that of the old gateway.
      session = await takeSession(stack.prefix);
      cleanUp.push(putSessionBack);
      old = await OldGatewayContainer.start(source.config, session);
      cleanUp.push(() => old.remove());
      await source.query('update telegram_gateway.sessions set user_id = $1', [String(ACCOUNT_USER_ID)]);
      const channels = (await simulator('/channels')) as { id: string; accessHash?: string }[];
      channel = channels[0] ?? { id: '' };
      await source.query(
        'insert into telegram_gateway.channels (channel_id, access_hash, last_message_id) values ($1, $2, 0)',
        [channel.id, channel.accessHash ?? '1'],
      );
      const { password: secret } = source.config;
      const putBack = stack.change('telegram:source', {
        ...{ host: source.config.host, port: source.config.port, database: source.config.database },
        ...{ user: source.config.user, password: String(secret), connectionsFile: env },
        ...{ sessions: old.volume, container: old.name },
      });
      cleanUp.push(putBack);
    }, 10 * MINUTES);

    afterAll(async () => {
      for (const undo of cleanUp.reverse()) await undo();
    }, 5 * MINUTES);

    it(
      'O6 `up` changes nothing for a source, and says that it waits; the plan says what would happen',
      () => {
        const { stderr } = stack.must('up');
        expect(stderr).toContain('✔ no changes');
        expect(stderr).toContain('! next: npm run migrate\n');
        const plan = JSON.parse(stack.must('migrate', '--plan', '--json').stdout) as Plan;
        expect(plan).toMatchObject({ oldRunning: true, problems: [], refusedRows: 0, done: [] });
        expect(plan.rows['messages']).toBeGreaterThanOrEqual(ROWS);
        expect(plan.bytes).toBeGreaterThan(0);
      },
      5 * MINUTES,
    );

    it(
      'O6 S2 one command: rows, work, session and connection string are moved, and nothing that came meanwhile is lost',
      async () => {
        await post('posted while the old gateway looked elsewhere');
        const { stdout } = stack.must('migrate', '--json');
        const { steps } = JSON.parse(stdout) as Report;
        expect(steps['compared']).toMatchObject({ differences: 0 });
        expect(Number(steps['compared']?.['rows'])).toBeGreaterThanOrEqual(ROWS);
        expect(
          await docker('inspect', '--format', '{{.State.Running}} {{.HostConfig.RestartPolicy.Name}}', old.name),
        ).toBe('false no');
        expect(await onHost(stack.prefix, `stat -c '%a %U' ${SESSION_FILE}; cat ${SESSION_FILE}`)).toBe(
          `600 telegram-gateway\n${session}`,
        );
        expect(readFileSync(env, 'utf8')).toMatch(
          /^# of an application\nTELEGRAM_DATABASE_URL=postgresql:\/\/reader_\w:\S+\nOTHER=1\n$/,
        );

        await post('posted after the switch');
        for (const text of ['posted while the old gateway looked elsewhere', 'posted after the switch'])
          await waitFor(`"${text}" is stored`, async () => (await storedHere(text)) === 1, 2 * MINUTES);
        await waitFor(
          'the consumer has handled what the old ones left',
          async () => {
            const [row] = await stack.query(
              'select count(*)::integer as n from telegram_gateway.message_work where status <> $1',
              ['failed'],
            );
            return row?.['n'] === 0;
          },
          3 * MINUTES,
        );
        expect(stack.must('migrate').stderr).toContain('✔ nothing to do');
      },
      10 * MINUTES,
    );

    it(
      'O7 quick: the old gateway is back, with session and connection string, and here nothing starts',
      async () => {
        const { stdout } = stack.must('rollback', '--migration', 'quick', '--json');
        expect(JSON.parse(stdout)).toMatchObject({ kind: 'quick' });
        expect(
          await docker('inspect', '--format', '{{.State.Running}} {{.HostConfig.RestartPolicy.Name}}', old.name),
        ).toBe('true unless-stopped');
        expect(await onHost(stack.prefix, `ls -A ${SESSION_FILE} 2>/dev/null || echo none`)).toBe('none');
        expect(readFileSync(env, 'utf8')).toContain(`\n${BEFORE}\n`);
        expect(await storedThere('posted after the switch')).toEqual([]);
        expect(await storedHere('posted after the switch')).toBe(1);
      },
      5 * MINUTES,
    );

    it(
      'O7 full: what came since the switch is in the old schema too',
      async () => {
        const { stdout } = stack.must('rollback', '--migration', 'full', '--json');
        expect(JSON.parse(stdout)).toMatchObject({ kind: 'full', differences: 0 });
        expect(await storedThere('posted after the switch')).toEqual([{ status: 'processed' }]);
        expect(await docker('inspect', '--format', '{{.State.Running}}', old.name)).toBe('true');
        const { code, stderr } = stack.run('migrate');
        expect(code).toBe(1);
        expect(stderr).toContain('✖ MIGRATE_TARGET ');
      },
      5 * MINUTES,
    );

    it('O6 the report and the safety copies are in the folder of the stack, for the owner alone', () => {
      const saved = join(stack.folder, 'migration');
      expect(readFileSync(join(saved, 'report.md'), 'utf8')).toContain('| differences | 0 |');
      expect(readFileSync(join(saved, 'schema.sql'), 'utf8')).toContain('CREATE TABLE telegram_gateway.messages');
      for (const name of ['sessions.tar.gz', 'schema.sql', 'messages.copy.gz', 'report.json'])
        expect(statSync(join(saved, name)).mode & 0o777).toBe(0o600);
    });
  });
}
