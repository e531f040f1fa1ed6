import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { STEPS } from '../../ops/migrate/journal.js';
import { OldGatewayContainer, oldDatabase, someSession, temporaryFolder } from '../support/old-layout.js';
import { gatewayOf, migrateCase, migrateInChild, type MigrationCase } from '../support/migration-run.js';
import { TestDatabase, waitFor } from '../support/services.js';

const MINUTES = 60_000;
const ROWS = 4_000;
/** In the middle of copying too. */
const KILLS = [...STEPS.slice(0, 3), 20, ...STEPS.slice(3)] as const;

const folder = temporaryFolder();
const session = someSession('kill');
let source: TestDatabase;
let target: TestDatabase;
let old: OldGatewayContainer;
let run: MigrationCase;

const messages = async () => {
  const [row] = await source.query<{ count: string }>('select count(*) from telegram_gateway.messages');
  return Number(row?.count);
};

describe('a migration that is killed at every step, while rows arrive', () => {
  beforeAll(async () => {
    [source, target] = await Promise.all([oldDatabase(ROWS, 40), TestDatabase.migrated()]);
    old = await OldGatewayContainer.start(source.config, session);
    run = {
      source: source.config,
      target: target.config,
      old: { container: old.name, sessions: old.volume },
      folder: folder.path,
    };
    await waitFor('rows that arrive', async () => (await messages()) > ROWS, 60_000);
  }, 3 * MINUTES);
  afterAll(async () => {
    await old.remove();
    await Promise.all([source.drop(), target.drop()]);
    folder.remove();
  }, MINUTES);

  it.each(KILLS)(
    'O6 killed at %s, it is killed and leaves no half of a step',
    async (killAt) => {
      const { signal, stderr } = await migrateInChild({ ...run, killAt });
      expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' });
      // Never two at once, and until the switch the old session is untouched.
      const oldRuns = await old.gateway.isRunning();
      expect(oldRuns && (await gatewayOf(run).session()) !== null).toBe(false);
    },
    4 * MINUTES,
  );

  it(
    'O6 the next run finishes what the kills left: every row, its state and the session are there once',
    async () => {
      expect(KILLS.length).toBeGreaterThan(10);
      const report = await migrateCase(run);
      expect(report.steps['compared']).toMatchObject({ rows: await messages(), differences: 0 });
      expect(await old.gateway.isRunning()).toBe(false);
      const gateway = gatewayOf(run);
      expect(gateway.running).toBe(true);
      expect(await gateway.session()).toBe(session);
      expect(statSync(gateway.file).mode & 0o777).toBe(0o600);
      expect(await target.count('messages')).toBe(await messages());
      const states = await source.query<{ status: string; count: number }>(
        'select status, count(*)::integer from telegram_gateway.messages group by 1',
      );
      const of = (...wanted: string[]) =>
        states.filter(({ status }) => wanted.includes(status)).reduce((sum, { count }) => sum + count, 0);
      expect(await target.count('message_outcomes')).toBe(of('processed', 'failed'));
      expect(await target.count('message_work')).toBe(of('pending', 'processing', 'failed'));
      expect(await target.count('outbox')).toBe(of('pending', 'processing'));
      expect(statSync(join(folder.path, 'backup', 'report.md')).size).toBeGreaterThan(100);
    },
    4 * MINUTES,
  );
});
