import { DEFAULT_GROUP, SCHEMA } from '../../runtime/contract.js';
import type { Database } from '../../runtime/store/database.js';
import { takeDueWork } from '../../runtime/store/polled-work.js';
import { Latencies, type Latency } from './measure.js';

const CHANNEL = '900000000000000';
const PENDING = 10_000;
const POLLS = 200;
const TAKE = 10;
const CHUNK = 100_000;

export interface PollingResult extends Pick<Latency, 'p50' | 'p95'> {
  /** Stored messages. */
  readonly rows: number;
  /** The same query by five workers at once. */
  readonly fiveWorkers: Pick<Latency, 'p50' | 'p95'>;
  /** One call of `upsert_message_status`, as its caller sees it. */
  readonly statusUpdate: Pick<Latency, 'p50' | 'p95'>;
}

/** The polling query of a consumer with up to ten thousand events that wait, at growing numbers of stored messages. */
export async function pollingLatency(database: Database, sizes: readonly number[]): Promise<PollingResult[]> {
  const results: PollingResult[] = [];
  let stored = 0;
  await run(database, `truncate ${SCHEMA}.messages`);
  for (const rows of sizes) {
    for (; stored < rows; stored += CHUNK) await fill(database, stored, Math.min(CHUNK, rows - stored));
    stored = rows;
    await run(database, `truncate ${SCHEMA}.message_work`);
    await work(database, Math.min(PENDING, rows));
    await settle(database);
    // Each connection compiles the functions at its first call, 20 ms each: not what a poller waits for.
    await poll(database, 5);
    results.push({
      rows,
      ...(await poll(database, 1)),
      fiveWorkers: await poll(database, 5),
      statusUpdate: await setStatus(database),
    });
  }
  return results;
}

/** Facts alone, over thirty days. */
async function fill(database: Database, from: number, count: number): Promise<void> {
  await database.transaction((tx) =>
    tx.query(
      `insert into ${SCHEMA}.messages (account_id, channel_id, message_id, posted_at, received_at, source, kind, text, raw)
       select 'bench', ${CHANNEL}, n, timestamptz '2026-01-01' + (n % 2592000) * interval '1 second', now(), 'backfill',
              'message', 'a stored text of usual length', ''
         from generate_series($1::bigint + 1, $1::bigint + $2::bigint) n`,
      [from, count],
    ),
  );
}

async function work(database: Database, count: number): Promise<void> {
  await database.transaction((tx) =>
    tx.query(
      `insert into ${SCHEMA}.message_work (group_name, kind, channel_id, message_id, version, posted_at, account_id)
       select '${DEFAULT_GROUP}', 'message.created', channel_id, message_id, 1, posted_at, account_id
         from ${SCHEMA}.messages where channel_id = ${CHANNEL} order by posted_at desc limit $1
       on conflict do nothing`,
      [count],
    ),
  );
}

/** As a server is that has had time for what was stored: nothing of it is still being written or counted. */
export async function settle(database: Database): Promise<void> {
  for (const table of ['messages', 'message_work', 'outbox'])
    await run(database, `vacuum (analyze) ${SCHEMA}.${table}`);
  await run(database, 'checkpoint');
}

/** A statement of its own, outside of any transaction. */
async function run(database: Database, text: string): Promise<void> {
  await database.run({ name: 'bench_polling', text, prepared: false }, []);
}

/** So many polls in all, shared out. */
async function poll(database: Database, workers: number): Promise<Pick<Latency, 'p50' | 'p95'>> {
  const latencies = new Latencies();
  const one = async (worker: string) => {
    const lease = { group: DEFAULT_GROUP, worker, limit: TAKE, visibilityMs: 600_000 };
    for (let n = 0; n < POLLS / workers; n++) await latencies.time(() => takeDueWork(database, lease));
  };
  await Promise.all(Array.from({ length: workers }, (_, n) => one(`bench-${String(n)}`)));
  return middleAndTail(latencies);
}

async function setStatus(database: Database): Promise<Pick<Latency, 'p50' | 'p95'>> {
  const { rows } = await database.run<{ message_id: string }>(
    {
      name: 'bench_work',
      text: `select message_id from ${SCHEMA}.message_work where group_name = '${DEFAULT_GROUP}' and channel_id = ${CHANNEL} limit $1`,
    },
    [POLLS],
  );
  const latencies = new Latencies();
  for (const { message_id: id } of rows) await latencies.time(() => database.run(FINISH, [id]));
  return middleAndTail(latencies);
}

const FINISH = {
  name: 'bench_status',
  text: `select ${SCHEMA}.upsert_message_status(${CHANNEL}, $1, 'processed', '${DEFAULT_GROUP}', 'bench')`,
};

function middleAndTail({ result: { p50, p95 } }: Latencies): Pick<Latency, 'p50' | 'p95'> {
  return { p50, p95 };
}
