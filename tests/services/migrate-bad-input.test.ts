import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { Journal } from '../../ops/migrate/journal.js';
import { holdingTarget, onTarget, readingSource } from '../../ops/migrate/databases.js';
import { moveInto, readPlan } from '../../ops/migrate/move.js';
import { DockerOldGateway } from '../../ops/migrate/old-gateway.js';
import { checkLayout } from '../../ops/migrate/source-schema.js';
import { OldGatewayContainer, oldDatabase, someSession, temporaryFolder } from '../support/old-layout.js';
import { endsOf, gatewayOf, migrateCase, type MigrationCase } from '../support/migration-run.js';
import { TestDatabase, uniqueName } from '../support/services.js';
import { container, docker } from '../support/test-stack.js';

const MINUTES = 60_000;
const session = someSession('bad');
const folder = temporaryFolder();
let source: TestDatabase;
let target: TestDatabase;
let old: OldGatewayContainer;
let run: MigrationCase;

const add = (columns: string, values: string) =>
  source.query(`insert into telegram_gateway.messages (${columns}) values ${values}`);
const refusedBy = (code: string, text: RegExp) => ({ code, message: expect.stringMatching(text) as unknown });

describe('a source that is not as it should be', () => {
  beforeAll(async () => {
    source = await oldDatabase(1_000, 3);
    old = await OldGatewayContainer.start(source.config, session);
    await old.gateway.stop();
    // What it wrote in between.
    await source.query('delete from telegram_gateway.messages where id > 1000');
  }, 5 * MINUTES);
  beforeEach(async () => {
    target = await TestDatabase.migrated();
    run = {
      source: source.config,
      target: target.config,
      old: { container: old.name, sessions: old.volume },
      folder: folder.path,
    };
  }, MINUTES);
  afterEach(async () => {
    await source.query('delete from telegram_gateway.messages where id > 1000');
    await old.gateway.stop();
    await gatewayOf(run).remove();
    await target.drop();
  }, MINUTES);
  afterAll(async () => {
    await old.remove();
    await source.drop();
    folder.remove();
  }, MINUTES);

  it('O6 an unknown version is refused with each column that was expected, and what is more', async () => {
    const other = await TestDatabase.empty();
    try {
      await other.query(`create schema telegram_gateway;
        create table telegram_gateway.messages (id bigint, channel_id bigint, message_id bigint, state text);
        create table telegram_gateway.sessions (name text, user_id bigint, phone text, updated_at timestamptz);
        create table telegram_gateway.extra (a integer)`);
      await readingSource({ client: other.config, schema: 'telegram_gateway' }, async (client) => {
        await expect(checkLayout(client, 'telegram_gateway')).rejects.toMatchObject({
          code: 'MIGRATE_SOURCE',
          details: expect.arrayContaining([
            'channels: expected a table of this name, there is none',
            'messages.status: expected text, there is none',
            expect.stringMatching(/^messages\.state: unknown, expected one of id, channel_id/),
          ]) as unknown,
        });
      });
    } finally {
      await other.drop();
    }
  });

  it('O6 a source of another encoding is refused: its text may be none that the new database takes', async () => {
    const database = uniqueName('test_ascii');
    await source.query(`create database ${database} encoding 'SQL_ASCII' locale 'C' template template0`);
    try {
      await expect(readPlan(endsOf({ ...run, source: { ...source.config, database } }))).rejects.toMatchObject(
        refusedBy('MIGRATE_SOURCE', /^the source is encoded in SQL_ASCII, expected UTF8$/),
      );
    } finally {
      await source.query(`drop database ${database} with (force)`);
    }
  });

  it('O6 a source that does not answer is said with its address', async () => {
    const nowhere = { client: { ...source.config, port: 1 }, schema: 'telegram_gateway' };
    await expect(readingSource(nowhere, () => Promise.resolve())).rejects.toMatchObject(
      refusedBy('MIGRATE_SOURCE', /^127\.0\.0\.1:1\/\S+ cannot be reached as postgres$/),
    );
  });

  it(
    'O6 duplicate and NULL keys, impossible dates and statuses end it before anything is copied',
    async () => {
      await add('channel_id, message_id, posted_at', `(null, 1, now()), (1001, null, now())`);
      await add('channel_id, message_id, posted_at', `(1002, 900001, '1969-12-31'), (1002, 900002, '2200-01-01')`);
      await add('channel_id, message_id, posted_at, created_at', `(1002, 900003, now(), 'infinity')`);
      await add('channel_id, message_id, posted_at, status', `(1002, 900004, now(), 'lost')`);
      await add(
        'channel_id, message_id, posted_at',
        `(1002, 900005, now()), (1002, 900005, now() - interval '70 days')`,
      );
      await expect(migrateCase(run)).rejects.toMatchObject({
        code: 'MIGRATE_ROWS',
        details: expect.arrayContaining([
          expect.stringMatching(/^channel_id is null: 1 /),
          expect.stringMatching(/^message_id is null: 1 /),
          expect.stringMatching(/^date out of range: 3 /),
          expect.stringMatching(/^unknown status: 1 /),
          expect.stringMatching(/^message again: 1 /),
        ]) as unknown,
      });
      expect(await target.count('messages')).toBe(0);

      await migrateCase({ ...run, setAside: true });
      expect(await target.count('messages')).toBe(1_001);
      const kept = await target.query<{ reason: string; row: { content: string } }>(
        'select reason, row::json as row from telegram_migration.refused order by source_id',
      );
      expect(kept.map(({ reason }) => reason).sort()).toEqual(
        [
          ...['channel_id is null', 'date out of range', 'date out of range', 'date out of range'],
          ...['message again', 'message_id is null', 'unknown status'],
        ].sort(),
      );
      expect(kept.every(({ row }) => 'content' in row)).toBe(true);
    },
    MINUTES * 3,
  );

  it(
    'O6 JSON that the new column refuses is kept as text, all else as it is',
    async () => {
      const values = [
        String.raw`{"name": "a\u0000b"}`,
        String.raw`{"name": "half \ud83d"}`,
        String.raw`{"name": "whole \ud83d\ude00", "backslash": "\\u0000"}`,
        '{"number": 1e400000}',
        '[1, 2]',
        '{"plain": 1}',
      ];
      for (const [n, value] of values.entries())
        await source.query(
          `insert into telegram_gateway.messages (channel_id, message_id, posted_at, metadata) values (1004, $1, now(), $2)`,
          [900_000 + n, value],
        );
      await migrateCase(run);
      const stored = await target.query<{ metadata: Record<string, unknown> }>(
        'select metadata from telegram_gateway.messages where channel_id = 1004 and message_id >= 900000 order by message_id',
      );
      expect(stored.map(({ metadata }) => metadata)).toEqual([
        { original: values[0] },
        { original: values[1] },
        { original: values[2] },
        { original: values[3] },
        { original: values[4] },
        { plain: 1 },
      ]);
    },
    MINUTES * 3,
  );

  it(
    'O6 a session of another account is not used, and the old gateway goes on',
    async () => {
      await expect(migrateCase({ ...run, owner: '4711' })).rejects.toMatchObject(
        refusedBy('MIGRATE_SESSION', /belongs to account 4711, the source is that of account 1000$/),
      );
      expect(await gatewayOf(run).session()).toBeNull();
      expect(await old.gateway.isRunning()).toBe(true);
      expect(await target.count('message_work')).toBe(0);
    },
    MINUTES * 3,
  );

  it(
    'O6 a failure while both gateways are stopped leaves the old one running, with its own restart policy',
    async () => {
      await old.gateway.start('on-failure');
      const ends = endsOf(run);
      const stubborn = gatewayOf(run);
      stubborn.stop = () => Promise.reject(new Error('the host does not answer'));
      const halfway = new DockerOldGateway(ends.docker, ends.config);
      const stop = halfway.stop.bind(halfway);
      halfway.stop = () => stop().then(() => Promise.reject(new Error('the answer was lost')));
      const untold = () => undefined;
      for (const [broken, message] of [
        [{ fresh: stubborn }, 'the host does not answer'],
        [{ old: halfway }, 'the answer was lost'],
      ] as const) {
        const how = { setAside: false, say: untold, onStep: untold };
        await expect(moveInto({ ...ends, ...broken }, how)).rejects.toThrow(message);
        expect(await old.gateway.isRunning()).toBe(true);
        expect(await old.gateway.restartPolicy()).toBe('on-failure');
      }
    },
    MINUTES * 3,
  );

  it(
    'O7 a session that is put back keeps owner and mode of the file before',
    async () => {
      await old.gateway.start('no');
      const file = '/app/sessions/default.session';
      await docker('exec', old.name, 'sh', '-c', `chown 1234:4321 ${file} && chmod 640 ${file}`);
      await old.gateway.putSession('default', someSession('back'));
      expect(await docker('exec', old.name, 'stat', '-c', '%u %g %a', file)).toBe('1234 4321 640');
      expect(await docker('exec', old.name, 'cat', file)).toBe(someSession('back'));
      await old.gateway.putSession('default', session);
    },
    MINUTES * 3,
  );

  it('O6 an env file of the applications that cannot be switched stands in the way before anything is stopped', async () => {
    const file = join(folder.path, 'gone.env');
    const { problems } = await readPlan({ ...endsOf(run), connections: { file, url: 'postgresql://new' } });
    expect(problems).toEqual([`telegram:source.connectionsFile: there is no ${file}`]);
  });

  it(
    'O6 an old gateway without pg_dump stands in the way where the new database is external',
    async () => {
      await old.gateway.start('no');
      const ends = endsOf(run);
      const other = container('redis-master');
      const { problems } = await readPlan({ ...ends, dumpFrom: other, config: { ...ends.config, container: other } });
      expect(problems).toEqual([
        expect.stringMatching(/^the image of the old gateway has no pg_dump, .* set telegram:backup\.enabled/),
      ]);
    },
    MINUTES * 3,
  );

  it(
    'O6 a session that is no session is refused before anything is done, and the old gateway runs on',
    async () => {
      await old.gateway.start('no');
      await old.gateway.putSession('default', 'SQLite format 3');
      await expect(migrateCase(run)).rejects.toMatchObject({
        code: 'MIGRATE_PREFLIGHT',
        details: ['"default.session" is no string session (version 1)'],
      });
      expect(await old.gateway.isRunning()).toBe(true);
      expect(await target.count('messages')).toBe(0);
      await old.gateway.putSession('default', session);
    },
    MINUTES * 3,
  );

  it('O6 a target that holds messages, or a migration from elsewhere, is left alone', async () => {
    await target.query(
      `select * from telegram_gateway.bulk_upsert_messages('[{"channel_id": 5, "message_id": 1, "posted_at": "2026-11-01"}]')`,
    );
    await expect(migrateCase(run)).rejects.toMatchObject(refusedBy('MIGRATE_TARGET', /holds messages already/));
    await target.query('truncate telegram_gateway.messages, telegram_gateway.message_work, telegram_gateway.outbox');
    await onTarget(target.config, async (client) => {
      await Journal.open(client, 'elsewhere', '1970-01-01');
    });
    await expect(migrateCase(run)).rejects.toMatchObject(refusedBy('MIGRATE_TARGET', /^a migration from elsewhere/));
    expect(await target.count('messages')).toBe(0);
  });

  it(
    'O6 two at once: the second is refused, the first goes on',
    async () => {
      await holdingTarget(target.config, async () => {
        await expect(migrateCase(run)).rejects.toMatchObject(refusedBy('MIGRATE_RUNNING', /another migration/));
      });
      await expect(migrateCase(run)).resolves.toMatchObject({ steps: { compared: { differences: 0 } } });
    },
    MINUTES * 3,
  );

  it(
    'O6 a row that differs when both are compared is found, and the old gateway runs again',
    async () => {
      await migrateCase(run);
      await target.query('delete from telegram_gateway.messages where channel_id = 1001 and message_id = 1');
      await onTarget(target.config, async (client) => {
        const journal = await Journal.read(client);
        for (const step of ['work-made', 'switched', 'reported'] as const) await journal.forget(step);
      });
      await expect(migrateCase(run)).rejects.toMatchObject({
        code: 'MIGRATE_DIFFERENT',
        details: expect.arrayContaining([
          expect.stringMatching(/^channel 1001, \d{4}-\d\d: \d+ rows in the source, \d+ here$/),
        ]) as unknown,
      });
      expect(await old.gateway.isRunning()).toBe(true);
    },
    MINUTES * 3,
  );
});
