import { setTimeout as delay } from 'node:timers/promises';
import type { MessageStore } from '../ingest/message-store.js';
import type { Logger } from '../logger.js';
import type { ChannelInfo, TelegramPort } from './client.js';
import type { UnknownChannel, UpdateIngress } from './updates.js';

export interface DiscoveryOptions {
  readonly accountId: string;
  readonly store: Pick<MessageStore, 'loadChannels' | 'upsertChannels'>;
  readonly ingress: Pick<UpdateIngress, 'add'>;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Pause after a failure, of the database or of Telegram. @default 2000 */
  readonly retryMs?: number;
}

/**
 * Which channels there are: asks Telegram, records them, and hands what is stored to the ingress.
 *
 * Promised: a channel is recorded with the `pts` to start from before anything of it is read, and never later than its
 * first update seen. Not promised: the history before the account joined.
 * On failure: it tries again as long as the connection that it was started with lasts.
 */
export class ChannelDiscovery {
  /** Channels heard of and not recorded yet. */
  readonly #unknown = new Map<string, UnknownChannel>();
  #running: Promise<void> = Promise.resolve();
  #ready = false;

  constructor(private readonly options: DiscoveryOptions) {}

  /** True once the channels were read from Telegram and from the database. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Lists the account's channels; `current` says whether the port is still the one in use. */
  refresh(port: TelegramPort, current: () => boolean): void {
    this.#queue(current, async () => {
      await this.#record(await port.getChannels());
      this.#ready = true;
    });
  }

  /** A channel that appeared in an update. Described there, it is recorded at once, else by listing all. */
  announce(channel: UnknownChannel, port: TelegramPort, current: () => boolean): void {
    this.#unknown.set(channel.channelId, channel);
    this.#queue(current, async () => {
      if (!this.#unknown.has(channel.channelId)) return;
      await this.#record(channel.info ? [channel.info] : await port.getChannels());
    });
  }

  async #record(channels: readonly ChannelInfo[]): Promise<void> {
    const { accountId, store, ingress } = this.options;
    if (channels.length > 0)
      await store.upsertChannels(
        accountId,
        channels.map((channel) => this.#startingPoint(channel)),
      );
    ingress.add(await store.loadChannels(accountId));
    for (const { id } of channels) this.#unknown.delete(id);
  }

  /** The dialog's `pts` may lie behind the first update seen: what came between would be missed. */
  #startingPoint(channel: ChannelInfo): ChannelInfo {
    const seen = this.#unknown.get(channel.id)?.pts ?? null;
    if (seen === null) return channel;
    return { ...channel, pts: channel.pts === null ? seen : Math.min(channel.pts, seen) };
  }

  /** One at a time, each until it succeeds. */
  #queue(current: () => boolean, task: () => Promise<void>): void {
    const { logger, signal, retryMs = 2_000 } = this.options;
    this.#running = this.#running.then(async () => {
      while (!signal.aborted && current()) {
        try {
          await task();
          return;
        } catch (error) {
          logger.warn({ err: error, retryInMs: retryMs }, 'channels cannot be listed');
          await delay(retryMs, undefined, { signal }).catch(() => undefined);
        }
      }
    });
  }
}
