import { hostname } from 'node:os';
import { EventProcessor } from '../../runtime/consumer/event-processor.js';
import type { Handle } from '../../runtime/consumer/handler.js';
import { consumeFromQueue } from '../../runtime/consumer/queue.js';
import { ALL_CHANNELS, EXCHANGE, GROUP_QUEUE_ARGUMENTS, SCHEMA, VHOST, groupQueue } from '../../runtime/contract.js';
import type { Logger } from '../../runtime/logger.js';
import type { BrokerOptions } from '../../runtime/queue/connection.js';
import { TelegramMessageQueue } from '../../runtime/queue/telegram-message-queue.js';
import { Database, type DatabaseOptions } from '../../runtime/store/database.js';
import type { Sql } from '../../ops/sql.js';

export const GROUP = 'chaos';
/** Keeps a copy of every event until the run looks at it. Its name is one that a consumer's login may read. */
export const WITNESS_QUEUE = groupQueue('chaos-witness');
/** Where the effects are: one row an effect, without a key that would hide a second one. */
export const EFFECTS = 'telegram_chaos.effects';

export interface GroupOptions {
  readonly sql: Sql;
  /** Runs `rabbitmqctl` or a shell inside the broker's container. */
  readonly inBroker: (command: readonly string[]) => Promise<unknown>;
  /** The way of any consumer: through PgBouncer, with a consumer's login. */
  readonly database: DatabaseOptions;
  readonly broker: BrokerOptions;
  readonly logger: Logger;
}

/** Not idempotent on purpose: whenever it is done twice, it shows. */
const effect: Handle = async (event, tx) => {
  await tx.query(`insert into ${EFFECTS} (event_id) values ($1)`, [event.id]);
};

/** A consumer group of the run's own, made of the library that any consumer is made of, and its traces in the stack. */
export class Group {
  readonly #stop = new AbortController();
  #database: Database | null = null;
  #queue: TelegramMessageQueue | null = null;

  constructor(private readonly options: GroupOptions) {}

  /** The queues first: an event without work is dropped, work without its event would never be done. */
  async begin(): Promise<void> {
    const { sql, database, broker, logger } = this.options;
    await this.remove();
    await this.#declareQueues();
    await sql(`create schema telegram_chaos`);
    await sql(`create table ${EFFECTS} (event_id text not null, at timestamptz not null default clock_timestamp())`);
    await sql(`grant usage on schema telegram_chaos to consumer`);
    await sql(`grant insert on ${EFFECTS} to consumer`);
    await sql(`insert into ${SCHEMA}.consumer_groups (group_name) values ($1)`, [GROUP]);
    this.#database = new Database(database);
    this.#queue = new TelegramMessageQueue({ broker, logger, group: GROUP });
    const processor = new EventProcessor({
      database: this.#database,
      group: GROUP,
      worker: `${hostname()}:${String(process.pid)}`,
      mode: 'queue',
      handle: effect,
      logger,
      signal: this.#stop.signal,
    });
    await consumeFromQueue(this.#queue, processor);
    await this.#queue.initialize();
  }

  /** Ends the consumer. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#queue?.close();
    await this.#database?.close();
  }

  /** Takes every trace of a run out of the stack; outcomes stay, as of every group. */
  async remove(): Promise<void> {
    const { sql, inBroker } = this.options;
    await sql(`delete from ${SCHEMA}.consumer_groups where group_name = $1`, [GROUP]);
    await sql(`delete from ${SCHEMA}.message_work where group_name = $1`, [GROUP]);
    await sql(`drop schema if exists telegram_chaos cascade`);
    for (const queue of [groupQueue(GROUP), WITNESS_QUEUE])
      await inBroker(['rabbitmqctl', '--quiet', 'delete_queue', '--vhost', VHOST, queue]).catch(() => undefined);
  }

  async #declareQueues(): Promise<void> {
    const names = [groupQueue(GROUP), WITNESS_QUEUE];
    const definitions = JSON.stringify({
      queues: names.map((name) => ({
        ...{ name, vhost: VHOST, durable: true, auto_delete: false },
        arguments: name === WITNESS_QUEUE ? { 'x-queue-type': 'quorum' } : GROUP_QUEUE_ARGUMENTS,
      })),
      bindings: names.map((destination) => ({
        ...{ source: EXCHANGE, vhost: VHOST, destination, destination_type: 'queue' },
        ...{ routing_key: ALL_CHANNELS, arguments: {} },
      })),
    });
    const script =
      'printf %s "$1" >/tmp/chaos.json; rabbitmqctl --quiet import_definitions /tmp/chaos.json; s=$?; rm -f /tmp/chaos.json; exit $s';
    await this.options.inBroker(['sh', '-c', script, 'sh', definitions]);
  }
}
