/**
 * Brings what is stored to the exchange, and removes it from the outbox when the broker has it.
 *
 * Promised: every outbox row of the account is published at least once, also after a crash, a broker outage or a lost
 *   reply; rows of one channel are sent in the order of the outbox; at most `MAX_UNCONFIRMED` are unconfirmed in all;
 *   a row is removed only after its confirm; memory is bounded, however long the broker is away.
 * Not promised: that a row is published once; order across channels; order of a row that only the sweeper found, when
 *   later ones of its channel have gone out.
 * On failure: a row that was refused or returned halts its channel: nothing later of it is sent until that row has
 *   been confirmed. Other channels go on.
 *
 *   behind --(read everything up to now)--> direct --(more than MAX_HELD rows in memory)--> behind
 *
 *   direct   `offer` brings the rows just committed; the sweeper looks for rows that nobody offered.
 *   behind   (at the start, and after an outage) the rows are read from the outbox, page by page.
 *
 * Without a broker (`queue` is null) nobody reads the exchange: rows are removed unpublished, so that the outbox of a
 * stack whose consumers poll stays empty.
 */
import type { TelegramEvent } from '../events.js';
import type { StoredEvent } from '../ingest/message-store.js';
import type { Logger } from '../logger.js';
import { metrics } from '../metrics.js';
import type { ClaimOptions, ClaimedRows } from '../store/outbox.js';
import { ChannelStream, type OutboxRow } from './channel-stream.js';
import { ConfirmedRows } from './confirmed-rows.js';

export interface OutboxStore {
  claim(options: ClaimOptions): Promise<ClaimedRows>;
  remove(ids: readonly string[]): Promise<void>;
  stats(accountId: string): Promise<{ pending: number; age: number }>;
}

export interface EventPublisher {
  readonly connected: boolean;
  /** To every group, or to one alone. */
  publishMessage(event: TelegramEvent, group?: string | null): Promise<void>;
  onConnected(listener: () => void): void;
}

export interface RelayOptions {
  readonly accountId: string;
  readonly store: OutboxStore;
  readonly queue: EventPublisher | null;
  readonly logger: Logger;
}

const MAX_UNCONFIRMED = 500;
const MAX_HELD = 5_000;
const PAGE = 500;
const SWEEP_INTERVAL_MS = 1_000;
/** While the outbox is read page by page; memory is what bounds it then. */
const BEHIND_INTERVAL_MS = 100;
/** Younger rows belong to the stream that has just stored them. */
const STALE_AFTER_MS = 2_000;
const STATS_INTERVAL_MS = 2_000;
const DRAIN_DEADLINE_MS = 5_000;

export class OutboxRelay {
  /** Everything in memory, from offer or claim until it is removed. */
  readonly #held = new Set<string>();
  readonly #streams = new Map<string, ChannelStream>();
  /** Streams that may have something to send. */
  readonly #ready = new Set<ChannelStream>();
  readonly #confirmed: ConfirmedRows;
  #unconfirmed = 0;
  #behind = true;
  /** While a page is being read: what was committed meanwhile. Null when it became too much. */
  #meanwhile: StoredEvent[] | null = null;
  #timer: NodeJS.Timeout | null = null;
  #statsAt = -Infinity;
  #stopped = false;
  #idle: (() => void) | null = null;

  constructor(private readonly options: RelayOptions) {
    this.#confirmed = new ConfirmedRows(options.store, options.logger, (ids) => {
      for (const id of ids) this.#held.delete(id);
    });
    options.queue?.onConnected(() => {
      for (const stream of this.#streams.values()) this.#resume(stream);
    });
  }

  start(): void {
    this.#scheduleSweep(0);
  }

  /** Rows that were just committed, in their order. Never blocks: what does not fit is read from the outbox later. */
  offer(events: readonly StoredEvent[]): void {
    if (this.#stopped || events.length === 0) return;
    if (!this.#behind && this.#held.size + events.length > MAX_HELD) this.#behind = true;
    if (!this.#behind) this.#add(events);
    else if (this.#meanwhile && this.#meanwhile.length + events.length <= MAX_HELD) this.#meanwhile.push(...events);
    else this.#meanwhile = null;
  }

  /**
   * Waits for the confirms under way and removes their rows; what was not sent stays for the next start. A sweep that is
   * still reading is left alone: nothing of it would be sent any more.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#unconfirmed > 0) {
      const drained = new Promise<void>((resolve) => (this.#idle = resolve));
      const timer = setTimeout(() => this.#idle?.(), DRAIN_DEADLINE_MS);
      await drained;
      clearTimeout(timer);
    }
    for (const stream of this.#streams.values()) stream.cancel();
    await this.#confirmed.flush();
  }

  #add(events: readonly StoredEvent[]): void {
    for (const row of events) {
      const { outboxId, event } = row;
      if (this.#held.has(outboxId)) continue;
      this.#held.add(outboxId);
      if (!this.options.queue) {
        this.#confirmed.add(outboxId);
        continue;
      }
      let stream = this.#streams.get(event.channelId);
      if (!stream) this.#streams.set(event.channelId, (stream = new ChannelStream()));
      stream.add({ ...row, position: BigInt(outboxId) });
      this.#ready.add(stream);
    }
    this.#pump();
  }

  #resume(stream: ChannelStream): void {
    this.#ready.add(stream);
    this.#pump();
  }

  #pump(): void {
    const { queue } = this.options;
    while (queue?.connected === true && !this.#stopped && this.#unconfirmed < MAX_UNCONFIRMED) {
      const stream = this.#ready.values().next().value;
      if (!stream) return;
      // To the end of the line: a long backlog of one channel does not hold up the others.
      this.#ready.delete(stream);
      const row = stream.next();
      if (!row) continue;
      this.#ready.add(stream);
      void this.#publish(queue, stream, row);
    }
  }

  async #publish(queue: EventPublisher, stream: ChannelStream, row: OutboxRow): Promise<void> {
    this.#unconfirmed += 1;
    try {
      await queue.publishMessage(row.event, row.group);
      stream.confirmed(row);
      this.#confirmed.add(row.outboxId);
      if (stream.empty) this.#streams.delete(row.event.channelId);
      else this.#ready.add(stream);
    } catch (error) {
      if (queue.connected) this.options.logger.warn({ err: error, event: row.event.id }, 'event was not taken');
      stream.failed(row, () => {
        this.#resume(stream);
      });
    }
    this.#unconfirmed -= 1;
    if (this.#unconfirmed === 0) this.#idle?.();
    this.#pump();
  }

  #scheduleSweep(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      void this.#sweep().then(
        () => {
          this.#scheduleSweep(this.#behind ? BEHIND_INTERVAL_MS : SWEEP_INTERVAL_MS);
        },
        (error: unknown) => {
          this.options.logger.warn({ err: error }, 'outbox could not be read');
          this.#scheduleSweep(SWEEP_INTERVAL_MS);
        },
      );
    }, delayMs);
  }

  async #sweep(): Promise<void> {
    if (this.#behind) await this.#catchUp();
    else await this.#page(STALE_AFTER_MS);
    if (performance.now() - this.#statsAt < STATS_INTERVAL_MS) return;
    this.#statsAt = performance.now();
    const { pending, age } = await this.options.store.stats(this.options.accountId);
    metrics.outboxPending.set(pending);
    metrics.outboxOldestAge.set(age);
  }

  /** Reads until nothing is left that was not seen, and closes the gap with what was committed during the last read. */
  async #catchUp(): Promise<void> {
    while (!this.#stopped && this.#held.size + PAGE <= MAX_HELD) {
      this.#meanwhile = [];
      const found = await this.#page(0);
      const meanwhile = this.#takeMeanwhile();
      if (found === PAGE || meanwhile === null) continue;
      this.#behind = false;
      this.#add(meanwhile);
      return;
    }
  }

  #takeMeanwhile(): StoredEvent[] | null {
    const events = this.#meanwhile;
    this.#meanwhile = null;
    return events;
  }

  async #page(minAgeMs: number): Promise<number> {
    const { accountId, store, logger } = this.options;
    const { events, orphans } = await store.claim({ accountId, minAgeMs, limit: PAGE, exclude: [...this.#held] });
    if (this.#stopped) return 0;
    this.#add(events);
    if (orphans.length > 0) {
      metrics.failed.inc({ stage: 'outbox' }, orphans.length);
      logger.error({ rows: orphans.length }, 'outbox rows without a message were dropped');
      for (const id of orphans) this.#held.add(id);
      this.#confirmed.add(...orphans);
    }
    return events.length + orphans.length;
  }
}
