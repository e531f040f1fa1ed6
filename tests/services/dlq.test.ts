import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { drop, list, replay, type Sides } from '../../ops/dlq/actions.js';
import { DeadLetterQueue } from '../../ops/dlq/dead-letters.js';
import { DEAD_LETTER_EXCHANGE } from '../../runtime/contract.js';
import type { TelegramEvent } from '../../runtime/events.js';
import { GivenUpError } from '../../runtime/queue/telegram-message-queue.js';
import { ConsumerBench, effect } from '../support/consumer-bench.js';
import { ingestMessage, range } from '../support/messages.js';
import { describeOnEachEngine, uniqueName, waitFor } from '../support/services.js';

describeOnEachEngine('dlq', (engine) => {
  let bench: ConsumerBench;
  let client: Client;
  let letters: DeadLetterQueue;
  let sides: Sides;

  beforeEach(async () => {
    bench = await ConsumerBench.open(engine);
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
    const { host, port, vhost, tls, login } = bench.broker.options();
    return DeadLetterQueue.open({ host, port, vhost, tls, ...login() });
  }

  const all = { group: null, limit: 1_000 };

  /** The letters as a command that begins now sees them, once the broker has put back what was taken: so many. */
  async function lookAgain(depth: number): Promise<void> {
    await letters.close();
    letters = await openLetters();
    sides = { ...sides, letters };
    await waitFor(`${String(depth)} letters`, async () => (await letters.depth()) === depth);
  }

  /** Events that each of the groups has given up on, each with its letter: group after group. */
  async function deadLetters(count: number, groups: readonly string[] = [bench.group]): Promise<TelegramEvent[]> {
    for (const group of groups) await bench.addGroup('queue', group);
    const messages = range(count).map((id) => ingestMessage(bench.channel, id));
    const events = await bench.commit(messages, [], { publish: true });
    for (const [index, group] of groups.entries()) {
      // Tried once, not four times: the pauses between tries are tested elsewhere.
      const handle = () => Promise.reject(new GivenUpError('broken handler'));
      const consumer = await bench.start({ mode: 'queue', group, handle });
      await waitFor('letters', async () => (await letters.depth()) === (index + 1) * count, 30_000);
      await consumer.close();
    }
    return events;
  }

  it('R6 lists what was given up, with its reason, and takes nothing away by looking', async () => {
    const events = await deadLetters(5);
    for (let look = 0; look < 25; look++) {
      const looking = await openLetters();
      expect(await looking.take(10)).toHaveLength(5);
      await looking.close();
      await waitFor('the letters again', async () => (await letters.depth()) === 5);
    }
    const listing = await list(sides, { group: null, limit: 3 });
    expect(listing).toMatchObject({ letters: 5, failed: 5 });
    expect(listing.events.map(({ messageId }) => messageId)).toHaveLength(3);
    expect(events.map(({ messageId }) => messageId)).toEqual(
      expect.arrayContaining(listing.events.map(({ messageId }) => messageId)),
    );
    expect(listing.events[0]).toMatchObject({
      group: bench.group,
      attempts: 1,
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
    bench.relay();
    await bench.start({ mode: 'queue', handle: effect });
    await waitFor('effects', async () => (await bench.effects()).length >= 19, 30_000);
    const wanted = events.filter(({ messageId }) => messageId !== '7').map(({ id }) => id);
    expect((await bench.effects()).sort()).toEqual(wanted.sort());
  });

  it('R6 takes no more than it was asked for, and no letter of another group', async () => {
    await deadLetters(6);
    expect(await replay(sides, { group: 'other', limit: 1_000 })).toEqual({ replayed: 0, finished: 0, unreadable: 0 });
    await lookAgain(6);
    expect(await drop(sides, { group: bench.group, limit: 2 })).toMatchObject({ letters: 2, busy: 0 });
    await drop(sides, all);
    expect(await list(sides, all)).toMatchObject({ letters: 0, failed: 0 });
    expect(await bench.effects()).toEqual([]);
  });

  it('R6 a replay for one group finds its letters behind those of another, and reaches that group alone', async () => {
    const other = uniqueName('other');
    const events = await deadLetters(5, [other, bench.group]);
    const choice = { group: bench.group, limit: 5 };
    expect(await replay(sides, choice)).toEqual({ replayed: 5, finished: 0, unreadable: 0 });
    await lookAgain(5);
    expect(await list(sides, { ...all, group: other })).toMatchObject({ letters: 5, failed: 5 });
    const seen: string[] = [];
    const handle = (event: TelegramEvent) => {
      seen.push(event.id);
      return Promise.resolve();
    };
    // What was committed has been published before: only what was replayed is to come.
    await bench.database.query('delete from telegram_gateway.outbox where group_name is null');
    await bench.start({ mode: 'queue', group: other, handle });
    await bench.start({ mode: 'queue', handle: effect });
    bench.relay();
    await waitFor('effects', async () => (await bench.effects()).length >= 5, 30_000);
    expect((await bench.effects()).sort()).toEqual(events.map(({ id }) => id).sort());
    expect(seen).toEqual([]);
    expect(await list(sides, { ...all, group: other })).toMatchObject({ letters: 5, failed: 5 });
  });

  it('R6 a drop takes the work along with its letter, told in the history, and leaves what a worker has', async () => {
    await deadLetters(3);
    const set = (id: number, status: string, until: string | null) =>
      bench.database.query(
        `update telegram_gateway.message_work set status = $2, claimed_until = now() + $3::interval
          where message_id = $1 and group_name = $4`,
        [id, status, until, bench.group],
      );
    await set(1, 'pending', null);
    await set(2, 'processing', '1 minute');
    expect(await drop(sides, all)).toEqual({ letters: 2, rows: 2, busy: 1 });
    await lookAgain(1);
    const left = await bench.database.query(
      'select message_id from telegram_gateway.message_work where group_name = $1',
      [bench.group],
    );
    expect(left).toEqual([{ message_id: '2' }]);
    const told = await bench.database.query(
      `select message_id from telegram_gateway.message_outcomes where processed_by = 'dropped by hand'`,
    );
    expect(told).toEqual([{ message_id: '1' }]);
  });

  it('R6 a letter that is no event stays at a replay, and goes by a drop', async () => {
    const model = await bench.broker.connect();
    const channel = await model.createConfirmChannel();
    channel.publish(DEAD_LETTER_EXCHANGE, 'anything', Buffer.from('not JSON'));
    await channel.waitForConfirms();
    await model.close();
    await waitFor('letter', async () => (await letters.depth()) === 1);
    expect(await replay(sides, all)).toEqual({ replayed: 0, finished: 0, unreadable: 1 });
    await lookAgain(1);
    expect(await drop(sides, all)).toEqual({ letters: 1, rows: 0, busy: 0 });
    expect(await letters.depth()).toBe(0);
  });
});
