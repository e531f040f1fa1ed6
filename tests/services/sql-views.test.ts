import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { onEachEngine, TestDatabase } from '../support/services.js';

/** What `health` says of each channel, and why: the name is the title. */
const CHANNELS = `
insert into telegram_gateway.channels (channel_id, account_id, title, username, pts, last_message_id, status,
                                       backfill_next_id, backfill_until_id)
values (1, 'one', 'well', 'well_known', 11, 3, 'active', null, null),
       (2, 'one', 'waits', null, 12, 1, 'active', null, null),
       (3, 'two', 'given up', null, 13, 1, 'active', 90, 40),
       (4, 'two', 'read later', null, 14, 1, 'active', 90, 40),
       (5, 'two', 'stopped', null, 15, 1, 'paused', null, null)`;

/** Ages in seconds. The second of channel 1 was read late from the history: its way says nothing of the latency. */
const MESSAGES = `
insert into telegram_gateway.messages (channel_id, message_id, posted_at, account_id, received_at, stored_at, source, kind, text, raw)
select channel_id, message_id, now() - age * interval '1 second', 'one', now(), now() + took * interval '1 second', source,
       'message', '', ''
  from (values (1, 1, 7000, 0, 'push'), (1, 2, 2, 9, 'backfill'), (1, 3, 1, 0.25, 'push'), (2, 1, 1800, 0, 'push'),
               (4, 1, 800000, 0, 'push')) m (channel_id, message_id, age, took, source)`;

const WORK = `
insert into telegram_gateway.message_work (group_name, kind, channel_id, message_id, version, account_id, status, created_at)
select 'default', 'message.created', channel_id, message_id, 1, 'one', status, now() - age * interval '1 second'
  from (values (1, 3, 'pending', 1), (2, 1, 'pending', 120), (2, 2, 'processing', 90), (3, 1, 'failed', 500))
       w (channel_id, message_id, status, age)`;

const HOLES = `insert into telegram_gateway.message_holes (channel_id, message_id, account_id) values (3, 7, 'two'), (3, 8, 'two')`;
const OUTBOX = `insert into telegram_gateway.outbox (account_id, kind, channel_id, message_id, version, created_at)
  values ('one', 'message.created', 1, 3, 1, now() - interval '40 seconds'), ('one', 'message.created', 1, 4, 1, now())`;
/** The last one is older than a minute. */
const OUTCOMES = `
insert into telegram_gateway.message_outcomes (at, group_name, kind, channel_id, message_id, version, account_id, status, processed_by, attempts)
select now() - age * interval '1 second', 'default', 'message.created', 1, 1, 1, 'one', status, 'w', 1
  from (values (1, 'processed'), (2, 'processed'), (3, 'failed'), (90, 'processed')) o (age, status)`;

onEachEngine((engine) => {
  describe('views', () => {
    let database: TestDatabase;
    beforeAll(async () => {
      database = await TestDatabase.migrated(engine);
      for (const rows of [CHANNELS, MESSAGES, WORK, HOLES, OUTBOX, OUTCOMES]) await database.query(rows);
    });
    afterAll(() => database.drop());

    /** Of a channel; ages in whole minutes, so that a slow machine says the same. */
    const health = async (channel: number) =>
      (
        await database.query<Record<string, unknown>>(
          `select title, username, account_id, status, health, pts, last_message_id, messages_last_hour::integer as hour,
                  pending::integer, failed::integer, backfill_left::integer as backfill, unreadable::integer,
                  floor(silent_seconds / 60)::integer as silent, floor(oldest_pending_seconds / 60)::integer as oldest
             from telegram_gateway.channel_health_summary where channel_id = $1`,
          [channel],
        )
      )[0];
    const figures = async () =>
      Object.fromEntries(
        (
          await database.query<{ metric: string; value: number | null }>(
            'select metric, value from telegram_gateway.performance_metrics_realtime',
          )
        ).map(({ metric, value }) => [metric, value]),
      );

    it('Q7 channel_health_summary says of each channel how far it is read and whether it is well', async () => {
      const none = { username: null, status: 'active', last_message_id: '1', backfill: null, unreadable: 0 };
      const idle = { hour: 0, pending: 0, failed: 0, silent: null, oldest: null };
      expect(await Promise.all([1, 2, 3, 4, 5].map(health))).toEqual([
        {
          ...{ ...none, title: 'well', username: 'well_known', account_id: 'one', health: 'ok', pts: 11 },
          ...{ ...idle, last_message_id: '3', hour: 2, pending: 1, silent: 0, oldest: 0 },
        },
        {
          ...{ ...none, title: 'waits', account_id: 'one', health: 'behind', pts: 12 },
          ...{ ...idle, hour: 1, pending: 2, silent: 30, oldest: 2 },
        },
        {
          ...{ ...none, title: 'given up', account_id: 'two', health: 'failing', pts: 13 },
          ...{ ...idle, failed: 1, backfill: 50, unreadable: 2 },
        },
        // Silent for longer than a week.
        { ...none, title: 'read later', account_id: 'two', health: 'recovering', pts: 14, ...idle, backfill: 50 },
        { ...none, title: 'stopped', account_id: 'two', status: 'paused', health: 'paused', pts: 15, ...idle },
      ]);
    });

    it('Q7 performance_metrics_realtime has each figure of this moment', async () => {
      const now = await figures();
      expect(now).toMatchObject({
        ...{
          messages_posted_last_minute: 2,
          commit_latency_p95: 0.25,
          processed_last_minute: 2,
          failed_last_minute: 1,
        },
        ...{
          work_pending: 2,
          work_processing: 1,
          work_failed: 1,
          outbox_pending: 2,
          sessions_blocked: 0,
          deadlocks: 0,
        },
      });
      const between = (metric: string, least: number, most: number) => {
        expect([metric, (now[metric] ?? NaN) >= least && (now[metric] ?? NaN) <= most]).toEqual([metric, true]);
      };
      between('work_oldest_pending_age', 120, 180);
      between('outbox_oldest_age', 40, 100);
      between('sessions_active', 1, 10);
      between('connections', 1, 20);
      between('oldest_transaction_age', 0, 60);
      between('cache_hit_ratio', 0.5, 1);
      between('temporary_files', 0, 2 ** 30);
      const [{ size } = { size: '' }] = await database.query<{ size: string }>(
        'select pg_database_size(current_database())::text as size',
      );
      between('database_size', Number(size) * 0.9, Number(size) * 1.1);
      expect(Object.keys(now)).toHaveLength(18);
    });

    it('Q7 both say another thing after another row', async () => {
      const before = await figures();
      await database.query(
        `insert into telegram_gateway.messages (channel_id, message_id, posted_at, account_id, received_at, stored_at, source, kind, text, raw)
         values (2, 2, now(), 'one', now(), now() + interval '4.25 seconds', 'push', 'message', '', '')`,
      );
      await database.query("delete from telegram_gateway.message_work where status = 'pending' and channel_id = 2");
      await database.query("update telegram_gateway.message_work set status = 'failed' where channel_id = 1");
      await database.query('delete from telegram_gateway.outbox');
      await database.query("update telegram_gateway.channels set status = 'left' where channel_id = 5");
      expect(await Promise.all([1, 2, 5].map(health))).toMatchObject([
        { health: 'failing', pending: 0, failed: 1, oldest: null },
        { health: 'behind', hour: 2, pending: 1, silent: 0, oldest: 1 },
        { health: 'left', status: 'left' },
      ]);
      expect(await figures()).toMatchObject({
        messages_posted_last_minute: Number(before['messages_posted_last_minute']) + 1,
        ...{ work_pending: 0, work_processing: 1, work_failed: 2, work_oldest_pending_age: null },
        ...{ outbox_pending: 0, outbox_oldest_age: null },
        // Of two ways, 0.25 and 4.25 s.
        commit_latency_p95: 4.05,
      });
    });
  });
});
