/**
 * A consumer group's worker: the library that the container runs too.
 *
 * Promised: each event of the group is handled with the guarantee of `Handle`, in every mode; several workers share a
 *   group's events, several groups each get all of them. `close` takes nothing more, finishes what it has begun and leaves
 *   the rest to the next worker, at once.
 * Not promised: events stored before the group was first registered.
 *
 *   mode    | events come by                          | needs
 *   --------|-----------------------------------------|------------------------------------------
 *   `queue` | the group's queue                       | database, broker
 *   `poll`  | recent sets of the cache, work rows     | database; a cache makes it quick
 *   `dual`  | both; either one may be away            | database, broker; a cache makes polling quick
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { RedisTelegramCache } from '../cache/redis-telegram-cache.js';
import { EXPECTED_GROUP_NAME, GROUP_NAME } from '../contract.js';
import type { Logger } from '../logger.js';
import type { TelegramMessageQueue } from '../queue/telegram-message-queue.js';
import { cleanText } from '../store/clean-text.js';
import type { Database } from '../store/database.js';
import { registerGroup } from '../store/polled-work.js';
import { EventProcessor } from './event-processor.js';
import type { Handle } from './handler.js';
import { Poller, type PollOptions } from './poll.js';
import { consumeFromQueue } from './queue.js';

export interface ConsumerOptions extends Pick<PollOptions, 'limit' | 'intervalMs' | 'sweepMs' | 'visibilityMs'> {
  readonly group: string;
  /** Names this process in outcomes and leases: no two at once may have the same name. */
  readonly worker: string;
  readonly handle: Handle;
  readonly database: Database;
  /** The group's queue; null in mode `poll`. */
  readonly queue: TelegramMessageQueue | null;
  /** Null without one, and in mode `queue`. */
  readonly cache: RedisTelegramCache | null;
  readonly mode: 'queue' | 'poll' | 'dual';
  readonly logger: Logger;
}

const REGISTER_AGAIN_MS = 1_000;

export class Consumer {
  readonly #stop = new AbortController();
  readonly #poller: Poller | null;

  constructor(private readonly options: ConsumerOptions) {
    const { group, worker, mode, queue } = options;
    // PostgreSQL would refuse them at each claim, for good.
    if (!GROUP_NAME.test(group)) throw new Error(`group: ${EXPECTED_GROUP_NAME}`);
    if (worker === '' || cleanText(worker) !== worker) throw new Error('worker: expected text, without U+0000');
    if ((mode === 'poll') === (queue !== null)) throw new Error(`mode "${mode}" ${queue ? 'has no' : 'needs a'} queue`);
    this.#poller = mode === 'queue' ? null : new Poller({ ...options, processor: this.#processor('poll') });
  }

  /** Resolves at once; broker, cache and database may be away. */
  async start(): Promise<void> {
    const { queue, logger } = this.options;
    if (queue) {
      await consumeFromQueue(queue, this.#processor('queue'));
      // The queue first: an event without work is dropped, work without its event would wait for a poller.
      void queue.initialize().then(
        () => this.#register(),
        (error: unknown) => {
          logger.debug({ err: error }, 'stopped before the broker was found');
        },
      );
    } else void this.#register();
    this.#poller?.start();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([this.options.queue?.close(), this.#poller?.close()]);
  }

  #processor(mode: 'queue' | 'poll'): EventProcessor {
    const { database, group, worker, handle, logger, visibilityMs } = this.options;
    const { signal } = this.#stop;
    const common = { database, group, worker, mode, handle, logger, signal };
    return new EventProcessor({ ...common, ...(visibilityMs !== undefined && { visibilityMs }) });
  }

  async #register(): Promise<void> {
    const { database, group, mode, logger } = this.options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await registerGroup(database, group, mode);
        return;
      } catch (error) {
        logger.warn({ err: error, group }, 'the group could not be registered, trying again');
        await delay(REGISTER_AGAIN_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}
