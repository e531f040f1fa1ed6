import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { connect } from 'amqplib';
import { setTimeout as delay } from 'node:timers/promises';
import { EventProcessor } from '../../runtime/consumer/event-processor.js';
import type { Handle } from '../../runtime/consumer/handler.js';
import { consumeFromQueue } from '../../runtime/consumer/queue.js';
import { DEAD_LETTER_QUEUE } from '../../runtime/contract.js';
import type { TelegramEvent } from '../../runtime/events.js';
import { metrics } from '../../runtime/metrics.js';
import { GivenUpError, TelegramMessageQueue, type Delivery } from '../../runtime/queue/telegram-message-queue.js';
import { commitBatch } from '../../runtime/store/commit-batch.js';
import { Database } from '../../runtime/store/database.js';
import { ingestMessage, range } from '../support/messages.js';
import { TestBroker, TestDatabase, describeOnEachEngine, silent, waitFor } from '../support/services.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const FIRST: Delivery = { attempt: 0, last: false };

/** Not idempotent on purpose: each run adds a row, so a second effect shows. */
const effect: Handle = async (event, tx) => {
  await tx.query('insert into telegram_gateway.effects (event_id) values ($1)', [event.id]);
};

describeOnEachEngine('consumer', (engine) => {
  let database: TestDatabase;
  let abort: AbortController;

  beforeEach(async () => {
    database = await TestDatabase.migrated(engine);
    await database.query('create table telegram_gateway.effects (event_id text not null)');
    abort = new AbortController();
  });
  afterEach(async () => {
    abort.abort();
    await database.drop();
  });

  async function store(ids: readonly number[]): Promise<TelegramEvent[]> {
    const messages = ids.map((id) => ingestMessage('77', id));
    const { stored } = await commitBatch(database.database, { messages, cursors: [] });
    return stored.map(({ event }) => event);
  }

  function processor(handle: Handle, pool: Database = database.database): EventProcessor {
    const common = { group: 'default', worker: 'test', mode: 'queue', logger: silent } as const;
    return new EventProcessor({ ...common, database: pool, handle, signal: abort.signal });
  }

  const effects = async () =>
    (await database.query<{ id: string }>('select event_id as id from telegram_gateway.effects')).map((row) => row.id);
  const outcomes = (status: string) =>
    database.query<{ message_id: string; at: Date; attempts: number }>(
      'select message_id, at, attempts from telegram_gateway.message_outcomes where status = $1 order by message_id',
      [status],
    );

  it('R7 commits effect, outcome and removal of the work row together, in few transactions', async () => {
    const events = await store(range(150));
    const [before] = await database.query<{ n: number }>(
      'select xact_commit::integer as n from pg_stat_database where datname = current_database()',
    );
    const startedAt = Date.now();
    const worker = processor(effect);
    await Promise.all(events.map((event) => worker.process(event, FIRST)));
    expect(before?.n).toBeDefined();
    expect((await effects()).sort()).toEqual(events.map(({ id }) => id).sort());
    expect(await database.count('message_work')).toBe(0);
    const processed = await outcomes('processed');
    expect(processed).toHaveLength(150);
    for (const { at, attempts } of processed) {
      expect(attempts).toBe(1);
      expect(at.getTime()).toBeGreaterThanOrEqual(startedAt);
      expect(at.getTime()).toBeLessThanOrEqual(Date.now());
    }
    const [row] = await database.query<{ n: number }>(
      'select count(distinct xmin::text)::integer as n from telegram_gateway.effects',
    );
    expect(row?.n).toBe(1);
  });

  it('R7 a slow handler shares its batch out over several transactions, so that nobody waits for long', async () => {
    const events = await store(range(9));
    const worker = processor(async (event, tx) => {
      await effect(event, tx);
      await delay(600);
    });
    await Promise.all(events.map((event) => worker.process(event, FIRST)));
    expect((await effects()).sort()).toEqual(events.map(({ id }) => id).sort());
    const [row] = await database.query<{ n: number }>(
      'select count(distinct xmin::text)::integer as n from telegram_gateway.effects',
    );
    expect(row?.n).toBeGreaterThan(1);
    expect(await outcomes('processed')).toHaveLength(9);
  }, 30_000);

  it('R7 handles a repeated event once, in one batch, at once from two workers, and later', async () => {
    const [event] = await store([1]);
    if (!event) throw new Error('not stored');
    const duplicates = async () =>
      (await metrics.duplicates.get()).values.find(({ labels }) => labels.stage === 'consumer')?.value ?? 0;
    const before = await duplicates();
    const [one, two] = [processor(effect), processor(effect)];
    await Promise.all([one.process(event, FIRST), one.process(event, FIRST), two.process(event, FIRST)]);
    await one.process(event, FIRST);
    expect(await effects()).toEqual([event.id]);
    expect(await outcomes('processed')).toHaveLength(1);
    expect(await duplicates()).toBe(before + 3);
  });

  it('R7 keeps the neighbours of a bad event, each with one effect', async () => {
    const events = await store(range(20));
    const worker = processor(async (event, tx) => {
      await effect(event, tx);
      if (event.messageId === '7') throw new Error('bad event');
      // The error is swallowed, the transaction is not saved by that.
      if (event.messageId === '9') await tx.query('select 1/0').catch(() => undefined);
    });
    const results = await Promise.allSettled(events.map((event) => worker.process(event, FIRST)));
    const failed = events.filter((_event, index) => results[index]?.status === 'rejected');
    expect(failed.map(({ messageId }) => messageId)).toEqual(['7', '9']);
    expect((await effects()).length).toBe(18);
    expect(new Set(await effects()).size).toBe(18);
    const left = await database.query(
      'select message_id, status, attempts, last_error from telegram_gateway.message_work order by 1',
    );
    expect(left).toMatchObject([
      { message_id: '7', status: 'pending', attempts: 1, last_error: 'Error: bad event' },
      { message_id: '9', status: 'pending', attempts: 1 },
    ]);
    expect(await outcomes('failed')).toEqual([]);
  });

  it('R7 keeps the work row of an event that failed for the last time, and tells it in the history', async () => {
    const [event] = await store([1]);
    if (!event) throw new Error('not stored');
    const worker = processor(() => Promise.reject(new Error('poison \0')));
    await expect(worker.process(event, { attempt: 3, last: true })).rejects.toThrow('poison');
    const [row] = await database.query('select status, last_error from telegram_gateway.message_work');
    expect(row).toEqual({ status: 'failed', last_error: 'Error: poison ' });
    expect(await outcomes('failed')).toMatchObject([{ message_id: '1', attempts: 1 }]);
    // Mended and sent once more, it is handled.
    await processor(effect).process(event, FIRST);
    expect(await effects()).toEqual([event.id]);
  });

  it('R7 an event that its handler gives up has failed at once, letter and row alike', async () => {
    const [event] = await store([1]);
    if (!event) throw new Error('not stored');
    const worker = processor(() => Promise.reject(new GivenUpError('never')));
    await expect(worker.process(event, FIRST)).rejects.toThrow(GivenUpError);
    expect(await database.query('select status, attempts from telegram_gateway.message_work')).toEqual([
      { status: 'failed', attempts: 1 },
    ]);
    expect(await outcomes('failed')).toHaveLength(1);
  });

  it('R7 leaves an event alone that another worker holds under a lease', async () => {
    const [event] = await store([1]);
    if (!event) throw new Error('not stored');
    const lease = (interval: string) =>
      database.query(
        `update telegram_gateway.message_work
            set status = 'processing', claimed_by = 'other', claimed_until = now() + $1::interval, fence = fence + 1`,
        [interval],
      );
    await lease('1 minute');
    await expect(processor(effect).process(event, FIRST)).rejects.toThrow('another worker');
    expect(await effects()).toEqual([]);
    await lease('-1 second');
    await processor(effect).process(event, FIRST);
    expect(await effects()).toEqual([event.id]);
  });

  it('R7 waits while the database is away, and does not count that as a failure', async () => {
    const events = await store(range(30));
    const proxy = await TcpProxy.start(database.config.host ?? '', database.config.port ?? 0);
    const pool = database.open(() => database.login, proxy);
    const worker = processor(effect, pool);
    const rejected: unknown[] = [];
    const process = (part: readonly TelegramEvent[]) =>
      Promise.all(part.map((event) => worker.process(event, FIRST).catch((error: unknown) => rejected.push(error))));
    // The second batch meets a broken connection, then a database that refuses.
    await process(events.slice(0, 10));
    proxy.cut();
    const done = process(events.slice(10));
    await expect(pool.run({ name: 'probe', text: 'select 1' }, [])).rejects.toMatchObject({
      code: 'SERVICE_UNREACHABLE',
    });
    expect(await effects()).toHaveLength(10);
    proxy.heal();
    await done;
    expect(rejected).toEqual([]);
    expect(new Set(await effects()).size).toBe(30);
    expect(await effects()).toHaveLength(30);
    expect((await outcomes('processed')).every(({ attempts }) => attempts === 1)).toBe(true);
    await pool.close();
    await proxy.close();
  });

  it('R7 handles each event of the queue once while the broker keeps breaking the connection', async () => {
    const broker = await TestBroker.create();
    const options = { broker: broker.options(), logger: silent, group: 'default', declare: true } as const;
    const queue = new TelegramMessageQueue(options);
    await consumeFromQueue(queue, processor(effect));
    await queue.initialize();
    const publisher = new TelegramMessageQueue({ ...options });
    await publisher.initialize();
    const events = await store(range(600));
    let cuts = 0;
    // Each event twice, across at least two breaks.
    for (const event of [...events, ...events]) {
      await waitFor('publish', () =>
        publisher.publishMessage(event).then(
          () => true,
          () => false,
        ),
      );
      if (cuts < 2 && (event.messageId === '200' || cuts === 1)) cuts += Math.min(1, await broker.disconnect());
    }
    await waitFor('all handled', async () => (await effects()).length >= 600);
    await publisher.close();
    await queue.close();
    expect(cuts).toBe(2);
    expect(await effects()).toHaveLength(600);
    expect(new Set(await effects()).size).toBe(600);
    expect(await outcomes('processed')).toHaveLength(600);
    await broker.remove();
  });

  it('R7 finishes what it has begun when it stops, and leaves the rest in the queue', async () => {
    const broker = await TestBroker.create();
    const options = { broker: broker.options(), logger: silent, group: 'default', declare: true } as const;
    let begun = 0;
    let release = () => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    const queue = new TelegramMessageQueue({ ...options, prefetch: 10 });
    await consumeFromQueue(
      queue,
      processor(async (event, tx) => {
        begun += 1;
        await gate;
        await effect(event, tx);
      }),
    );
    await queue.initialize();
    const events = await store(range(50));
    for (const event of events) await queue.publishMessage(event);
    await waitFor('a handler', () => Promise.resolve(begun > 0));
    const closing = queue.close();
    release();
    await closing;
    const handled = (await effects()).length;
    expect(handled).toBeGreaterThan(0);
    expect(handled).toBeLessThanOrEqual(10);
    expect(await database.count('message_work')).toBe(50 - handled);
    const { host, port, vhost, login } = broker.options();
    const model = await connect({ hostname: host, port, vhost, username: login().user, password: login().password });
    const channel = await model.createChannel();
    const left = await waitFor('requeue', async () => {
      const { messageCount } = await channel.checkQueue('telegram.consumer.default');
      return messageCount === 50 - handled;
    });
    expect(left).toBe(true);
    expect((await channel.checkQueue(DEAD_LETTER_QUEUE)).messageCount).toBe(0);
    await model.close();
    await broker.remove();
  });
});
