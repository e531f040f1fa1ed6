import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { ApiBench } from '../support/api.js';
import { fill } from '../support/sql-rows.js';

const MESSAGES = 100_000;
const onTsl = process.env['TEST_TSL_DATABASE_URL'] ? describe : describe.skip;

/** What is older than a week is compressed by TimescaleDB's own job, and read like the rest. */
onTsl('the API over compressed days', () => {
  let bench: ApiBench;
  let cursor: string;

  beforeAll(async () => {
    bench = await ApiBench.start({}, 'tsl');
    await fill(bench.store, { messages: MESSAGES, channels: 20, pending: 0 });
    await bench.store.query('vacuum (analyze) telegram_gateway.messages');
    cursor = String((await bench.get('/v1/messages?channel=3&limit=200')).body.next);
  }, 120_000);
  afterAll(() => bench.close());

  /** Everything that a reader can ask for, as far as it does not tell of now. */
  async function readings(): Promise<Record<string, string>> {
    const [{ from, to } = { from: '', to: '' }] = await bench.store.query<{ from: string; to: string }>(
      `select to_json(min(posted_at) + interval '1 hour') #>> '{}' as from, to_json(min(posted_at) + interval '30 hours') #>> '{}' as to
         from telegram_gateway.messages`,
    );
    const days = `from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`;
    const paths = [
      `/v1/messages?channel=3&order=asc&limit=200`,
      `/v1/messages?channel=3&limit=200&cursor=${cursor}`,
      `/v1/messages?${days}&limit=200`,
      `/v1/messages?${days}&channel=7&text=${encodeURIComponent('message 1')}&limit=50`,
      `/v1/messages/7/6`,
      `/v1/export?${days}`,
    ];
    const answers: Record<string, string> = {};
    for (const path of paths) {
      const { status, text } = await bench.get(path);
      expect([path, status]).toEqual([path, 200]);
      expect(text.length).toBeGreaterThan(100);
      answers[path] = createHash('sha256').update(text).digest('hex');
    }
    return answers;
  }

  it('R8 D11 pages, filters, one message and the export are the same before and after', async () => {
    const before = await readings();
    await bench.store.query(`do $$
      begin
        perform public.compress_chunk(c) from public.show_chunks('telegram_gateway.messages', older_than => interval '2 days') c;
      end $$`);
    const [chunks] = await bench.store.query<{ compressed: number }>(
      "select count(*) filter (where is_compressed)::integer as compressed from timescaledb_information.chunks where hypertable_name = 'messages'",
    );
    expect(chunks?.compressed).toBeGreaterThan(6);
    // What was read before would else come out of the cache.
    bench.toRedis.cut();
    expect(await readings()).toEqual(before);
  }, 60_000);

  it('R8 D11 a late message of a compressed day stands in its place among the others', async () => {
    const [{ at } = { at: '' }] = await bench.store.query<{ at: string }>(
      "select to_json(min(posted_at)) #>> '{}' as at from telegram_gateway.messages where channel_id = 3",
    );
    const message = { channel_id: 3, message_id: 1, posted_at: at, text: 'late' };
    const known = { channel_id: 3, message_id: 2, posted_at: at, text: 'again' };
    const stored = await bench.store.query('select * from telegram_gateway.bulk_upsert_messages($1)', [
      JSON.stringify([message, known, known]),
    ]);
    expect(stored).toEqual([{ stored: 1, duplicates: 2 }]);
    const { body } = await bench.get('/v1/messages?channel=3&order=asc&limit=3');
    expect(body.messages?.map(({ messageId }) => messageId)).toEqual(['1', '2', '22']);
  });
});
