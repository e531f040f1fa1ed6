import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { commitBatch } from '../../runtime/store/commit-batch.js';
import { ingestMessage, range } from '../support/messages.js';
import { plansInside } from '../support/plans.js';
import { onEachEngine, TestDatabase, uniqueChannel, waitFor } from '../support/services.js';

interface Claimed {
  readonly kind: string;
  readonly message_id: string;
  readonly version: number;
  readonly attempts: number;
  readonly fence: string;
  readonly text: string | null;
  readonly source: string | null;
}

const TEN_IDS = 'array(select n::bigint from generate_series(1, 10) n)';
const TEN_KEYS = `array_fill(1::bigint, '{10}'), ${TEN_IDS}, array_fill(1, '{10}'), array_fill('message.created'::text, '{10}')`;

onEachEngine((engine) => {
  describe('claiming and finishing in SQL', () => {
    let database: TestDatabase;
    let channel: string;

    beforeAll(async () => {
      database = await TestDatabase.migrated(engine);
      await database.query(
        "insert into telegram_gateway.consumer_groups (group_name, mode) values ('second', 'poll') on conflict do nothing",
      );
    });
    beforeEach(() => {
      channel = uniqueChannel();
    });
    afterAll(() => database.drop());

    const store = (count: number, text?: string) =>
      commitBatch(database.database, {
        messages: range(count).map((id) => ingestMessage(channel, id, text === undefined ? {} : { text })),
        cursors: [],
      });
    const claim = (limit: unknown = 100, ...more: unknown[]) =>
      database.query<Claimed>(
        `select * from telegram_gateway.get_unprocessed_messages_optimized(${['$1', '$2', '$3', '$4', '$5'].slice(0, 2 + more.length).join(', ')})`,
        [channel, limit, ...more],
      );
    const mark = async (ids: readonly unknown[] | null, by: string | null = 'w', ...more: unknown[]) => {
      const args = ['$1', '$2', '$3', '$4', '$5'].slice(0, 3 + more.length).join(', ');
      const [row] = await database.query<{ done: number }>(
        `select telegram_gateway.mark_batch_as_processed(${args}) as done`,
        [channel, ids, by, ...more],
      );
      return row?.done;
    };
    const work = () =>
      database.query<{ message_id: string; status: string; attempts: number }>(
        `select message_id, status, attempts from telegram_gateway.message_work
          where group_name = 'default' and channel_id = $1 order by message_id`,
        [channel],
      );
    const outcomes = (group = 'default') =>
      database.query<{ message_id: string; status: string; processed_by: string }>(
        `select message_id, status, processed_by from telegram_gateway.message_outcomes
          where group_name = $2 and channel_id = $1 order by message_id, at`,
        [channel, group],
      );
    const expire = () =>
      database.query(
        "update telegram_gateway.message_work set claimed_until = now() - interval '1 second' where channel_id = $1 and status = 'processing'",
        [channel],
      );

    it.each([
      ['a poll', 'select * from telegram_gateway.get_unprocessed_messages_optimized(null, 10)'],
      ['the claim of a delivered batch', `select * from telegram_gateway.claim_work('default', ${TEN_KEYS})`],
      [
        'the end of a delivered batch',
        `select telegram_gateway.finish_work('default', ${TEN_KEYS}, array_fill(0::bigint, '{10}'), array_fill(now(), '{10}'), 'w')`,
      ],
      ['the end of a polled batch', `select telegram_gateway.mark_batch_as_processed(1, ${TEN_IDS}, 'w')`],
    ])('Q5 N1 %s reads its own rows alone, also by a plan from when nothing waited', async (_, call) => {
      // A table that has never held a row.
      const empty = await TestDatabase.migrated(engine);
      try {
        const plans = await plansInside(empty, call, async (client) => {
          for (let n = 0; n < 10; n++) await client.query(call);
          await client.query(
            `insert into telegram_gateway.message_work (group_name, kind, channel_id, message_id, version, posted_at, account_id)
             select 'default', 'message.created', 1, n, 1, now(), 'test' from generate_series(1, 10000) n`,
          );
        });
        const read = plans.flatMap((plan) =>
          [...plan.matchAll(/actual .*?rows=(\d+)/g)].map(([, rows]) => Number(rows)),
        );
        expect(read).toContain(10);
        expect(Math.max(...read)).toBeLessThan(100);
        expect(plans.join('\n')).not.toMatch(/Rows Removed by (Join )?Filter: [1-9]\d\d/);
      } finally {
        await empty.drop();
      }
    });

    it('Q5 returns messages in order with their texts, and each once', async () => {
      await store(5);
      const first = await claim(3);
      expect(first.map((row) => [row.message_id, row.text, row.kind, row.version])).toEqual(
        [1, 2, 3].map((id) => [String(id), `message ${String(id)}`, 'message.created', 1]),
      );
      expect((await claim(3)).map((row) => row.message_id)).toEqual(['4', '5']);
      expect(await claim(3)).toEqual([]);
    });

    it.each([
      ['0', 0, 0],
      ['-1', -1, 0],
      ['null', null, 0],
      ['10^9', 1_000_000_000, 1_000],
    ])('Q5 takes a limit of %s', async (_, limit, expected) => {
      await store(500);
      await commitBatch(database.database, {
        messages: range(600, 501).map((id) => ingestMessage(channel, id)),
        cursors: [],
      });
      expect(await claim(limit)).toHaveLength(expected);
    });

    it('Q5 an unknown channel or group has no work, and a 64-bit id keeps every digit', async () => {
      expect(await claim(10)).toEqual([]);
      expect(await claim(10, 'nobody')).toEqual([]);
      channel = '9223372036854775807';
      await commitBatch(database.database, {
        messages: [ingestMessage(channel, 1, { messageId: '9007199254740993', date: 1_790_000_000 })],
        cursors: [],
      });
      expect((await claim(10)).map((row) => row.message_id)).toEqual(['9007199254740993']);
      expect(await mark(['9007199254740993'])).toBe(1);
    });

    it('Q5 gives back texts full of SQL as they came, and names too', async () => {
      const text = `'; drop table telegram_gateway.messages; -- $1 %s \\ "x" {}`;
      await store(1, text);
      const name = `o'brien"; --`;
      expect(await claim(1, 'default', name)).toMatchObject([{ text }]);
      expect(await mark([1], name)).toBe(1);
      expect(await outcomes()).toEqual([{ message_id: '1', status: 'processed', processed_by: name }]);
    });

    it('Q5 of eight claimers no two get the same message, and together they get all', async () => {
      await store(500);
      const drain = async (): Promise<string[]> => {
        const mine: string[] = [];
        for (;;) {
          const rows = await database.database.run<Claimed>(
            { name: 'claim', text: 'select * from telegram_gateway.get_unprocessed_messages_optimized($1, 7)' },
            [channel],
          );
          if (rows.rowCount === 0) return mine;
          mine.push(...rows.rows.map((row) => row.message_id));
        }
      };
      const all = (await Promise.all(range(8).map(drain))).flat();
      expect(all).toHaveLength(500);
      expect(new Set(all).size).toBe(500);
    });

    it('Q5 groups claim and finish independently', async () => {
      await store(3);
      expect(await claim(10)).toHaveLength(3);
      expect(await mark([1, 2, 3])).toBe(3);
      expect(await claim(10, 'second')).toHaveLength(3);
      expect(await mark([1, 2], 'w', 'second')).toBe(2);
      expect(await outcomes('second')).toHaveLength(2);
      expect(await outcomes()).toHaveLength(3);
    });

    it('Q5 claims over all channels in the order of arrival', async () => {
      await database.query("delete from telegram_gateway.message_work where group_name = 'second'");
      const other = uniqueChannel();
      await store(1);
      await commitBatch(database.database, { messages: [ingestMessage(other, 1)], cursors: [] });
      await commitBatch(database.database, { messages: [ingestMessage(channel, 2)], cursors: [] });
      const rows = await database.query<{ channel_id: string; message_id: string }>(
        "select * from telegram_gateway.get_unprocessed_messages_optimized(null, 2, 'second')",
      );
      expect(rows.map((row) => `${row.channel_id}:${row.message_id}`).sort()).toEqual(
        [`${channel}:1`, `${other}:1`].sort(),
      );
    });

    it('Q5 brings edits with their text and deletions without one', async () => {
      await store(1);
      await database.query(
        `with version as (
           insert into telegram_gateway.message_versions (channel_id, message_id, posted_at, version, edited_at, account_id,
                                                          received_at, source, text, raw, content_sha256)
           select channel_id, message_id, posted_at, 2, posted_at, account_id, now(), 'difference', 'edited', '', ''
             from telegram_gateway.messages where channel_id = $1
         ), tombstone as (
           insert into telegram_gateway.message_tombstones values ($1, 7, 'test', now(), 'reconcile')
         )
         insert into telegram_gateway.message_work (group_name, kind, channel_id, message_id, version, posted_at, account_id)
         select 'default', 'message.edited', channel_id, message_id, 2, posted_at, account_id
           from telegram_gateway.messages where channel_id = $1
         union all select 'default', 'message.deleted', $1, 7, 1, null, 'test'`,
        [channel],
      );
      const rows = (await claim()).sort((a, b) => Number(a.message_id) - Number(b.message_id) || a.version - b.version);
      expect(rows.map(({ kind, version, text, source }) => [kind, version, text, source])).toEqual([
        ['message.created', 1, 'message 1', 'push'],
        ['message.edited', 2, 'edited', 'difference'],
        ['message.deleted', 1, '', 'reconcile'],
      ]);
    });

    it('Q5 a claim that is not finished in time goes to the next claimer, and after the fourth to nobody', async () => {
      await store(1);
      for (const attempts of [0, 1, 2, 3]) {
        expect(await claim(1)).toMatchObject([{ message_id: '1', attempts }]);
        expect(await claim(1)).toEqual([]);
        await expire();
      }
      expect(await claim(1)).toEqual([]);
      expect(await work()).toEqual([{ message_id: '1', status: 'failed', attempts: 4 }]);
      expect(await outcomes()).toEqual([{ message_id: '1', status: 'failed', processed_by: 'claim timed out' }]);
    });

    it('Q5 a pending row with a later time is left until then', async () => {
      await store(2);
      await database.query(
        "update telegram_gateway.message_work set claimed_until = now() + interval '1 hour' where channel_id = $1 and message_id = 1",
        [channel],
      );
      expect((await claim()).map((row) => row.message_id)).toEqual(['2']);
    });

    it('Q5 Q9 finishing removes the work, tells the history once, and leaves the messages alone', async () => {
      await store(3);
      const facts =
        'select xmin::text, ctid::text from telegram_gateway.messages where channel_id = $1 order by message_id';
      const before = await database.query(facts, [channel]);
      await claim(100, 'default', 'w');
      expect(await mark([3, 1, 1, 99, null])).toBe(2);
      expect(await mark([3, 1])).toBe(0);
      expect(await mark([])).toBe(0);
      expect(await mark(null)).toBe(0);
      expect(await work()).toEqual([{ message_id: '2', status: 'processing', attempts: 0 }]);
      expect((await outcomes()).map((row) => row.message_id)).toEqual(['1', '3']);
      expect(await database.query(facts, [channel])).toEqual(before);
    });

    it('Q5 finishes a row that it waited for, while its lease was renewed', async () => {
      await store(1);
      await claim(1, 'default', 'w');
      const other = new Client(database.config);
      await other.connect();
      try {
        await other.query('begin');
        await other.query(
          "update telegram_gateway.message_work set claimed_until = now() + interval '1 minute' where channel_id = $1",
          [channel],
        );
        const done = mark([1]);
        await waitFor('the one that waits', async () => {
          const [row] = await database.query<{ waiting: boolean }>(
            "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock') as waiting",
          );
          return row?.waiting === true;
        });
        await other.query('commit');
        expect(await done).toBe(1);
        expect(await work()).toEqual([]);
      } finally {
        await other.end();
      }
    });

    it('Q5 finishes what waits where nobody has claimed, never what another has', async () => {
      await store(3);
      await claim(1, 'default', 'other');
      expect(await mark([1, 2], 'me')).toBe(1);
      expect(await work()).toMatchObject([
        { message_id: '1', status: 'processing' },
        { message_id: '3', status: 'pending' },
      ]);
      expect(await mark([1], 'other')).toBe(1);
    });

    it('Q5 an edit that came after the claim is not finished with it', async () => {
      await store(1);
      await claim(1, 'default', 'w');
      await database.query(
        `insert into telegram_gateway.message_work (group_name, kind, channel_id, message_id, version, posted_at, account_id)
         values ('default', 'message.edited', $1, 1, 2, now(), 'test')`,
        [channel],
      );
      expect(await mark([1])).toBe(1);
      expect(await work()).toMatchObject([{ message_id: '1', status: 'pending' }]);
    });

    it('Q5 with fences a claim that has passed to another finishes nothing', async () => {
      await store(1);
      const [mine] = await claim(1);
      await expire();
      const [theirs] = await claim(1);
      expect(await mark([1], 'w', 'default', [mine?.fence])).toBe(0);
      expect(await mark([1], 'w', 'default', [theirs?.fence])).toBe(1);
      await expect(mark([1, 2], 'w', 'default', [1])).rejects.toMatchObject({ code: '2202E' });
      await expect(mark([1], null)).rejects.toMatchObject({ code: '22004' });
    });

    it('Q5 of eight who finish the same batch at once each event is told once', async () => {
      await store(100);
      await claim(100);
      const done = await Promise.all(range(8).map((one) => mark(range(100).sort(() => (one % 2) - 0.5))));
      expect(done.reduce((sum: number, one) => sum + (one ?? 0), 0)).toBe(100);
      expect(await outcomes()).toHaveLength(100);
    });
  });
});
