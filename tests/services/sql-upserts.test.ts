import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { range } from '../support/messages.js';
import { onEachEngine, TestDatabase, uniqueChannel } from '../support/services.js';

onEachEngine((engine) => {
  describe('setting statuses and storing in bulk', () => {
    let database: TestDatabase;
    let channel: string;

    beforeAll(async () => {
      database = await TestDatabase.migrated(engine);
    });
    beforeEach(() => {
      channel = uniqueChannel();
    });
    afterAll(() => database.drop());

    const bulk = async (messages: unknown, ...more: unknown[]) => {
      const args = ['$1', '$2', '$3', '$4'].slice(0, 1 + more.length).join(', ');
      const [row] = await database.query<{ stored: number; duplicates: number }>(
        `select * from telegram_gateway.bulk_upsert_messages(${args})`,
        [JSON.stringify(messages), ...more],
      );
      return row;
    };
    const some = (count: number) =>
      range(count).map((id) => ({
        channel_id: channel,
        message_id: id,
        posted_at: `2026-11-20T00:00:${String(id % 60).padStart(2, '0')}Z`,
        text: `message ${String(id)}`,
      }));
    const status = async (id: unknown, to: string | null, ...more: unknown[]) => {
      const args = ['$1', '$2', '$3', '$4', '$5', '$6', '$7'].slice(0, 3 + more.length).join(', ');
      const [row] = await database.query<{ done: boolean }>(
        `select telegram_gateway.upsert_message_status(${args}) as done`,
        [channel, id, to, ...more],
      );
      return row?.done;
    };
    const work = () =>
      database.query(
        `select message_id, version, status, attempts, claimed_by from telegram_gateway.message_work
          where group_name = 'default' and channel_id = $1 order by message_id, version`,
        [channel],
      );
    const outcomes = async () =>
      (
        await database.query<{ line: string }>(
          `select message_id || ' ' || status || ' ' || processed_by as line from telegram_gateway.message_outcomes
            where channel_id = $1 order by at`,
          [channel],
        )
      ).map(({ line }) => line);
    const count = async (table: string) => {
      const [row] = await database.query<{ count: number }>(
        `select count(*)::integer from telegram_gateway.${table} where channel_id = $1`,
        [channel],
      );
      return row?.count;
    };

    it('Q6 bulk_upsert_messages stores messages, work and events, and counts repeats', async () => {
      expect(await bulk(some(100))).toEqual({ stored: 100, duplicates: 0 });
      expect(await bulk([...some(120), ...some(10)])).toEqual({ stored: 20, duplicates: 110 });
      expect(await count('messages')).toBe(120);
      expect(await count('message_work')).toBe(120);
      expect(await count('outbox')).toBe(120);
      expect(await bulk([])).toEqual({ stored: 0, duplicates: 0 });
    });

    it('Q6 takes ids of 64 bits as numbers and strings, and every field', async () => {
      channel = '9223372036854775807';
      const full = {
        channel_id: channel,
        message_id: '9007199254740993',
        posted_at: '2026-11-20T00:00:00.900Z',
        kind: 'service',
        text: `it's; drop table x; -- $1 \\`,
        sender_id: '-9223372036854775808',
        grouped_id: 7,
        media_type: 'photo',
        edited_at: '2026-11-20T01:00:00Z',
        metadata: { views: 3 },
        raw: 'AQID',
      };
      expect(await bulk([full], 'mine', 'difference', false)).toEqual({ stored: 1, duplicates: 0 });
      const [row] = await database.query('select * from telegram_gateway.messages where channel_id = $1', [channel]);
      expect(row).toMatchObject({
        ...full,
        account_id: 'mine',
        source: 'difference',
        grouped_id: '7',
        posted_at: new Date('2026-11-20T00:00:00Z'),
        edited_at: new Date('2026-11-20T01:00:00Z'),
        raw: Buffer.from([1, 2, 3]),
      });
      expect(await count('message_work')).toBe(0);
      expect(await count('outbox')).toBe(0);
    });

    it.each([
      ['no array', {}, '22023'],
      ['null', null, '22023'],
      ['a NUL in a text', [{ channel_id: 1, message_id: 1, posted_at: '2026-11-20', text: 'a\0b' }], '22P05'],
      ['no date', [{ channel_id: 1, message_id: 1 }], '23502'],
      ['an id that is none', [{ channel_id: 'x', message_id: 1, posted_at: '2026-11-20' }], '22P02'],
      [
        'an id beyond 64 bits',
        [{ channel_id: '9223372036854775808', message_id: 1, posted_at: '2026-11-20' }],
        '22003',
      ],
      ['an unknown kind', [{ channel_id: 1, message_id: 1, posted_at: '2026-11-20', kind: 'x' }], '23514'],
    ])('Q6 refuses %s and stores nothing of the batch', async (_, messages, code) => {
      const whole = Array.isArray(messages) ? [...some(1), ...messages] : messages;
      await expect(bulk(whole)).rejects.toMatchObject({ code });
      expect(await count('messages')).toBe(0);
    });

    it('Q6 keeps a deleted message deleted', async () => {
      await database.query("insert into telegram_gateway.message_tombstones values ($1, 2, 'test', now(), 'push')", [
        channel,
      ]);
      expect(await bulk(some(3))).toEqual({ stored: 2, duplicates: 1 });
    });

    it('Q6 eight imports of the same messages at once store each once', async () => {
      const results = await Promise.all(range(8).map((one) => bulk(one % 2 ? some(300) : some(300).reverse())));
      expect(results.reduce((sum, row) => sum + (row?.stored ?? 0), 0)).toBe(300);
      expect(await count('message_work')).toBe(300);
    });

    it('Q6 Q9 a message goes through every status, and the history has the ends', async () => {
      await bulk(some(1));
      expect(await status(1, 'processing', 'default', 'w')).toBe(true);
      expect(await work()).toMatchObject([{ status: 'processing', claimed_by: 'w' }]);
      expect(await status(1, 'failed', 'default', 'w')).toBe(true);
      expect(await work()).toMatchObject([{ status: 'failed', attempts: 1, claimed_by: null }]);
      expect(await status(1, 'pending')).toBe(true);
      expect(await work()).toMatchObject([{ status: 'pending', attempts: 0 }]);
      expect(await status(1, 'processed', 'default', 'w')).toBe(true);
      expect(await work()).toEqual([]);
      expect(await status(1, 'processed', 'default', 'w')).toBe(false);
      expect(await outcomes()).toEqual(['1 failed w', '1 processed w']);
    });

    it('Q6 a finished message waits again when it is set to pending, with and without its date', async () => {
      await bulk(some(2));
      for (const id of [1, 2]) await status(id, 'processed');
      expect(await status(1, 'pending')).toBe(true);
      expect(await status(2, 'pending', 'default', 'w', null, '2026-11-20T00:00:02Z')).toBe(true);
      expect(await work()).toMatchObject([
        { message_id: '1', version: 1, status: 'pending' },
        { message_id: '2', version: 1, status: 'pending' },
      ]);
    });

    it('Q6 sets all work on a message, or the one version that is named', async () => {
      await bulk(some(1));
      await database.query(
        `insert into telegram_gateway.message_work (group_name, kind, channel_id, message_id, version, posted_at, account_id)
         values ('default', 'message.edited', $1, 1, 2, now(), 'test')`,
        [channel],
      );
      expect(await status(1, 'failed', 'default', 'w', 2)).toBe(true);
      expect(await work()).toMatchObject([{ status: 'pending' }, { status: 'failed' }]);
      expect(await status(1, 'processed')).toBe(true);
      expect(await work()).toEqual([]);
    });

    it('Q6 says false of a message that is not stored, and refuses a status that is none', async () => {
      for (const to of ['pending', 'processing', 'failed', 'processed']) expect(await status(5, to)).toBe(false);
      expect(await status('9223372036854775807', 'pending')).toBe(false);
      await expect(status(1, "done'; --")).rejects.toMatchObject({ code: '22023' });
      await expect(status(1, null)).rejects.toMatchObject({ code: '22023' });
    });

    it('Q6 eight who set the same status at once agree', async () => {
      await bulk(some(1));
      await status(1, 'processed');
      expect(new Set(await Promise.all(range(8).map(() => status(1, 'pending'))))).toEqual(new Set([true]));
      expect(await work()).toHaveLength(1);
      const done = await Promise.all(range(8).map(() => status(1, 'processed')));
      expect(done.filter(Boolean)).toHaveLength(1);
    });
  });
});
