import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { runDueTask, runScheduler } from '../../runtime/maintenance/scheduler.js';
import { MAINTENANCE_TASKS } from '../../runtime/store/maintenance.js';
import { onEachEngine, silent, TestDatabase, waitFor } from '../support/services.js';

onEachEngine((engine) => {
  describe('what the database needs done from time to time', () => {
    let database: TestDatabase;
    let edition: string;

    beforeAll(async () => {
      database = await TestDatabase.migrated(engine);
      const [row] = await database.query<{ edition: string }>('select telegram_gateway.timescale_edition() as edition');
      edition = row?.edition ?? '';
    });
    afterAll(() => database.drop());

    const due = () => database.query('update telegram_gateway.maintenance_tasks set due_at = now()');
    const options = (messagesDays: number, outcomesDays: number) => ({
      database: database.database,
      retention: { messagesDays, outcomesDays },
      logger: silent,
      signal: new AbortController().signal,
    });
    const runAll = async (messagesDays = 0, outcomesDays = 30) => {
      await due();
      let runs = 0;
      while (await runDueTask(options(messagesDays, outcomesDays))) runs += 1;
      return runs;
    };
    /** Those of TimescaleDB, now. */
    const runJobs = async (which: string) => {
      if (edition === 'apache') return;
      const jobs = await database.query<{ job_id: number }>(
        `select job_id from timescaledb_information.jobs j ${which}`,
      );
      expect(jobs).not.toEqual([]);
      for (const { job_id: job } of jobs) await database.query(`call public.run_job(${String(job)})`);
    };
    const days = async (table: string, column: string) =>
      (
        await database.query<{ day: string }>(
          `select distinct to_char(${column}, 'YYYY-MM-DD') as day from telegram_gateway.${table} order by 1`,
        )
      ).map(({ day }) => day);
    /** One message, edit, deletion, work row and outcome a day, for so many days back. */
    const fillDays = (count: number) =>
      database.query(`
        with day as (select i, date_trunc('day', now(), 'UTC') - i * interval '1 day' as at from generate_series(0, ${String(count - 1)}) i),
        m as (insert into telegram_gateway.messages (channel_id, message_id, posted_at, account_id, received_at, source, kind, text, raw)
              select 1, i, at, 'test', at, 'push', 'message', 'x', '' from day on conflict do nothing),
        v as (insert into telegram_gateway.message_versions (channel_id, message_id, posted_at, version, edited_at, account_id,
                                                             received_at, source, text, raw, content_sha256)
              select 1, i, at, 2, at, 'test', at, 'push', 'y', '', '' from day on conflict do nothing),
        t as (insert into telegram_gateway.message_tombstones select 1, i, 'test', at, 'push' from day on conflict do nothing),
        w as (insert into telegram_gateway.message_work (group_name, kind, channel_id, message_id, version, posted_at, account_id)
              select 'default', 'message.created', 1, i, 1, at, 'test' from day on conflict do nothing)
        insert into telegram_gateway.message_outcomes (at, group_name, kind, channel_id, message_id, version, account_id, status,
                                                       processed_by, attempts)
        select at, 'default', 'message.created', 1, i, 1, 'test', 'processed', 'w', 1 from day`);

    beforeEach(async () => {
      await database.query(
        'truncate telegram_gateway.messages, telegram_gateway.message_versions, telegram_gateway.message_outcomes, telegram_gateway.message_work, telegram_gateway.message_tombstones',
      );
    });

    it('Q5 cleanup_old_messages forgets whole days beyond the horizon, in every table, and tells what', async () => {
      await fillDays(10);
      const gone = await database.query<{ relation: string; removed: string; unit: string }>(
        'select * from telegram_gateway.cleanup_old_messages(3)',
      );
      expect(gone.map(({ relation }) => relation)).toEqual([
        'messages',
        'message_versions',
        'message_tombstones',
        'message_work',
      ]);
      expect(gone.find(({ relation }) => relation === 'messages')).toMatchObject({ removed: '6', unit: 'chunks' });
      for (const [table, column] of [
        ['messages', 'posted_at'],
        ['message_tombstones', 'deleted_at'],
        ['message_work', 'posted_at'],
      ] as const)
        expect(await days(table, column)).toHaveLength(4);
      // A week a chunk: some that are older stay for a while.
      expect((await days('message_versions', 'posted_at')).length).toBeGreaterThanOrEqual(4);
      expect(await days('message_outcomes', 'at')).toHaveLength(10);
    });

    it('Q5 cleanup_old_messages forgets work without a date by the day it was stored', async () => {
      await database.query(
        `insert into telegram_gateway.message_work (group_name, kind, channel_id, message_id, version, account_id, status, created_at)
         select 'default', 'message.deleted', 1, n, 1, 'test', 'failed', now() - n * interval '1 day' from generate_series(1, 10) n`,
      );
      await database.query('select telegram_gateway.cleanup_old_messages(3)');
      expect(await database.count('message_work')).toBe(3);
    });

    it.each([0, -1, null])('Q5 cleaning up refuses %s days instead of forgetting everything', async (wanted) => {
      await fillDays(2);
      for (const name of ['cleanup_old_messages', 'cleanup_old_outcomes'])
        await expect(database.query(`select telegram_gateway.${name}($1)`, [wanted])).rejects.toMatchObject({
          code: '22023',
        });
      expect(await days('messages', 'posted_at')).toHaveLength(2);
    });

    it('Q5 cleaning up after 10^9 days forgets nothing', async () => {
      await fillDays(2);
      await database.query('select telegram_gateway.cleanup_old_messages(1000000000)');
      await database.query('select telegram_gateway.cleanup_old_outcomes(1000000000)');
      expect(await days('messages', 'posted_at')).toHaveLength(2);
    });

    it('D11 Q9 the scheduler keeps what the days say, and the history for days of its own', async () => {
      await fillDays(10);
      expect(await runAll(5, 2)).toBe(MAINTENANCE_TASKS.length);
      expect(await days('messages', 'posted_at')).toHaveLength(6);
      expect((await days('message_outcomes', 'at')).length).toBeLessThanOrEqual(3);
      expect(await runDueTask(options(5, 2))).toBe(false);
    });

    it('D11 0 days keep for ever', async () => {
      await fillDays(40);
      await runAll(0, 0);
      expect(await days('messages', 'posted_at')).toHaveLength(40);
      expect(await days('message_outcomes', 'at')).toHaveLength(40);
    });

    it('D11 Q4 the aggregates are brought up to date: by a policy on TSL, by the scheduler on Apache', async () => {
      await fillDays(5);
      await runAll();
      for (const view of ['messages_hourly', 'messages_daily'])
        await runJobs(
          `join _timescaledb_catalog.continuous_agg a on a.mat_hypertable_id = (j.config->>'mat_hypertable_id')::integer
          where j.proc_name = 'policy_refresh_continuous_aggregate' and a.user_view_name = '${view}'`,
        );
      const [counted] = await database.query(
        "select count(*)::integer as days, sum(messages)::integer as messages from telegram_gateway.messages_daily where channel_id = 1 and bucket > now() - interval '5 days'",
      );
      expect(counted).toEqual({ days: 5, messages: 5 });
    });

    it('D11 sets the jobs of TimescaleDB as wished, once and again, and has none on Apache', async () => {
      const jobs = async () =>
        edition === 'apache'
          ? []
          : (
              await database.query<{ line: string }>(`
                select proc_name || ' ' || coalesce(a.user_view_name, j.hypertable_name) || coalesce(' ' || (config->>'drop_after'), '') as line
                  from timescaledb_information.jobs j
                  left join _timescaledb_catalog.continuous_agg a
                    on a.mat_hypertable_id = (j.config->>'mat_hypertable_id')::integer
                 where j.owner::text = 'telegram_owner' order by 1`)
            ).map(({ line }) => line);
      const always = [
        'policy_compression message_outcomes',
        'policy_compression message_versions',
        'policy_compression messages',
        'policy_refresh_continuous_aggregate messages_daily',
        'policy_refresh_continuous_aggregate messages_hourly',
      ];
      const retention = (relation: string, count: number) => `policy_retention ${relation} ${String(count)} days`;
      const wish = (...policies: string[]) => (edition === 'apache' ? [] : [...always, ...policies].sort());
      const ids = () => database.query('select job_id from timescaledb_information.jobs order by 1');
      await runAll(90, 7);
      const made = await ids();
      for (let round = 0; round < 2; round += 1) {
        await runAll(90, 7);
        expect(await ids()).toEqual(made);
        expect(await jobs()).toEqual(
          wish(retention('messages', 90), retention('message_versions', 90), retention('message_outcomes', 7)),
        );
      }
      await runAll(0, 30);
      expect(await jobs()).toEqual(wish(retention('message_outcomes', 30)));
    });

    const onTsl = engine === 'tsl' ? it : it.skip;
    onTsl('D11 TSL compresses by its job, and what is compressed is still found by key and counted', async () => {
      await fillDays(20);
      await runJobs("where proc_name = 'policy_compression' and hypertable_name = 'messages'");
      const [chunks] = await database.query<{ compressed: number }>(
        "select count(*) filter (where is_compressed)::integer as compressed from timescaledb_information.chunks where hypertable_name = 'messages'",
      );
      expect(chunks?.compressed).toBeGreaterThan(5);
      await fillDays(20);
      const [found] = await database.query('select count(*)::integer from telegram_gateway.messages');
      expect(found).toEqual({ count: 20 });
      const claimed = await database.query(
        'select text from telegram_gateway.get_unprocessed_messages_optimized(1, 100)',
      );
      expect(claimed.filter(({ text }) => text === 'x')).toHaveLength(20);
    });

    it('D11 of five schedulers at once each task is run by one', async () => {
      await due();
      const runs = await Promise.all(
        Array.from({ length: 5 }, async () => {
          let mine = 0;
          while (await runDueTask(options(0, 30))) mine += 1;
          return mine;
        }),
      );
      expect(runs.reduce((sum, one) => sum + one, 0)).toBe(MAINTENANCE_TASKS.length);
    });

    it('D11 a task that fails says why, is tried again later, and does not stop the others', async () => {
      // A million days are allowed, beyond the range of an integer they are not.
      expect(await runAll(3_000_000_000, 30)).toBe(MAINTENANCE_TASKS.length);
      const failed = await database.query(
        "select task, due_at > now() as later from telegram_gateway.maintenance_tasks where last_error like '%integer%' order by 1",
      );
      expect(failed).toEqual([
        { task: 'policies', later: true },
        { task: 'retention', later: true },
      ]);
      await runAll();
      expect(
        await database.query('select from telegram_gateway.maintenance_tasks where last_error is not null'),
      ).toEqual([]);
    });

    it('D11 the loop runs what is due and ends when it is told', async () => {
      await due();
      const stop = new AbortController();
      const running = runScheduler({ ...options(0, 30), signal: stop.signal, intervalMs: 50 });
      await waitFor('every task to have run', async () => {
        const open = await database.query('select from telegram_gateway.maintenance_tasks where due_at <= now()');
        return open.length === 0;
      });
      stop.abort();
      await running;
    });
  });
});
