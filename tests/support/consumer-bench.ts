import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { RedisTelegramCache } from '../../runtime/cache/redis-telegram-cache.js';
import { Consumer, type ConsumerOptions } from '../../runtime/consumer/consumer.js';
import type { Handle } from '../../runtime/consumer/handler.js';
import type { TelegramEvent } from '../../runtime/events.js';
import type { IngestDeletion, IngestMessage } from '../../runtime/ingest/message-store.js';
import { OutboxRelay } from '../../runtime/queue/outbox.js';
import { TelegramMessageQueue } from '../../runtime/queue/telegram-message-queue.js';
import { commitBatch } from '../../runtime/store/commit-batch.js';
import { claimOutbox, outboxStats, removeFromOutbox } from '../../runtime/store/outbox.js';
import { registerGroup } from '../../runtime/store/polled-work.js';
import type { ChildSettings } from './consumer-child.js';
import { TestBroker, TestDatabase, connectRedis, silent, uniqueChannel, uniqueName, type Engine } from './services.js';

/** Not idempotent on purpose: each run adds a row, so a second effect shows. */
export const effect: Handle = async (event, tx) => {
  await tx.query('insert into telegram_gateway.effects (event_id) values ($1)', [event.id]);
};

type Wanted = Partial<Omit<ConsumerOptions, 'cache'>> & Pick<ConsumerOptions, 'mode'> & { cache?: boolean };

/** Database, broker and cache with a channel and a group of their own, and consumers on them. */
export class ConsumerBench {
  readonly channel = uniqueChannel();
  readonly group = uniqueName('group');
  readonly redis = connectRedis();
  readonly #closers: (() => Promise<unknown>)[] = [];
  readonly #publisher: TelegramMessageQueue;

  private constructor(
    readonly database: TestDatabase,
    readonly broker: TestBroker,
  ) {
    this.#publisher = this.queue('default');
  }

  static async open(engine?: Engine): Promise<ConsumerBench> {
    const [database, broker] = await Promise.all([TestDatabase.migrated(engine), TestBroker.create()]);
    await database.query('create table telegram_gateway.effects (event_id text not null)');
    const bench = new ConsumerBench(database, broker);
    await bench.#publisher.initialize();
    return bench;
  }

  /** The gateway's side of the cache, which has learned of every group. */
  async cache(): Promise<RedisTelegramCache> {
    const cache = new RedisTelegramCache(this.redis);
    await cache.learnGroups();
    return cache;
  }

  queue(group: string): TelegramMessageQueue {
    return new TelegramMessageQueue({ broker: this.broker.options(), logger: silent, group, declare: true });
  }

  /** Registered, its queue declared: from here on there is work for it. */
  async addGroup(mode: ConsumerOptions['mode'], group = this.group): Promise<void> {
    if (mode !== 'poll') {
      const queue = this.queue(group);
      await queue.initialize();
      await queue.close();
    }
    await registerGroup(this.database.database, group, mode);
    const cache = new RedisTelegramCache(this.redis, group);
    if (mode !== 'queue') await cache.announceGroup();
  }

  /** A worker; with `cache: false` it asks the database each time. */
  async start({ cache = true, ...wanted }: Wanted): Promise<Consumer> {
    const { mode, group = this.group } = wanted;
    const consumer = new Consumer({
      ...{ worker: uniqueName('worker'), handle: effect, logger: silent, intervalMs: 10, sweepMs: 200 },
      ...{ database: this.database.database, queue: mode === 'poll' ? null : this.queue(group) },
      ...wanted,
      group,
      cache: mode === 'queue' || !cache ? null : new RedisTelegramCache(this.redis, group),
    });
    this.#closers.push(() => consumer.close());
    await consumer.start();
    return consumer;
  }

  /** What the gateway does: commits, then offers to the cache and to the broker. */
  async commit(
    messages: readonly IngestMessage[],
    deletions: readonly IngestDeletion[] = [],
    to: { readonly cache?: RedisTelegramCache | null; readonly publish?: boolean } = {},
  ): Promise<TelegramEvent[]> {
    const { stored } = await commitBatch(this.database.database, { messages, deletions, cursors: [] });
    const events = stored.map(({ event }) => event);
    await to.cache?.cacheMessages(events);
    if (to.publish) await Promise.all(events.map((event) => this.#publisher.publishMessage(event)));
    return events;
  }

  /** The gateway's relay, from the outbox to the broker. */
  relay(): void {
    const { database } = this.database;
    const relay = new OutboxRelay({
      accountId: 'test',
      store: {
        claim: (options) => claimOutbox(database, { ...options, minAgeMs: 0 }),
        remove: (ids) => removeFromOutbox(database, ids),
        stats: (accountId) => outboxStats(database, accountId),
      },
      queue: this.#publisher,
      logger: silent,
    });
    relay.start();
    this.#closers.push(() => relay.stop());
  }

  async knowsChannel(): Promise<void> {
    await this.database.query(`insert into telegram_gateway.channels (channel_id, account_id) values ($1, 'test')`, [
      this.channel,
    ]);
  }

  /** Ids of the events that had an effect, each as often as it had one. */
  async effects(): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>('select event_id as id from telegram_gateway.effects');
    return rows.map(({ id }) => id);
  }

  /** A consumer as a process of its own; it dies with the bench. */
  child(mode: ConsumerOptions['mode'], group = this.group): ChildProcess {
    const { host = '', port = 0, database: name } = this.database.config;
    const broker = this.broker.options();
    const settings: ChildSettings = {
      ...{ group, mode, redisUrl: process.env['TEST_REDIS_URL'] ?? '' },
      database: { host, port, name, ...this.database.login },
      broker: { ...broker, login: broker.login() },
    };
    const child = spawn(process.execPath, ['--import', 'tsx', join(__dirname, 'consumer-child.ts')], {
      env: { ...process.env, TEST_CHILD: JSON.stringify(settings) },
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: 120_000,
      killSignal: 'SIGKILL',
    });
    this.#closers.push(() => kill(child));
    return child;
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
    await this.#publisher.close();
    this.redis.disconnect();
    await this.database.drop();
    await this.broker.remove();
  }
}

/** At once, in the middle of whatever it does. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
