import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { Handle } from '../../runtime/consumer/handler.js';
import { RETRY_DELAYS_MS } from '../../runtime/contract.js';
import type { TelegramEvent } from '../../runtime/events.js';
import { metrics } from '../../runtime/metrics.js';
import { giveBackWork, takeDueWork } from '../../runtime/store/polled-work.js';
import { failWork } from '../../runtime/store/work.js';
import { ConsumerBench, effect, kill } from '../support/consumer-bench.js';
import { ingestMessage, range } from '../support/messages.js';
import { describeOnEachEngine, waitFor } from '../support/services.js';

const EDITED = Math.floor(Date.UTC(2026, 10, 21) / 1_000);
/** Longer than any test: the database is not asked a second time. */
const NEVER_MS = 600_000;

describeOnEachEngine('consumer modes', (engine) => {
  let bench: ConsumerBench;

  beforeEach(async () => {
    bench = await ConsumerBench.open(engine);
  });
  afterEach(() => bench.close());

  const messages = (ids: readonly number[]) => ids.map((id) => ingestMessage(bench.channel, id));
  const handled = (count: number) =>
    waitFor('effects', async () => (await bench.effects()).length >= count, 30_000).then(() => bench.effects());
  /** Each event once, in every group: as many effects as events. */
  const expectOnce = async (events: readonly TelegramEvent[]) => {
    const done = await handled(events.length);
    expect(done.sort()).toEqual(events.map(({ id }) => id).sort());
  };
  const work = () =>
    bench.database.query<{ status: string; attempts: number; wait: number; error: string }>(
      `select status, attempts, extract(epoch from claimed_until - now())::float8 as wait, last_error as error
         from telegram_gateway.message_work where group_name = $1`,
      [bench.group],
    );
  const total = async (metric: typeof metrics.cacheHits) => (await metric.get()).values[0]?.value ?? 0;

  it.each([
    ['queue', true],
    ['poll', true],
    ['poll', false],
    ['dual', true],
  ] as const)('R7 edits and deletions reach mode %s (with a cache: %s), each once', async (mode, cache) => {
    await bench.addGroup(mode);
    await bench.knowsChannel();
    const seen: TelegramEvent[] = [];
    await bench.start({
      mode,
      cache,
      handle: async (event, tx) => {
        seen.push(event);
        await effect(event, tx);
      },
    });
    const to = { cache: await bench.cache(), publish: true };
    const events = [
      ...(await bench.commit(messages([1, 2, 3]), [], to)),
      ...(await bench.commit([ingestMessage(bench.channel, 2, { text: 'edited', editDate: EDITED })], [], to)),
      ...(await bench.commit(
        [],
        [3, 4].map((id) => ({
          ...{ accountId: 'test', channelId: bench.channel, messageId: String(id) },
          ...{ source: 'push' as const, receivedAt: new Date(), pts: null },
        })),
        to,
      )),
    ];
    expect(events.map(({ kind }) => kind.slice(8)).sort()).toEqual(
      ['created', 'created', 'created', 'edited', 'deleted', 'deleted'].sort(),
    );
    await expectOnce(events);
    // By whatever way it came, a handler sees the same.
    for (const event of seen) expect(event).toEqual(events.find(({ id }) => id === event.id));
  });

  it('R7 N5 finds events in the cache without asking the database, and in the database what the cache lacks', async () => {
    await bench.addGroup('poll');
    await bench.knowsChannel();
    const cache = await bench.cache();
    const first = await bench.commit(messages(range(5)));
    const sweeper = await bench.start({ mode: 'poll', sweepMs: NEVER_MS });
    // Its one sweep has brought these; of what follows only the cache can tell.
    await expectOnce(first);
    const [hits, misses] = [await total(metrics.cacheHits), await total(metrics.cacheMisses)];
    const queries = async () =>
      (await metrics.queryDuration.get()).values
        .filter(({ metricName, labels }) => metricName?.endsWith('_count') && labels.query === 'work_take')
        .reduce((sum, { value }) => sum + value, 0);
    const before = await queries();
    const second = await bench.commit(messages(range(50, 6)), [], { cache });
    await expectOnce([...first, ...second]);
    expect(await queries()).toBe(before);
    expect(await total(metrics.cacheHits)).toBe(hits + 50);
    expect(await total(metrics.cacheMisses)).toBe(misses);
    await sweeper.close();
    // Evicted, or never there: the next sweep has it.
    const third = await bench.commit(messages(range(5, 60)));
    await bench.start({ mode: 'poll' });
    await expectOnce([...first, ...second, ...third]);
  });

  it('R7 goes on polling the database while Redis is away', async () => {
    await bench.addGroup('poll');
    const first = await bench.commit(messages([1]));
    await bench.start({ mode: 'poll', sweepMs: NEVER_MS });
    await expectOnce(first);
    bench.redis.disconnect();
    await expectOnce([...first, ...(await bench.commit(messages([2, 3])))]);
  });

  it('R7 groups read independently, whatever the mode of the other', async () => {
    await bench.addGroup('queue');
    await bench.addGroup('poll', 'reports');
    await bench.addGroup('poll', 'search');
    await bench.knowsChannel();
    const groups: Record<string, string[]> = { [bench.group]: [], reports: [], search: [] };
    for (const [group, ids] of Object.entries(groups))
      await bench.start({
        mode: group === bench.group ? 'queue' : 'poll',
        group,
        handle: (event) => {
          ids.push(event.id);
          return Promise.resolve();
        },
      });
    const events = await bench.commit(messages(range(40)), [], { cache: await bench.cache(), publish: true });
    const all = events.map(({ id }) => id).sort();
    await waitFor('all groups', () => Promise.resolve(Object.values(groups).every((ids) => ids.length >= 40)), 30_000);
    for (const ids of Object.values(groups)) expect(ids.sort()).toEqual(all);
  });

  it('R7 handles each event once when both paths bring it, to several workers at once', async () => {
    await bench.addGroup('dual');
    await bench.knowsChannel();
    for (let n = 0; n < 2; n++) await bench.start({ mode: 'dual' });
    const cache = await bench.cache();
    const events: TelegramEvent[] = [];
    for (let batch = 0; batch < 20; batch++)
      events.push(...(await bench.commit(messages(range(25, 1 + 25 * batch)), [], { cache, publish: true })));
    await expectOnce(events);
    await waitFor('work done', async () => (await work()).length === 0);
  });

  it('R7 consumers of one group, by queue and by polling, killed in the middle: each event has one effect', async () => {
    await bench.addGroup('dual');
    await bench.knowsChannel();
    const cache = await bench.cache();
    const modes = ['queue', 'poll'] as const;
    const children = modes.map((mode) => bench.child(mode));
    const events: TelegramEvent[] = [];
    for (let batch = 0; batch < 40; batch++) {
      events.push(...(await bench.commit(messages(range(25, 1 + 25 * batch)), [], { cache, publish: true })));
      const at = batch === 15 ? 0 : batch === 30 ? 1 : null;
      if (at === null) continue;
      // Something has to be under way when it ends.
      await waitFor('a start', async () => (await bench.effects()).length > 25 * (at + 1), 60_000);
      const killed = children[at];
      if (killed) await kill(killed);
      children[at] = bench.child(modes[at]);
    }
    const done = await waitFor(
      'all effects',
      async () => {
        const ids = await bench.effects();
        return ids.length >= events.length && (await work()).length === 0 ? ids : undefined;
      },
      90_000,
    );
    expect(done.sort()).toEqual(events.map(({ id }) => id).sort());
  }, 180_000);

  it('R7 pauses longer after each failure, three times, then keeps the event as failed', async () => {
    await bench.addGroup('poll');
    const [event] = await bench.commit(messages([1]));
    if (!event) throw new Error('not stored');
    const fail = () =>
      failWork(bench.database.database, bench.group, 'worker', { event, error: 'poison', final: false });
    for (const [attempt, delayMs] of RETRY_DELAYS_MS.entries()) {
      expect(await fail()).toBe(false);
      const [row] = await work();
      expect(row).toMatchObject({ status: 'pending', attempts: attempt + 1 });
      // What has passed of it since is the machine's.
      expect(row?.wait).toBeLessThanOrEqual(delayMs / 1_000);
      expect(row?.wait).toBeGreaterThan(delayMs / 1_000 - 30);
    }
    expect(await fail()).toBe(true);
    expect(await work()).toMatchObject([{ status: 'failed', attempts: 4, error: 'poison', wait: null }]);
  });

  it('R7 calls the handler of a failing event four times, then never again', async () => {
    await bench.addGroup('poll');
    let tries = 0;
    await bench.start({
      mode: 'poll',
      cache: false,
      handle: () => {
        tries += 1;
        return Promise.reject(new Error('poison'));
      },
    });
    await bench.commit(messages([1]));
    const [row] = await waitFor(
      'given up',
      async () => {
        const rows = await work();
        if (rows[0]?.status === 'failed') return rows;
        // The rest of a pause is nothing to wait for.
        await bench.database.query(
          `update telegram_gateway.message_work set claimed_until = now() where status = 'pending' and attempts > 0`,
        );
        return undefined;
      },
      40_000,
    );
    expect(row).toMatchObject({ attempts: 4, error: 'Error: poison' });
    expect(tries).toBe(4);
    const outcomes = await bench.database.query('select status, attempts from telegram_gateway.message_outcomes');
    expect(outcomes).toEqual([{ status: 'failed', attempts: 4 }]);
  });

  it('R7 work of a worker that vanished is another one’s after the visibility time-out', async () => {
    await bench.addGroup('poll');
    const events = await bench.commit(messages(range(3)));
    const lease = { group: bench.group, worker: 'vanished', limit: 10, visibilityMs: 60_000 };
    expect(await takeDueWork(bench.database.database, lease)).toHaveLength(3);
    await bench.start({ mode: 'poll', cache: false });
    // Another event is handled in the meantime, those are not.
    const [other] = await bench.commit(messages([4]));
    expect(await handled(1)).toEqual([other?.id]);
    await bench.database.query('update telegram_gateway.message_work set claimed_until = now()');
    await expectOnce([...events, ...(other ? [other] : [])]);
    expect(await giveBackWork(bench.database.database, bench.group, 'vanished')).toBe(0);
    const outcomes = await bench.database.query<{ attempts: number }>(
      'select attempts from telegram_gateway.message_outcomes order by message_id',
    );
    expect(outcomes.map(({ attempts }) => attempts)).toEqual([2, 2, 2, 1]);
  });

  it('R7 keeps its leases while a slow handler runs, so that no other worker begins the same', async () => {
    await bench.addGroup('poll');
    const begun: string[] = [];
    const visibilityMs = 1_500;
    const handle: Handle = async (event, tx) => {
      begun.push(event.id);
      await delay(700);
      await effect(event, tx);
    };
    // Eight of them take longer than the lease, and more than one batch.
    const events = await bench.commit(messages(range(8)));
    for (const worker of ['one', 'two'])
      await bench.start({ mode: 'poll', cache: false, worker, visibilityMs, handle });
    await expectOnce(events);
    await waitFor('work done', async () => (await work()).length === 0);
    expect(begun.sort()).toEqual(events.map(({ id }) => id).sort());
    const outcomes = await bench.database.query<{ attempts: number }>(
      'select attempts from telegram_gateway.message_outcomes',
    );
    expect(outcomes.map(({ attempts }) => attempts)).toEqual(Array(8).fill(1));
  });

  it('R7 takes nothing under a lease that it could not go on to handle', async () => {
    await bench.addGroup('poll');
    const tries = async () =>
      (await metrics.queryDuration.get()).values
        .filter(({ metricName, labels }) => metricName?.endsWith('_count') && labels.query === 'work_channels')
        .reduce((sum, { value }) => sum + value, 0);
    const before = await tries();
    const events = await bench.commit(messages([1]));
    // The channels cannot be read: neither can the cache be used then.
    await bench.database.query('alter table telegram_gateway.channels rename to hidden');
    await bench.start({ mode: 'poll' });
    await waitFor('tries', async () => (await tries()) > before + 1);
    expect(await work()).toMatchObject([{ status: 'pending', attempts: 0 }]);
    await bench.database.query('alter table telegram_gateway.hidden rename to channels');
    await expectOnce(events);
  });

  it.each(['queue', 'dual'] as const)(
    'R7 an event that is set to pending once more is handled again in mode %s',
    async (mode) => {
      await bench.addGroup(mode);
      await bench.addGroup('queue', 'bystander');
      const seen: string[] = [];
      await bench.start({ mode, cache: false });
      await bench.start({
        mode: 'queue',
        group: 'bystander',
        handle: (event) => {
          seen.push(event.id);
          return Promise.resolve();
        },
      });
      const [event] = await bench.commit(messages([1]), [], { publish: true });
      if (!event) throw new Error('not stored');
      await waitFor('both', async () => (await bench.effects()).length === 1 && seen.length === 1);
      await waitFor('work done', async () => (await work()).length === 0);
      const [set] = await bench.database.query(
        `select telegram_gateway.upsert_message_status($1, 1, 'pending', $2) as done`,
        [bench.channel, bench.group],
      );
      expect(set).toEqual({ done: true });
      await bench.database.query('delete from telegram_gateway.outbox where group_name is null');
      bench.relay();
      await waitFor('a second effect', async () => (await bench.effects()).length === 2, 30_000);
      expect(seen).toEqual([event.id]);
      await waitFor('an empty outbox', async () => (await bench.database.count('outbox')) === 0);
    },
  );

  it('R7 a group that polls gets nothing by the broker for what is due again', async () => {
    await bench.addGroup('poll');
    await bench.commit(messages([1]));
    await bench.database.query('delete from telegram_gateway.outbox');
    await bench.database.query(`select telegram_gateway.upsert_message_status($1, 1, 'pending', $2)`, [
      bench.channel,
      bench.group,
    ]);
    expect(await bench.database.count('outbox')).toBe(0);
    expect(await work()).toMatchObject([{ status: 'pending' }]);
  });

  it('R7 gives back what it took and has not begun when it stops, without a try counted', async () => {
    await bench.addGroup('poll');
    const events = await bench.commit(messages(range(450)));
    let begun = 0;
    let release = () => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    const consumer = await bench.start({
      mode: 'poll',
      cache: false,
      limit: 450,
      handle: async (event, tx) => {
        begun += 1;
        await gate;
        await effect(event, tx);
      },
    });
    await waitFor('a handler', () => Promise.resolve(begun > 0));
    const closing = consumer.close();
    release();
    await closing;
    const done = (await bench.effects()).length;
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(450);
    const left = await work();
    expect(left).toHaveLength(450 - done);
    expect(left.every((row) => row.status === 'pending' && row.attempts === 0)).toBe(true);
    await bench.start({ mode: 'poll', cache: false });
    await expectOnce(events);
  });
});
