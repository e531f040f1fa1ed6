import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { commitBatch } from '../../runtime/store/commit-batch.js';
import { Database, type Queryable, type Statement } from '../../runtime/store/database.js';
import { migrate } from '../../runtime/store/migrate.js';
import { removeFromOutbox } from '../../runtime/store/outbox.js';
import { saveSessionCopy } from '../../runtime/store/session-copies.js';
import { ingestMessage, range } from '../support/messages.js';
import { SQL_DIRECTORY, TestDatabase, silent, uniqueChannel, waitFor } from '../support/services.js';

describe('sessions of the store', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.migrated();
  });
  afterAll(() => database.drop());

  /** One session that stays, as a server connection of PgBouncer does. */
  async function session(
    work: (client: Client, queryable: Queryable & Pick<Database, 'transaction'>) => Promise<void>,
  ): Promise<void> {
    const client = new Client(database.config);
    await client.connect();
    const queryable = {
      transaction: () => Promise.reject(new Error('one statement was expected')),
      run: async ({ name, text }: Statement, values: readonly unknown[]) => {
        const { rows, rowCount } = await client.query({ name, text, values: [...values] });
        return { rows: rows as never[], rowCount: rowCount ?? 0 };
      },
    };
    try {
      await work(client, queryable);
    } finally {
      await client.end();
    }
  }

  it('R2 N6 a connection that ends between two statements of a transaction fails that transaction, and nothing else', async () => {
    const pool = database.open();
    let backend = 0;
    const transaction = pool.transaction(async (tx) => {
      const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
      backend = rows[0]?.pid ?? 0;
      await database.query('select pg_terminate_backend($1)', [backend]);
      await waitFor('the end of the session', async () => {
        const left = await database.query('select from pg_stat_activity where pid = $1', [backend]);
        return left.length === 0;
      });
      // What the server said last has to arrive while no statement is under way.
      await delay(200);
      await tx.query('select 1');
    });
    await expect(transaction).rejects.toMatchObject({ code: 'SERVICE_UNREACHABLE' });
    const again = await pool.transaction((tx) => tx.query<{ pid: number }>('select pg_backend_pid() as pid'));
    expect(again.rows[0]?.pid).not.toBe(backend);
    await pool.close();
  });

  it('O8 a gateway puts its sealed session in the place of the last one with its own rights, and may read none', async () => {
    await session(async (client, queryable) => {
      await client.query('set role gateway');
      for (const sealed of ['one', 'two']) await saveSessionCopy(queryable, 'sealed', Buffer.from(sealed));
      await expect(client.query('select sealed from telegram_gateway.session_copies')).rejects.toMatchObject({
        code: '42501',
      });
    });
    const rows = await database.query('select sealed from telegram_gateway.session_copies');
    expect(rows).toEqual([{ sealed: Buffer.from('two') }]);
  });

  it('O5 another login fails no query, not even one that waits for a connection', async () => {
    const { host = '', port = 0, database: name } = database.config;
    const own = { host, port, name, poolSize: 1, tls: false, applicationName: 'test', login: () => database.login };
    const pool = new Database(own);
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const holding = pool.transaction(async (tx) => {
      await tx.query('select 1');
      await held;
    });
    const statement = { name: 'one', text: 'select 1 as one' };
    const ask = () => pool.run<{ one: number }>(statement, []);
    const waiting = range(3).map(ask);
    const changing = pool.changeOver(new AbortController().signal);
    const after = await waitFor('an answer on the new login', async () => {
      const answer = ask();
      waiting.push(answer);
      return Promise.race([answer, delay(200).then(() => false as const)]);
    });
    letGo();
    await Promise.all([holding, changing]);
    const answers = await Promise.all(waiting);
    expect([after, ...answers].filter(({ rows }) => rows[0]?.one !== 1)).toEqual([]);
    await pool.close();
  });

  it('N2 a lone message is not planned anew each time', async () => {
    await session(async (client, queryable) => {
      const channel = uniqueChannel();
      for (const id of range(10)) await commitBatch(queryable, { messages: [ingestMessage(channel, id)], cursors: [] });
      const { rows } = await client.query(
        "select custom_plans::integer as planned from pg_prepared_statements where name = 'commit_batch'",
      );
      // PostgreSQL tries five plans of their own before it settles.
      expect(rows).toEqual([{ planned: 5 }]);
    });
  });

  it('R3 removes confirmed rows without waiting for the disk, and nothing else of the session does so', async () => {
    await session(async (client, queryable) => {
      const channel = uniqueChannel();
      const { stored } = await commitBatch(queryable, {
        messages: range(3).map((id) => ingestMessage(channel, id)),
        cursors: [],
      });
      await removeFromOutbox(queryable, stored.map(({ outboxId }) => outboxId).slice(0, 2));
      const left = await client.query('select outbox_id from telegram_gateway.outbox where channel_id = $1', [channel]);
      expect(left.rows).toEqual([{ outbox_id: stored[2]?.outboxId }]);
      expect((await client.query('show synchronous_commit')).rows).toEqual([{ synchronous_commit: 'on' }]);
    });
  });

  it('D1 installs the statistics of statements', async () => {
    expect(await database.query('select count(*) > 0 as some from public.pg_stat_statements')).toEqual([
      { some: true },
    ]);
  });
});

describe('a database whose TimescaleDB is older than the image', () => {
  it('Q8 is updated before anything else, also with several migrators at once', async () => {
    const database = await TestDatabase.migrated();
    const installed = async () => {
      const rows = await database.query<{ extversion: string }>(
        "select extversion from pg_extension where extname = 'timescaledb'",
      );
      return rows[0]?.extversion;
    };
    const now = (await installed()) ?? '';
    const [older] = await database.query<{ source: string }>(
      `select source from pg_extension_update_paths('timescaledb')
        where target = $1 and path = source || '--' || target and source ~ '^[0-9.]+$'
        order by string_to_array(source, '.')::integer[] desc limit 1`,
      [now],
    );
    // As an older image left it. Where the image has no library of that version, no session can work any more.
    await database.query(
      `with metadata as (
         update _timescaledb_catalog.metadata set value = $1 where key = 'timescaledb_version'
       ) update pg_catalog.pg_extension set extversion = $1 where extname = 'timescaledb'`,
      [older?.source],
    );
    expect(await installed().catch(() => 'no library')).not.toBe(now);
    await Promise.all(
      range(3).map(() => migrate({ client: database.config, directory: SQL_DIRECTORY, logger: silent })),
    );
    expect(await installed()).toBe(now);
    await database.drop();
  });
});
