import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { explain, plansInside } from '../support/plans.js';
import { onEachEngine, SQL_DIRECTORY, TestDatabase } from '../support/services.js';
import { fill, fillOutcomes, fillTombstones, settle } from '../support/sql-rows.js';

const MINUTES = 60_000;
const PENDING = 10_000;

/** Each index, and the query that it exists for (sql/03_indexes.sql). On a hypertable it is the chunk's copy that is used. */
const INDEXES: readonly (readonly [index: string, use: RegExp, query: string])[] = [
  [
    'idx_telegram_messages_unprocessed',
    /Index Scan using idx_telegram_messages_unprocessed/,
    `select * from telegram_gateway.message_work where group_name = 'default' and status = 'pending'
      order by created_at limit 100 for update skip locked`,
  ],
  [
    'idx_telegram_messages_processing',
    /Index Scan using idx_telegram_messages_processing/,
    `select * from telegram_gateway.message_work
      where group_name = 'default' and status = 'processing' and claimed_until < now()`,
  ],
  [
    'idx_telegram_messages_metadata',
    /Bitmap Index Scan on _hyper_\d+_\d+_chunk_idx_telegram_messages_metadata/,
    `select message_id from telegram_gateway.messages where metadata @> '{"pinned": true}'`,
  ],
  [
    'idx_telegram_messages_polling_cover',
    /Index Scan using idx_telegram_messages_polling_cover/,
    `select * from telegram_gateway.message_work where group_name = 'default' and channel_id = 5 and status = 'pending'
      order by posted_at, message_id, version limit 100 for update skip locked`,
  ],
  [
    'idx_telegram_messages_polling_cover, without the table',
    /Index Only Scan using idx_telegram_messages_polling_cover/,
    `select kind, message_id, version, posted_at, account_id from telegram_gateway.message_work
      where group_name = 'default' and channel_id = 5 and status = 'pending' order by posted_at, message_id, version limit 100`,
  ],
  [
    'idx_telegram_messages_processed_by',
    /Scan (using|on) _hyper_\d+_\d+_chunk_idx_telegram_messages_processed_by/,
    `select * from telegram_gateway.message_outcomes
      where split_part(processed_by, ':', 1) = 'host3' and at >= now() - interval '12 hours'`,
  ],
  [
    'idx_telegram_messages_analytics',
    /Index Only Scan using _hyper_\d+_\d+_chunk_idx_telegram_messages_analytics/,
    `select posted_at, message_id from telegram_gateway.messages
      where channel_id = 5 and posted_at >= now() - interval '2 days' and posted_at < now()
      order by posted_at desc, message_id desc limit 100`,
  ],
];

const nameOf = (index: string) => index.replace(/,.*/, '');

/** The lines of a plan in which an index stands, without what they cost. */
function linesOf(plan: string, index: string): readonly string[] {
  const lines = plan.split('\n').filter((line) => line.includes(nameOf(index)));
  return lines.map((line) => line.replace(/^\s*(->)?\s*| \(.*/g, ''));
}

/** Events of the messages 999001 to 999100, as the arguments of `claim_work` and `finish_work` that name them. */
const BATCH = `array(select i % 20 + 1 from generate_series(999001, 999100) i), array(select generate_series(999001, 999100)),
  array_fill(1, array[100]), array_fill('message.created'::text, array[100])`;

/** What the other functions of the contract run inside, and how it finds its rows. */
const INSIDE: readonly (readonly [name: string, call: string, uses: readonly RegExp[]])[] = [
  [
    'Q6 bulk_upsert_messages asks by key for what was deleted',
    `select * from telegram_gateway.bulk_upsert_messages((
       select jsonb_agg(jsonb_build_object('channel_id', i % 20 + 1, 'message_id', 999500 + i, 'posted_at', now()))
         from generate_series(1, 200) i))`,
    [/Index Only Scan using message_tombstones_pk/, /Insert on messages/, /Insert on message_work/, /Insert on outbox/],
  ],
  [
    'Q5 claim_work finds a batch of a hundred by key',
    `select * from telegram_gateway.claim_work('default', ${BATCH}, 'w')`,
    [/Index Scan using message_work_pk.* loops=100\)/],
  ],
  [
    'Q5 finish_work finds a batch of a hundred by key, once',
    `select telegram_gateway.finish_work('default', ${BATCH}, array_fill(0::bigint, array[100]),
       array_fill(now(), array[100]), 'w')`,
    [/Index Scan using message_work_pk.* loops=100\)/, /Tid Scan on message_work/, /Insert on message_outcomes/],
  ],
  [
    'Q5 return_expired_claims finds by index what has run out',
    'select telegram_gateway.return_expired_claims()',
    [/Index Scan using idx_telegram_messages_processing/, /Tid Scan on message_work/],
  ],
  [
    'Q5 cleanup_old_messages drops whole days, and deletes no row of them',
    'select telegram_gateway.cleanup_old_messages(5)',
    [/Function Scan on drop_chunks .*actual time=\S+ rows=[1-9]/, /Scan (using|on) message_tombstones_deleted_at_idx/],
  ],
];

/** Which chunk it was is the database's that was asked. */
const anyChunk = (line: string) => line.replace(/_hyper_\d+_\d+_chunk/g, '_hyper_…_chunk');

/** The rows of docs/sql.md that hold a plan: index, query, line. */
function documented(): readonly (readonly string[])[] {
  const text = readFileSync(join(SQL_DIRECTORY, '..', 'docs', 'sql.md'), 'utf8');
  const rows = text.split('\n').map((row) => row.split('|').map((cell) => cell.trim().replace(/^`|`$/g, '')));
  return rows.filter(([, , , line]) => line?.includes(' Scan ')).map((cells) => cells.slice(1, 4));
}

onEachEngine((engine) => {
  describe('with a million messages and ten thousand pending', () => {
    let database: TestDatabase;

    beforeAll(async () => {
      database = await TestDatabase.migrated(engine);
      await fill(database, { messages: 1_000_000, channels: 20, pending: PENDING });
      await fillOutcomes(database, 50_000);
      await fillTombstones(database, 50_000);
      await settle(database);
    }, 5 * MINUTES);

    afterAll(() => database.drop());

    it.each(INDEXES)('Q3 %s is used by its query, which docs/sql.md tells as it is', async (index, use, query) => {
      const { plan, ms } = await explain(database, query);
      expect(plan).toMatch(use);
      const lines = linesOf(plan, index);
      process.stderr.write(`    Q3 ${index}: ${ms.toFixed(2)} ms, ${lines[0] ?? ''}\n`);
      const told = documented().filter(([name, text]) => name === nameOf(index) && text === query.replace(/\s+/g, ' '));
      expect(told).toHaveLength(1);
      expect(lines.map(anyChunk)).toContain(anyChunk(told[0]?.[2] ?? ''));
    });

    it('Q3 docs/sql.md tells of no other', () => {
      expect(documented()).toHaveLength(INDEXES.length);
    });

    it('Q3 makes exactly the indexes of the contract', async () => {
      const rows = await database.query<{ name: string }>(
        "select indexname as name from pg_indexes where schemaname = 'telegram_gateway' and indexname like 'idx\\_%' order by 1",
      );
      const names = [...new Set(INDEXES.map(([index]) => nameOf(index)))].sort();
      expect(rows.map(({ name }) => name)).toEqual(names);
    });

    it.each([
      ['a channel', '5', 'idx_telegram_messages_polling_cover'],
      ['any channel', 'null', 'idx_telegram_messages_unprocessed'],
    ])(
      'Q5 N1 claiming in %s reads the work by index, and the texts from one chunk by key',
      async (_, channel, index) => {
        const call = `select * from telegram_gateway.get_unprocessed_messages_optimized(${channel}, 100)`;
        const plans = await plansInside(database, call);
        const claim = plans.find((plan) => plan.includes('LockRows') && plan.includes(`using ${index}`));
        expect(claim).toBeDefined();
        const texts = plans.filter((plan) => plan.includes('unnest') && /_hyper_\d+_\d+_chunk stored_1/.test(plan));
        expect(texts).not.toEqual([]);
        for (const plan of texts) {
          expect(new Set(plan.match(/_hyper_\d+_\d+_chunk stored_\d+/g)).size).toBe(1);
          expect(plan).toMatch(/Index Scan using \S+_messages_pk\S* on _hyper_\d+_\d+_chunk stored_1/);
        }
        // Disabled, but taken where nothing else would do; and compiling costs more than running.
        for (const plan of plans) expect(plan).not.toMatch(/Seq Scan on (message_work|_hyper)|JIT:/);
      },
    );

    // A relation that the planner looks at is locked until the transaction ends, also where the plan leaves it out.
    it('Q5 N1 a poll opens one chunk of the messages, however many there are', async () => {
      const client = new Client(database.config);
      await client.connect();
      try {
        await client.query('begin');
        const call = "select * from telegram_gateway.get_unprocessed_messages_optimized(null, 10, 'default', 'one')";
        expect((await client.query(call)).rowCount).toBe(10);
        const { rows } = await client.query(`
          select count(*)::integer as chunks, count(l.relation)::integer as opened
            from pg_inherits i
            left join (select distinct relation from pg_locks where pid = pg_backend_pid()) l on l.relation = i.inhrelid
           where i.inhparent = 'telegram_gateway.messages'::regclass`);
        expect(rows).toEqual([{ chunks: expect.any(Number), opened: 1 }]);
        expect((rows as { chunks: number }[])[0]?.chunks).toBeGreaterThan(8);
      } finally {
        await client.end();
      }
    });

    it('Q5 finishing a batch finds its rows by key', async () => {
      const call = `select telegram_gateway.mark_batch_as_processed(5, array(select generate_series(990000, 990100)), 'w')`;
      const plans = await plansInside(database, call);
      expect(plans.filter((plan) => plan.includes('message_work_pk'))).not.toEqual([]);
      for (const plan of plans) expect(plan).not.toMatch(/Seq Scan on (message_work|_hyper)|JIT:/);
    });

    it('Q6 setting a status is one row by its key, and never looks at the messages', async () => {
      const plans = await plansInside(database, "select telegram_gateway.upsert_message_status(5, 999984, 'failed')");
      expect(plans.filter((plan) => /Index (Only )?Scan using message_work_pk/.test(plan))).not.toEqual([]);
      for (const plan of plans) expect(plan).not.toMatch(/_hyper_1_|Seq Scan on message_work/);
    });

    it.each(INSIDE)('%s', async (_, call, uses) => {
      const plans = await plansInside(database, call);
      for (const use of uses) expect(plans.join('\n')).toMatch(use);
      for (const plan of plans)
        expect(plan).not.toMatch(/Seq Scan on (message_tombstones|_hyper)|Delete on _hyper|JIT:/);
    });

    it.each([
      ['messages_hourly', '1 hour'],
      ['messages_daily', '1 day'],
    ])('Q4 D11 %s equals the same query over the raw rows', async (view, width) => {
      if (view === 'messages_hourly') await refresh();
      const [difference] = await database.query<{ rows: number; missing: number }>(`
        with raw as (
          select public.time_bucket('${width}', posted_at) as bucket, account_id, channel_id, count(*) as messages,
                 count(*) filter (where kind = 'service') as service_messages,
                 count(*) filter (where media_type is not null) as media_messages, sum(length(text)) as characters,
                 min(message_id) as first_message_id, max(message_id) as last_message_id
            from telegram_gateway.messages group by 1, 2, 3
        ), counted as (select * from telegram_gateway.${view})
        select (select count(*) from counted)::integer as rows,
               (select count(*) from ((table raw except table counted) union all (table counted except table raw)) d)::integer as missing`);
      expect(difference?.rows).toBeGreaterThan(20);
      expect(difference?.missing).toBe(0);
    });

    /** As the policies or the scheduler would. */
    async function refresh(): Promise<void> {
      const [row] = await database.query<{ edition: string }>('select telegram_gateway.timescale_edition() as edition');
      for (const view of ['messages_hourly', 'messages_daily'])
        await database.query(
          row?.edition === 'tsl'
            ? `call public.refresh_continuous_aggregate('telegram_gateway.${view}', null, null)`
            : `select telegram_gateway.refresh_aggregate('telegram_gateway.${view}')`,
        );
    }

    it('Q7 the views answer with live values', async () => {
      const stats = 'select pending, processing from telegram_gateway.message_processing_stats';
      const before = await database.query<{ pending: string; processing: string }>(stats);
      const claimed = await database.query('select * from telegram_gateway.get_unprocessed_messages_optimized(3, 25)');
      expect(claimed).toHaveLength(25);
      const after = await database.query<{ pending: string; processing: string }>(stats);
      expect(Number(after[0]?.pending)).toBe(Number(before[0]?.pending) - 25);
      expect(Number(after[0]?.processing)).toBe(Number(before[0]?.processing) + 25);
    });
  });
});
