/** What indexes, aggregates and functions of sql/ are worth. */
import type { QueryResultRow } from 'pg';
import { SCHEMA } from '../../runtime/contract.js';
import type { Database } from '../../runtime/store/database.js';
import { median, sideBySide } from './measure.js';
import type { Figure } from './with-and-without.js';

const CHANNEL = 900_000_000_000_001n;
const CHUNK = 100_000;

/** Of 100,000 work rows a tenth waits; the other index holds them all. */
export async function comparePartialIndex(database: Database): Promise<readonly Figure[]> {
  const table = `${SCHEMA}.bench_work`;
  await sql(database, `create table ${table} (like ${SCHEMA}.message_work including defaults)`);
  await sql(
    database,
    `insert into ${table} (group_name, kind, channel_id, message_id, version, account_id, status, created_at)
     select 'default', 'message.created', 1, n, 1, 'bench', case when n % 10 = 0 then 'pending' else 'failed' end,
            now() + n * interval '1 ms' from generate_series(1, 100000) n`,
  );
  const oldest = `select message_id from ${table} where group_name = 'default' and status = 'pending' order by created_at limit 100`;
  const measured = async (index: string): Promise<{ kb: number; ms: number }> => {
    await sql(database, `create index bench_index on ${table} ${index}`);
    await sql(database, `analyze ${table}`);
    const [size] = await sql<{ kb: number }>(
      database,
      `select pg_relation_size('${SCHEMA}.bench_index')::float8 / 1024 as kb`,
    );
    const ms = await median(() => sql(database, oldest));
    await sql(database, `drop index ${SCHEMA}.bench_index`);
    return { kb: size?.kb ?? NaN, ms };
  };
  const partial = await measured(`(group_name, created_at) where status = 'pending'`);
  const full = await measured('(group_name, created_at)');
  await sql(database, `drop table ${table}`);
  return [
    { name: 'partial index: size', unit: 'KB', with: partial.kb, without: full.kb, hope: 10 },
    { name: 'partial index: oldest 100 that wait', unit: 'ms', with: partial.ms, without: full.ms, hope: 1.3 },
  ];
}

/** Aggregate and GIN index, at so many stored messages. */
export async function compareStored(database: Database, rows: number): Promise<readonly Figure[]> {
  for (let from = 0; from < rows; from += CHUNK) await fill(database, from, Math.min(CHUNK, rows - from));
  await sql(database, `analyze ${SCHEMA}.messages`);
  return [await compareAggregate(database), await compareGin(database)];
}

/** Continuous on TSL, a plain materialized view on the Apache edition. */
async function compareAggregate(database: Database): Promise<Figure> {
  const [server] = await sql<{ edition: string }>(database, `select ${SCHEMA}.timescale_edition() as edition`);
  for (const view of ['messages_hourly', 'messages_daily'])
    await sql(
      database,
      server?.edition === 'tsl'
        ? `call public.refresh_continuous_aggregate('${SCHEMA}.${view}', null, null)`
        : `select ${SCHEMA}.refresh_aggregate('${SCHEMA}.${view}'::regclass)`,
    );
  const where = `where channel_id = ${String(CHANNEL)} group by 1 order by 1`;
  const [withIt, without] = await sideBySide(
    () => sql(database, `select bucket, sum(messages) from ${SCHEMA}.messages_daily ${where}`),
    () => sql(database, `select public.time_bucket('1 day', posted_at), count(*) from ${SCHEMA}.messages ${where}`),
    5,
  );
  return { name: 'aggregate: messages a day', unit: 'ms', with: withIt, without, hope: 60 };
}

/** One call of the function, or what a client would do without it. */
export async function compareStatus(database: Database): Promise<Figure> {
  await sql(
    database,
    `insert into ${SCHEMA}.message_work (group_name, kind, channel_id, message_id, version, posted_at, account_id)
     select 'bench', 'message.created', channel_id, message_id, 1, posted_at, account_id from ${SCHEMA}.messages
      where channel_id = ${String(CHANNEL)} and message_id <= 1000`,
  );
  let id = 0;
  const set = async () => {
    id = (id % 1_000) + 1;
    await sql(database, `select ${SCHEMA}.upsert_message_status(${String(CHANNEL)}, ${String(id)}, 'failed', 'bench')`);
  };
  const byHand = () =>
    database.transaction(async (tx) => {
      id = (id % 1_000) + 1;
      const key = `group_name = 'bench' and channel_id = ${String(CHANNEL)} and message_id = ${String(id)} and version = 1`;
      await tx.query(`select status from ${SCHEMA}.message_work where ${key} for update`, []);
      await tx.query(
        `update ${SCHEMA}.message_work set status = 'failed', attempts = attempts + 1, fence = fence + 1 where ${key}`,
        [],
      );
      await tx.query(
        `insert into ${SCHEMA}.message_outcomes (at, group_name, kind, channel_id, message_id, version, account_id, status, processed_by, attempts)
         values (clock_timestamp(), 'bench', 'message.created', ${String(CHANNEL)}, ${String(id)}, 1, 'bench', 'failed', 'bench', 1)`,
        [],
      );
    });
  const [withIt, without] = await sideBySide(set, byHand, 200);
  return { name: 'upsert_message_status', unit: 'ms', with: withIt, without, hope: 2 };
}

/** A thousand messages in one call, or one call each. */
export async function compareBulk(database: Database): Promise<Figure> {
  let next = 0;
  const batch = (count: number) =>
    JSON.stringify(
      Array.from({ length: count }, () => ({
        channel_id: '900000000000002',
        message_id: ++next,
        posted_at: '2026-06-01T00:00:00Z',
        text: 'a stored text of usual length',
      })),
    );
  const store = (count: number) =>
    sql(database, `select * from ${SCHEMA}.bulk_upsert_messages($1::jsonb, 'bench')`, [batch(count)]);
  const one = async () => {
    for (let n = 0; n < 100; n++) await store(1);
  };
  const [withIt, without] = await sideBySide(() => store(1_000), one, 3);
  return {
    ...{ name: 'bulk_upsert_messages', unit: 'ms/1000 rows' as const },
    ...{ with: withIt, without: without * 10, hope: 2 },
  };
}

async function compareGin(database: Database): Promise<Figure> {
  const query = `select count(*) from ${SCHEMA}.messages where metadata @> '{"mark": 17}'`;
  const [withIt, without] = await sideBySide(
    () => sql(database, query),
    () =>
      database.transaction(async (tx) => {
        await tx.query('set local enable_bitmapscan = off', []);
        await tx.query(query, []);
      }),
    5,
  );
  return { name: 'GIN index: metadata', unit: 'ms', with: withIt, without, hope: 10 };
}

/** A message every five seconds in one channel; one in a thousand has a mark. */
async function fill(database: Database, from: number, count: number): Promise<void> {
  await sql(
    database,
    `insert into ${SCHEMA}.messages (account_id, channel_id, message_id, posted_at, received_at, source, kind, text, raw, metadata)
       select 'bench', ${String(CHANNEL)}, n, timestamptz '2026-03-01' + n * interval '5 seconds', now(), 'backfill', 'message',
              'a stored text of usual length', '', jsonb_build_object('mark', n % 1000)
         from generate_series($1::bigint + 1, $1::bigint + $2::bigint) n`,
    [from, count],
  );
}

/** On its own, without a transaction around it. */
async function sql<R extends QueryResultRow>(database: Database, text: string, values: readonly unknown[] = []) {
  return (await database.run<R>({ name: 'bench', text, prepared: false, timeoutMs: 600_000 }, values)).rows;
}
