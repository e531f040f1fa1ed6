import { setTimeout as delay } from 'node:timers/promises';
import type { FirstRead, MessageStore } from '../ingest/message-store.js';
import type { Logger } from '../logger.js';
import { listChannels, type Listing } from './channel-listing.js';
import { TelegramError, type ChannelInfo, type TelegramPort } from './client.js';
import type { RequestBudget } from './request-budget.js';
import { RETRY_PAUSES, type RetryPauses } from './retry.js';
import { withUnread } from './unread-since-joined.js';
import type { UnknownChannel, UpdateIngress } from './updates.js';

export interface DiscoveryOptions {
  readonly accountId: string;
  readonly store: Pick<MessageStore, 'loadChannels' | 'loadAccountSince' | 'upsertChannels' | 'setChannelStatus'>;
  readonly ingress: Pick<UpdateIngress, 'sync'>;
  readonly budget: Pick<RequestBudget, 'turn'>;
  /** The connected port; null while there is none. */
  readonly port: () => TelegramPort | null;
  readonly first: FirstRead;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /**
   * Pauses after failures: the first, and the longest after those of Telegram, which is also how long a channel that is not
   * listed has to come back before it is looked for a second time. @default 1000 and 30000
   */
  readonly retryMs?: Pick<RetryPauses, 'first' | 'longest'>;
}

/**
 * Which channels there are: asks Telegram, records them, and hands what is stored to the ingress.
 *
 * Promised: what is stored is read whether or not Telegram can be asked; a channel is recorded with the `pts` to start
 * from before anything of it is read, and never later than its first update seen; one whose `pts` nobody told takes it from the
 * next listing; what the account is no longer a member
 * of becomes `left`, and is read on from where it stopped once it is listed again. It takes two complete listings without a
 * channel: dialogs move while they are listed, page by page.
 * Not promised: the history before the account joined, but for the depth that is configured; what was posted since then
 * is read (unread-since-joined.ts).
 * On failure: it tries again, later and later, as long as the connection that it was started with lasts.
 */
export class ChannelDiscovery {
  /** Channels heard of and not recorded yet. */
  readonly #unknown = new Map<string, UnknownChannel>();
  #running: Promise<void> = Promise.resolve();
  /** The connection that a listing waits for. */
  #listingOn: TelegramPort | null = null;
  #ready = false;
  /** Channels that the last complete listing lacked. */
  #missed: ReadonlySet<string> = new Set();

  constructor(private readonly options: DiscoveryOptions) {}

  /** True once the channels were read from Telegram and from the database. */
  get ready(): boolean {
    return this.#ready;
  }

  /** What is stored, as it is now: a person may have paused a channel, or asked for its history. */
  async load(): Promise<void> {
    this.options.ingress.sync(await this.options.store.loadChannels(this.options.accountId));
  }

  /** Lists the account's channels; of several requests at once one is enough. */
  refresh(): void {
    if (this.#listingOn === this.options.port()) return;
    this.#listingOn = this.options.port();
    this.#queue(async () => {
      await this.load();
      this.#listingOn = null;
      const listing = await this.#list();
      await this.#markLeft(listing);
      await this.#record(listing.channels);
      this.#ready = true;
    });
  }

  /** A channel that appeared in an update. Described there, it is recorded at once, else by listing all. */
  announce(channel: UnknownChannel): void {
    const info = channel.info ?? this.#unknown.get(channel.channelId)?.info ?? null;
    this.#unknown.set(channel.channelId, { ...channel, info });
    this.#queue(async () => {
      if (this.#unknown.has(channel.channelId)) await this.#record(await this.#describe(channel));
    });
  }

  /** As described beside the update where that tells where to begin; else as listed, for as long as the list has it. */
  async #describe({ channelId, info }: UnknownChannel): Promise<readonly ChannelInfo[]> {
    if (info) {
      const { pts, topMessageId = null } = this.#startingPoint(info);
      if (pts !== null && topMessageId !== null) return [info];
    }
    const { channels } = await this.#list();
    return info === null || channels.some(({ id }) => id === channelId) ? channels : [...channels, info];
  }

  #list(): Promise<Listing> {
    return this.options.budget.turn('account', listChannels);
  }

  async #record(channels: readonly ChannelInfo[]): Promise<void> {
    const { accountId, store, first } = this.options;
    const begun = await this.#withUnread(channels.map((channel) => this.#startingPoint(channel)));
    // Also without channels: the account is recorded, and what it joins from now on is read from then on.
    await store.upsertChannels(accountId, begun, first);
    await this.load();
    for (const { id } of channels) this.#unknown.delete(id);
  }

  async #withUnread(channels: readonly ChannelInfo[]): Promise<readonly ChannelInfo[]> {
    const { accountId, store, budget, logger } = this.options;
    const [stored, since] = await Promise.all([store.loadChannels(accountId), store.loadAccountSince(accountId)]);
    return withUnread(channels, { stored, since, budget, logger });
  }

  /** The dialog's `pts` may lie behind the first update seen: what came between would be missed. */
  #startingPoint(channel: ChannelInfo): ChannelInfo {
    const seen = this.#unknown.get(channel.id);
    if (seen === undefined || seen.pts === null || (channel.pts !== null && channel.pts <= seen.pts)) return channel;
    return { ...channel, pts: seen.pts, topMessageId: seen.topMessageId ?? channel.topMessageId ?? null };
  }

  async #markLeft({ channels, complete }: Listing): Promise<void> {
    const { accountId, store, logger } = this.options;
    if (!complete) {
      logger.warn({ channels: channels.length }, 'the list of channels is not complete: none is taken for left');
      return;
    }
    const members = new Set(channels.map(({ id }) => id));
    const stored = await store.loadChannels(accountId);
    const absent = stored.filter(({ id, status }) => status === 'active' && !members.has(id)).map(({ id }) => id);
    const left = absent.filter((id) => this.#missed.has(id));
    this.#missed = new Set(absent.filter((id) => !left.includes(id)));
    if (this.#missed.size > 0) void this.#lookAgain();
    if (left.length === 0) return;
    logger.warn({ channelIds: left }, 'the account is no member of these channels any more');
    await store.setChannelStatus(accountId, left, 'left');
  }

  async #lookAgain(): Promise<void> {
    const { signal, retryMs = RETRY_PAUSES } = this.options;
    await delay(retryMs.longest, undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) this.refresh();
  }

  /** One at a time, each until it succeeds or its connection has ended. */
  #queue(task: () => Promise<void>): void {
    const { logger, signal, port, retryMs = RETRY_PAUSES } = this.options;
    const mine = port();
    this.#running = this.#running.then(async () => {
      let pauseMs = retryMs.first;
      while (!signal.aborted && mine !== null && port() === mine) {
        try {
          await task();
          return;
        } catch (error) {
          logger.warn({ err: error, retryInMs: pauseMs }, 'channels cannot be listed');
          await this.#pauseWhile(() => port() === mine, pauseMs);
          pauseMs = error instanceof TelegramError ? Math.min(2 * pauseMs, retryMs.longest) : retryMs.first;
        }
      }
    });
  }

  /** A new connection need not wait for what the old one was told. */
  async #pauseWhile(same: () => boolean, ms: number): Promise<void> {
    const end = performance.now() + ms;
    while (performance.now() < end && same() && !this.options.signal.aborted)
      await delay(Math.min(500, ms), undefined, { signal: this.options.signal }).catch(() => undefined);
  }
}
