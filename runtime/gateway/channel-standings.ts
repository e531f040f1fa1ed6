import { setTimeout as delay } from 'node:timers/promises';
import { isLeaseLost } from '../ingest/commit.js';
import type { ChannelStatus, MessageStore } from '../ingest/message-store.js';
import type { Logger } from '../logger.js';

export interface ChannelStandingsOptions {
  readonly accountId: string;
  readonly store: Pick<MessageStore, 'setChannelStatus'>;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Pause after a failure, in milliseconds. @default 1000 */
  readonly retryMs?: number;
}

/**
 * Writes down which channels Telegram refuses, or no longer does.
 *
 * Promised: the last word on a channel is stored as soon as the database takes it, and nobody waits for it.
 * Not promised: a word that another one followed before it was stored; anything after `signal`, or once the lease is lost.
 */
export class ChannelStandings {
  readonly #unsaid = new Map<string, ChannelStatus>();
  #running = false;

  constructor(private readonly options: ChannelStandingsOptions) {}

  set(channelId: string, status: ChannelStatus): void {
    this.#unsaid.set(channelId, status);
    if (!this.#running) void this.#write();
  }

  async #write(): Promise<void> {
    const { signal, logger, retryMs = 1_000 } = this.options;
    this.#running = true;
    for (let failures = 0; this.#unsaid.size > 0 && !signal.aborted;) {
      try {
        for (const [channelId, status] of this.#unsaid) await this.#writeOne(channelId, status);
        failures = 0;
      } catch (error) {
        if (isLeaseLost(error)) break;
        // One line an outage.
        if (failures++ === 0) logger.warn({ err: error }, 'the status of a channel cannot be stored yet');
        await delay(retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
    this.#running = false;
  }

  async #writeOne(channelId: string, status: ChannelStatus): Promise<void> {
    const { store, accountId } = this.options;
    await store.setChannelStatus(accountId, [channelId], status);
    if (this.#unsaid.get(channelId) === status) this.#unsaid.delete(channelId);
  }
}
