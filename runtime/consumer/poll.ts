/**
 * The `poll` mode of a consumer: the cache finds candidates, the database grants each claim; now and then the database is
 * asked itself, so that nothing is missed that the cache never held, has evicted or was not told of.
 *
 * Promised: every event with work for the group is handled, whatever the cache holds; an event that fails is tried again
 *   after each delay of `RETRY_DELAYS_MS`, then stands as `failed` in `message_work` with its reason. `close` gives back what
 *   was taken and not finished. What was taken stays this worker's while its handler runs, however slow that is.
 * Not promised: order of events, but for the one in which a single worker finds them.
 * On failure: Redis away is the database asked each time; the database away is waiting. A crash while handling leaves no
 *   claim, one between taking and handling leaves a lease that ends by itself.
 *
 *   round → sweep due, or no cache? ── yes ─→ take due work under a lease ─┐
 *              └ no ─→ recent sets → candidates, out of the sets ──────────┴─→ processor: claim, handle, finish, commit
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { RedisTelegramCache } from '../cache/redis-telegram-cache.js';
import type { TelegramEvent } from '../events.js';
import type { Logger } from '../logger.js';
import { metrics } from '../metrics.js';
import { AbandonError, GivenUpError, type Delivery } from '../queue/telegram-message-queue.js';
import type { Database } from '../store/database.js';
import { DEFAULT_VISIBILITY_MS, giveBackWork, knownChannels, renewLeases, takeDueWork } from '../store/polled-work.js';
import type { EventProcessor } from './event-processor.js';

export interface PollOptions {
  readonly database: Database;
  /** Null: the database is asked each time. */
  readonly cache: Pick<
    RedisTelegramCache,
    'connected' | 'getUnprocessedMessages' | 'markAsProcessed' | 'announceGroup'
  > | null;
  readonly processor: EventProcessor;
  readonly group: string;
  /** Names this process in its leases: no two at once may have the same name. */
  readonly worker: string;
  readonly logger: Logger;
  /** Events a round at most, up to 1000. @default 200 */
  readonly limit?: number;
  /** Pause after a round that found nothing, in ms. @default 50 */
  readonly intervalMs?: number;
  /** The database is asked itself this often, in ms. @default 2000 */
  readonly sweepMs?: number;
  /** How long taken work stays this worker's after it has vanished, in ms. @default 30000 */
  readonly visibilityMs?: number;
}

/** The work row counts the tries. */
const POLLED: Delivery = { attempt: 0, last: false };
/** What one claim in SQL gives at most. */
const MAX_LIMIT = 1_000;
const LONGEST_PAUSE_MS = 5_000;

export class Poller {
  readonly #stop = new AbortController();
  readonly #settings: { limit: number; intervalMs: number; sweepMs: number; visibilityMs: number };
  #running: Promise<void> = Promise.resolve();
  #channels: readonly string[] = [];
  /** On the clock of `performance.now()`. */
  #nextSweep = 0;

  constructor(private readonly options: PollOptions) {
    const { limit = 200, intervalMs = 50, sweepMs = 2_000, visibilityMs = DEFAULT_VISIBILITY_MS } = options;
    this.#settings = { limit: Math.min(limit, MAX_LIMIT), intervalMs, sweepMs, visibilityMs };
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Ends the round that runs, then gives back what it leaves. */
  async close(): Promise<void> {
    const { database, group, worker, logger } = this.options;
    this.#stop.abort();
    await this.#running;
    await giveBackWork(database, group, worker).catch((error: unknown) => {
      logger.warn({ err: error }, 'claims could not be given back, they end by themselves');
    });
  }

  async #run(): Promise<void> {
    const { intervalMs } = this.#settings;
    const { signal } = this.#stop;
    let failedMs = 0;
    while (!signal.aborted) {
      let pauseMs = intervalMs;
      try {
        if ((await this.#round()) > 0) pauseMs = 0;
        failedMs = 0;
      } catch (error) {
        failedMs = pauseMs = Math.min(Math.max(2 * failedMs, intervalMs), LONGEST_PAUSE_MS);
        this.options.logger.warn({ err: error, retryInMs: pauseMs }, 'could not poll');
      }
      // Also 0 lets everything else in this process run.
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** How many events it brought. */
  async #round(): Promise<number> {
    const { cache } = this.options;
    const observe = metrics.pollDuration.startTimer();
    const swept = !cache?.connected || performance.now() >= this.#nextSweep;
    const events = swept ? await this.#sweep() : await this.#candidates();
    observe({ source: swept ? 'database' : 'cache' });
    if (swept && events.length > 0) await this.#underLease(() => this.#process(events));
    else await this.#process(events);
    return events.length;
  }

  /** Keeps what was taken this worker's for as long as `work` takes, however slow the handler is. */
  async #underLease(work: () => Promise<void>): Promise<void> {
    const { database, group, worker, logger } = this.options;
    const { visibilityMs } = this.#settings;
    const timer = setInterval(() => {
      renewLeases(database, { group, worker, visibilityMs }).catch((error: unknown) => {
        logger.warn({ err: error }, 'leases could not be renewed, trying again');
      });
    }, visibilityMs / 3);
    try {
      await work();
    } finally {
      clearInterval(timer);
    }
  }

  /** Takes last of all: what is under a lease has to be handled, whatever else fails. */
  async #sweep(): Promise<readonly TelegramEvent[]> {
    const { database, cache, group, worker } = this.options;
    const { limit, visibilityMs, sweepMs } = this.#settings;
    const usesCache = cache?.connected === true;
    if (usesCache) [this.#channels] = await Promise.all([knownChannels(database), cache.announceGroup()]);
    const events = await takeDueWork(database, { group, worker, limit, visibilityMs });
    // A full hand means that there is more.
    if (usesCache && events.length < limit) this.#nextSweep = performance.now() + sweepMs;
    return events;
  }

  /** Out of the recent sets at once: whatever becomes of a candidate, the next to find it is a sweep. */
  async #candidates(): Promise<readonly TelegramEvent[]> {
    const { cache } = this.options;
    if (!cache) return [];
    const { limit } = this.#settings;
    const found = await Promise.all(this.#channels.map((channel) => cache.getUnprocessedMessages(channel, limit)));
    const candidates = found.flat().slice(0, limit);
    const byChannel = Map.groupBy(candidates, ({ channelId }) => channelId);
    await Promise.all(
      [...byChannel].map(([channelId, events]) =>
        cache.markAsProcessed(
          channelId,
          events.map(({ messageId }) => messageId),
        ),
      ),
    );
    return candidates;
  }

  async #process(events: readonly TelegramEvent[]): Promise<void> {
    const { processor, logger } = this.options;
    await Promise.all(
      events.map((event) =>
        processor.process(event, POLLED).catch((error: unknown) => {
          if (error instanceof AbandonError) return;
          if (error instanceof GivenUpError) {
            metrics.failed.inc({ stage: 'handler' });
            logger.error({ err: error, event: event.id }, 'given up, the event stands as failed');
          } else logger.warn({ err: error, event: event.id }, 'handler failed, trying again later');
        }),
      ),
    );
  }
}
