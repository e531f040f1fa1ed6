import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { gunzipSync } from 'node:zlib';
import { copyTo } from '../../ops/migrate/copy.js';
import type { BackKind, BackReport } from '../../ops/migrate/back.js';
import { readingSource } from '../../ops/migrate/databases.js';
import { moveInto, readPlan } from '../../ops/migrate/move.js';
import { DockerOldGateway } from '../../ops/migrate/old-gateway.js';
import { moveBack } from '../../ops/migrate/rollback.js';
import type { Report } from '../../ops/migrate/report.js';
import { OldGatewayContainer, oldDatabase, someSession, temporaryFolder } from '../support/old-layout.js';
import { endsOf, gatewayOf, migrateCase, type MigrationCase } from '../support/migration-run.js';
import { TestDatabase, uniqueName, waitFor } from '../support/services.js';

const MINUTES = 60_000;
/** A million are `MIGRATION_ROWS=1000000`, for which docs/guides/migration.md has the figures; a tenth takes the same way. */
const ROWS = Number(process.env['MIGRATION_ROWS'] ?? 100_000);
/** A chunk for each is made in two tables, which takes longer than a few rows. */
const DAYS = Math.max(31, Math.round(ROWS / 8_500));
const folder = temporaryFolder();
const session = someSession('many');
/** Read by an application of the old layout. */
const application = join(folder.path, 'application.env');
const PASSWORD = 'of-the-old-application';
const BEFORE = `TELEGRAM_DATABASE_URL=postgresql://app:${PASSWORD}@old/shared`;
let source: TestDatabase;
let target: TestDatabase;
let old: OldGatewayContainer;
let run: MigrationCase;

/** Everything of the old rows that existed before, and how many transactions have written. */
async function stateOf(database: TestDatabase, where: string): Promise<unknown> {
  return database.query(
    `select count(*)::text as rows, sum(('x' || left(md5(m::text), 15))::bit(60)::bigint)::text as checksum
       from telegram_gateway.messages m where ${where}`,
  );
}

const back = (kind: BackKind): Promise<BackReport> => moveBack(endsOf(run), kind, () => undefined);

/** What the new gateway and its consumer do after the switch, by the functions that imports and people use. */
async function liveOn(): Promise<void> {
  await target.query(
    `select telegram_gateway.bulk_upsert_messages(jsonb_agg(jsonb_build_object(
         'channel_id', 1001, 'message_id', 900000 + n, 'posted_at', now(), 'text', 'since the switch ' || n)), 'default', 'push')
       from generate_series(1, 500) n`,
  );
  await target.query(
    `insert into telegram_gateway.channels (channel_id, account_id, access_hash, title, pts) values (77, 'default', 7, 'new', 9)`,
  );
  await target.query(
    `insert into telegram_gateway.message_versions (channel_id, message_id, posted_at, version, edited_at, account_id, received_at,
                                                    source, text, raw, content_sha256)
     select channel_id, message_id, posted_at, 2, now(), 'default', now(), 'push', 'edited since', '', ''
       from telegram_gateway.messages where channel_id = 1002 and message_id = 5`,
  );
  await target.query(
    `insert into telegram_gateway.message_tombstones (channel_id, message_id, account_id, deleted_at, source)
     values (1003, 6, 'default', now(), 'push')`,
  );
  await target.query(
    `select telegram_gateway.upsert_message_status(1001, 900000 + n, 'processed', 'default', 'new-worker')
       from generate_series(1, 200) n`,
  );
}

const one = async (columns: string, where: string) =>
  (await source.query(`select ${columns} from telegram_gateway.messages where ${where}`))[0];

describe('messages in the old layout', () => {
  let bornBefore: string;
  let untouched: unknown;

  beforeAll(async () => {
    [source, target] = await Promise.all([oldDatabase(ROWS, DAYS), TestDatabase.migrated()]);
    // The last thousand are unfinished: the old consumers may still change them.
    bornBefore = `id <= ${String(ROWS - 1_000)}`;
    untouched = await stateOf(source, bornBefore);
    old = await OldGatewayContainer.start(source.config, session);
    writeFileSync(application, `${BEFORE}\nOTHER=1\n`);
    run = {
      source: source.config,
      target: target.config,
      old: { container: old.name, sessions: old.volume },
      folder: folder.path,
    };
  }, 10 * MINUTES);
  afterAll(async () => {
    await old.remove();
    await Promise.all([source.drop(), target.drop()]);
    folder.remove();
  }, MINUTES);

  it(
    'O6 the plan says what would happen, and nothing has changed after it',
    async () => {
      const plan = await readPlan(endsOf(run));
      expect(plan).toMatchObject({
        problems: [],
        oldRunning: true,
        account: '1000',
        channels: 20,
        refusedRows: 0,
        done: [],
      });
      expect(plan.rows['messages']).toBeGreaterThanOrEqual(ROWS);
      expect(plan.unfinished).toBeGreaterThanOrEqual(1_000);
      const late = await readPlan(endsOf({ ...run, messagesDays: 30 }));
      expect(late.problems).toEqual([
        expect.stringMatching(/^telegram:retention.messagesDays: 30 days would forget some/),
      ]);
      expect(await target.query(`select to_regclass('telegram_migration.steps') as journal`)).toEqual([
        { journal: null },
      ]);
      expect(await target.count('messages')).toBe(0);
      expect(await old.gateway.isRunning()).toBe(true);
    },
    5 * MINUTES,
  );

  it(
    'O6 are there without a difference, those that arrived meanwhile too, and the source was only read',
    async () => {
      const { steps } = await migrateCase(run);
      const [row] = await source.query<{ count: number }>('select count(*)::integer from telegram_gateway.messages');
      expect(row?.count).toBeGreaterThan(ROWS);
      expect(steps['compared']).toMatchObject({ rows: row?.count, differences: 0 });
      expect(await target.count('messages')).toBe(row?.count);
      expect(await stateOf(source, bornBefore)).toEqual(untouched);
      expect(readFileSync(application, 'utf8')).toBe('TELEGRAM_DATABASE_URL=postgresql://the-new-one\nOTHER=1\n');
      process.stderr.write(`migrated ${String(row?.count)} rows: ${JSON.stringify(steps)}\n`);
    },
    15 * MINUTES,
  );

  it('O6 a second run finds nothing to do', async () => {
    const messages = await target.count('messages');
    const untold = () => undefined;
    const second = await moveInto(endsOf(run), { setAside: false, say: untold, onStep: untold });
    expect(second).toMatchObject({ already: true, report: { steps: { compared: { differences: 0 } } } });
    expect(await target.count('messages')).toBe(messages);
  });

  it(
    'O6 a disk that is slower than the source holds nothing up for ever',
    async () => {
      let bytes = 0;
      const slow = new Writable({
        highWaterMark: 1,
        write: (piece: Buffer, _encoding, written) => {
          bytes += piece.length;
          setImmediate(written);
        },
      });
      const after = await readingSource({ client: run.source, schema: 'telegram_gateway' }, async (client) => {
        await copyTo(client, 'select n from generate_series(1, 100000) n', slow);
        return client.query('select 1 as answer');
      });
      expect(after.rows).toEqual([{ answer: 1 }]);
      slow.end();
      await finished(slow);
      expect(bytes).toBe(588_895);
    },
    MINUTES,
  );

  it('O6 the server refuses to write for the migration', async () => {
    const reading = { client: run.source, schema: 'telegram_gateway' };
    for (const statement of ['delete from telegram_gateway.messages', 'create table telegram_gateway.x (a integer)'])
      await expect(readingSource(reading, (client) => client.query(statement))).rejects.toThrow(
        /read-only transaction/,
      );
  });

  it('O6 the safety copies hold the old schema alone, every row and the sessions; the report is for people and scripts', () => {
    const backup = join(folder.path, 'backup');
    const lines =
      gunzipSync(readFileSync(join(backup, 'messages.copy.gz')))
        .toString('latin1')
        .split('\n').length - 1;
    expect(lines).toBeGreaterThanOrEqual(ROWS);
    expect(gunzipSync(readFileSync(join(backup, 'sessions.tar.gz'))).toString('latin1')).toContain(session);
    const schema = readFileSync(join(backup, 'schema.sql'), 'utf8');
    expect(schema).toContain('CREATE TABLE telegram_gateway.messages');
    expect(schema).not.toContain('CREATE TABLE other_application');
    const report = JSON.parse(readFileSync(join(backup, 'report.json'), 'utf8')) as Report;
    expect(report.steps['compared']).toMatchObject({ differences: 0 });
    expect(readFileSync(join(backup, 'report.md'), 'utf8')).toContain('| differences | 0 |');
  });

  it('O6 the password in the old connection string is in the copy that is kept for the way back, and nowhere else', async () => {
    const backup = join(folder.path, 'backup');
    const kept = join(backup, 'connections.before');
    expect(readFileSync(kept, 'utf8')).toBe(BEFORE);
    expect(statSync(kept).mode & 0o777).toBe(0o600);
    const untold = () => undefined;
    // As `--json` prints it, from the journal.
    const printed = JSON.stringify(await moveInto(endsOf(run), { setAside: false, say: untold, onStep: untold }));
    const written = ['report.json', 'report.md'].map((name) => readFileSync(join(backup, name), 'utf8'));
    const [journal] = await target.query('select json_agg(s)::text as steps from telegram_migration.steps s');
    expect(String(journal?.['steps'])).toContain('connections.before');
    for (const text of [printed, ...written, String(journal?.['steps'])]) expect(text).not.toContain(PASSWORD);
  });

  it(
    'O7 full: a login that may not write, or a failure on the way, leaves the gateway running that was in charge',
    async () => {
      const ends = endsOf(run);
      const reader = uniqueName('test_reader');
      await source.query(`create role ${reader} login password 'reader'`);
      try {
        await source.query(`grant usage on schema telegram_gateway to ${reader}`);
        await source.query(`grant select on all tables in schema telegram_gateway to ${reader}`);
        const client = { ...ends.source.client, user: reader, password: 'reader' };
        let stopped = 0;
        const fresh = gatewayOf(run);
        const stop = fresh.stop.bind(fresh);
        fresh.stop = () => {
          stopped += 1;
          return stop();
        };
        const asReader = { ...ends, fresh, source: { ...ends.source, client } };
        await expect(moveBack(asReader, 'full', () => undefined)).rejects.toMatchObject({
          code: 'MIGRATE_ROLLBACK',
          message: expect.stringMatching(/^the login lacks insert on telegram_gateway\.messages, /) as unknown,
        });
        expect(stopped).toBe(0);
      } finally {
        await source.query(`drop owned by ${reader}`);
        await source.query(`drop role ${reader}`);
      }
      const old = new DockerOldGateway(ends.docker, ends.config);
      old.putSession = () => Promise.reject(new Error('the volume is full'));
      await expect(moveBack({ ...ends, old }, 'full', () => undefined)).rejects.toThrow('the volume is full');
      expect(gatewayOf(run).running).toBe(true);
      expect(await gatewayOf(run).session()).toBe(session);
      expect(await old.isRunning()).toBe(false);
    },
    5 * MINUTES,
  );

  it(
    'O7 quick: the old gateway runs again with its own session, nothing of the new database is lost, and no two run',
    async () => {
      await liveOn();
      const messages = await target.count('messages');
      const [stopped] = await source.query<{ now: Date }>('select clock_timestamp() as now');
      const report = await back('quick');
      expect(report).toMatchObject({ kind: 'quick', added: 0, updated: 0 });
      expect(await old.gateway.isRunning()).toBe(true);
      expect(await gatewayOf(run).session()).toBeNull();
      expect(await target.count('messages')).toBe(messages);
      expect(readFileSync(application, 'utf8')).toBe(`${BEFORE}\nOTHER=1\n`);
      const since = stopped?.now.toISOString() ?? '';
      await waitFor(
        'rows of the old gateway',
        async () => {
          const found = await one(
            'count(*)::integer as n',
            `content = 'arrived meanwhile' and created_at > '${since}' and posted_at > now() - interval '1 hour'`,
          );
          return Number(found?.['n']) > 0;
        },
        2 * MINUTES,
      );
    },
    5 * MINUTES,
  );

  it(
    'O7 full, after it: what came since is in the old table in the old form, and again it changes nothing',
    async () => {
      const report = await back('full');
      expect(report).toMatchObject({ kind: 'full', differences: 0 });
      expect(report.added).toBe(500);
      expect(report.updated).toBeGreaterThanOrEqual(2);
      expect(await one('count(*)::integer as n', 'channel_id = 1001 and message_id > 900000')).toEqual({ n: 500 });
      expect(await one('status, processed_by, content', 'channel_id = 1001 and message_id = 900001')).toEqual({
        status: 'processed',
        processed_by: 'new-worker',
        content: 'since the switch 1',
      });
      expect(await one('status', 'channel_id = 1001 and message_id = 900500')).toEqual({ status: 'pending' });
      expect(await one('content', 'channel_id = 1002 and message_id = 5')).toEqual({ content: 'edited since' });
      expect(await one('deleted_at is not null as gone', 'channel_id = 1003 and message_id = 6')).toEqual({
        gone: true,
      });
      expect(await source.query('select title from telegram_gateway.channels where channel_id = 77')).toHaveLength(1);
      expect(await old.gateway.isRunning()).toBe(true);

      const again = await back('full');
      expect(again).toMatchObject({ added: 0, differences: 0 });
      expect(await one('count(*)::integer as n', 'channel_id = 1001 and message_id > 900000')).toEqual({ n: 500 });
      process.stderr.write(`rolled back: ${JSON.stringify(report)}\n`);
    },
    10 * MINUTES,
  );

  it('O7 a migration that was rolled back is not begun again in the same database', async () => {
    await expect(migrateCase(run)).rejects.toMatchObject({
      code: 'MIGRATE_TARGET',
      message: 'the migration into this database was rolled back',
    });
  });
});
