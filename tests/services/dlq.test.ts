import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { drop, list, replay, type Sides } from '../../ops/dlq/actions.js';
import { DeadLetterQueue } from '../../ops/dlq/dead-letters.js';
import { DEAD_LETTER_EXCHANGE } from '../../runtime/contract.js';
import type { TelegramEvent } from '../../runtime/events.js';
import { GivenUpError } from '../../runtime/queue/telegram-message-queue.js';
import { ConsumerBench, effect } from '../support/consumer-bench.js';
import { ingestMessage, range } from '../support/messages.js';
import { waitFor } from '../support/services.js';

describe('dlq', () => {
  let bench: ConsumerBench;
  let client: Client;
  let letters: DeadLetterQueue;
  let sides: Sides;

  beforeEach(async () => {
    bench = await ConsumerBench.open();
    client = new Client(bench.database.config);
    await client.connect();
    letters = await openLetters();
    sides = {
      sql: async <R extends object>(text: string, values: readonly unknown[] = []) =>
        (await client.query<R>(text, [...values])).rows,
      letters,
    };
  });
  afterEach(async () => {
    await letters.close();
    await client.end();
    await bench.close();
  });

  function openLetters(): Promise<DeadLetterQueue> {
    const { host, port, vhost, login } = bench.broker.options();
    return DeadLetterQueue.open({ host, port, vhost, ...login() });
  }

  const all = { group: null, limit: 1_000 };

  /** Events that the group of the bench has given up on, each with its letter. */
  async function deadLetters(count: number): Promise<TelegramEvent[]> {
    await bench.addGroup('queue');
    const consumer = await bench.start({
      mode: 'queue',
      handle: () => Promise.reject(new GivenUpError('broken handler')),
    });
    const messages = range(count).map((id) => ingestMessage(bench.channel, id));
    const events = await bench.commit(messages, [], { publish: true });
    // Tried once, not four times: the pauses between tries are tested elsewhere.
    await waitFor('letters', async () => (await letters.depth()) === count, 30_000);
    await consumer.close();
    await bench.database.query(
      `update telegram_gateway.message_work set status = 'failed', attempts = 4 where group_name = $1`,
      [bench.group],
    );
    return events;
  }

  it('R6 lists what was given up, with its reason, and takes nothing away by looking', async () => {
    const events = await deadLetters(5);
    for (let look = 0; look < 25; look++) {
      const looking = await openLetters();
      expect(await looking.take(10)).toHaveLength(5);
      await looking.close();
    }
    const listing = await list(sides, { group: null, limit: 3 });
    expect(listing).toMatchObject({ letters: 5, failed: 5 });
    expect(listing.events.map(({ messageId }) => messageId)).toHaveLength(3);
    expect(events.map(({ messageId }) => messageId)).toEqual(
      expect.arrayContaining(listing.events.map(({ messageId }) => messageId)),
    );
    expect(listing.events[0]).toMatchObject({
      group: bench.group,
      attempts: 4,
      error: expect.stringContaining('broken'),
    });
    expect(await list(sides, { group: 'other', limit: 3 })).toMatchObject({ failed: 0, events: [] });
  });

  it('R6 a replay has each event handled once, in the group that had given it up, and clears the letters', async () => {
    const events = await deadLetters(20);
    // Finished by somebody in the meantime.
    await bench.database.query('delete from telegram_gateway.message_work where message_id = 7');
    expect(await replay(sides, all)).toEqual({ replayed: 19, finished: 1, unreadable: 0 });
    expect(await list(sides, all)).toMatchObject({ letters: 0, failed: 0 });
    const [due] = await bench.database.query<{ attempts: number; outbox: number }>(
      `select max(attempts) as attempts, (select count(*) from telegram_gateway.outbox)::integer as outbox
         from telegram_gateway.message_work where group_name = $1 and status = 'pending'`,
      [bench.group],
    );
    expect(due).toEqual({ attempts: 0, outbox: 39 });
    await bench.start({ mode: 'dual', handle: effect });
    await waitFor('effects', async () => (await bench.effects()).length >= 19, 30_000);
    const wanted = events.filter(({ messageId }) => messageId !== '7').map(({ id }) => id);
    expect((await bench.effects()).sort()).toEqual(wanted.sort());
  });

  it('R6 takes no more than it was asked for, and no letter of another group', async () => {
    await deadLetters(6);
    expect(await replay(sides, { group: 'other', limit: 1_000 })).toEqual({ replayed: 0, finished: 0, unreadable: 0 });
    await letters.close();
    letters = await openLetters();
    sides = { ...sides, letters };
    expect(await letters.depth()).toBe(6);
    expect(await drop(sides, { group: bench.group, limit: 2 })).toEqual({ letters: 2, rows: 2 });
    expect(await list(sides, all)).toMatchObject({ failed: 4 });
    expect(await drop(sides, all)).toMatchObject({ rows: 4 });
    expect(await list(sides, all)).toMatchObject({ letters: 0, failed: 0 });
    expect(await bench.effects()).toEqual([]);
  });

  it('R6 a letter that is no event stays at a replay, and goes by a drop', async () => {
    const model = await bench.broker.connect();
    const channel = await model.createConfirmChannel();
    channel.publish(DEAD_LETTER_EXCHANGE, 'anything', Buffer.from('not JSON'));
    await channel.waitForConfirms();
    await model.close();
    await waitFor('letter', async () => (await letters.depth()) === 1);
    expect(await replay(sides, all)).toEqual({ replayed: 0, finished: 0, unreadable: 1 });
    await letters.close();
    letters = await openLetters();
    sides = { ...sides, letters };
    await waitFor('letter again', async () => (await letters.depth()) === 1);
    expect(await drop(sides, all)).toEqual({ letters: 1, rows: 0 });
    expect(await letters.depth()).toBe(0);
  });
});
