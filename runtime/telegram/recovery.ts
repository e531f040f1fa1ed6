import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../logger.js';
import { metrics } from '../metrics.js';
import {
  TelegramError,
  type ChannelDifference,
  type ChannelRef,
  type PlainMessage,
  type TelegramPort,
} from './client.js';
import { Semaphore } from './semaphore.js';

/** Telegram allows users 10 to 100 updates a slice. */
const SLICE = 100;
/** Bursts of differences hit limits of the account. */
const CHANNELS_AT_ONCE = 3;

/** One slice as it is to be committed: what was read, and the `pts` that it leads to. */
export interface RecoveredSlice {
  readonly pts: number;
  readonly messages: readonly PlainMessage[];
}

export interface RecoveryOptions {
  /** The connected port; null while there is none. */
  readonly port: () => TelegramPort | null;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * The difference loop: fetches what a channel missed, slice by slice, until Telegram says `final`.
 *
 * Promised: each slice is committed with its `pts` before the next is asked for, so a crash or a lost connection resumes
 * where it stopped; at most three channels at once; a flood wait holds back all of them.
 * Not promised yet: the history of a gap that Telegram no longer keeps (`tooLong`): its latest messages are committed, the
 * channel goes on from where it stands now, and an error names it. Edits and deletions are passed over, not stored.
 * On failure: it rejects with a `TelegramError`; what was committed stays, the rest is fetched by the next call.
 */
export class Recovery {
  readonly #slots = new Semaphore(CHANNELS_AT_ONCE);
  #floodUntil = 0;

  constructor(private readonly options: RecoveryOptions) {}

  /** Reads on from `pts`; `commit` resolves after COMMIT. Returns the `pts` that was reached. */
  run(channel: ChannelRef, pts: number, commit: (slice: RecoveredSlice) => Promise<void>): Promise<number> {
    return this.#slots.run(() => this.#loop(channel, pts, commit));
  }

  async #loop(channel: ChannelRef, from: number, commit: (slice: RecoveredSlice) => Promise<void>): Promise<number> {
    let pts = from;
    for (;;) {
      const difference = await this.#fetch(channel, pts);
      if (difference.pts < pts)
        throw new TelegramError('pts-invalid', `PTS_BEHIND_OURS ${String(difference.pts)} < ${String(pts)}`);
      const messages = messagesOf(difference);
      if (difference.type === 'tooLong') this.#reportHole(channel, pts, difference.pts);
      metrics.received.inc({ source: 'difference' }, messages.length);
      if (difference.pts !== pts || messages.length > 0) await commit({ pts: difference.pts, messages });
      const stuck = difference.pts === pts && difference.type === 'slice' && messages.length === 0;
      pts = difference.pts;
      if (difference.type === 'tooLong') return pts;
      if (difference.final) return pts;
      if (stuck) throw new TelegramError('transient', 'DIFFERENCE_WITHOUT_PROGRESS');
    }
  }

  /** One slice. An unreadable one is asked for in smaller pieces, so that only the piece that holds the object stays. */
  async #fetch(channel: ChannelRef, pts: number): Promise<ChannelDifference> {
    for (let limit = SLICE; ; limit = Math.ceil(limit / 2)) {
      await this.#floodPause();
      const port = this.options.port();
      if (!port) throw new TelegramError('transient', 'OFFLINE');
      try {
        return await port.getChannelDifference(channel, pts, limit);
      } catch (error) {
        if (!(error instanceof TelegramError)) throw error;
        if (error.kind === 'flood')
          this.#floodUntil = Math.max(this.#floodUntil, Date.now() + (error.seconds ?? 1) * 1_000);
        else if (error.kind !== 'unreadable' || limit === 1) throw error;
      }
    }
  }

  async #floodPause(): Promise<void> {
    const pauseMs = this.#floodUntil - Date.now();
    if (pauseMs <= 0) return;
    this.options.logger.warn({ waitMs: pauseMs }, 'Telegram asks to wait before the next difference');
    await delay(pauseMs, undefined, { signal: this.options.signal });
  }

  #reportHole(channel: ChannelRef, from: number, to: number): void {
    metrics.gapTooLong.inc();
    this.options.logger.error(
      { channelId: channel.id, fromPts: from, toPts: to },
      'Telegram no longer keeps what this channel missed; only its latest messages were stored',
    );
  }
}

function messagesOf(difference: ChannelDifference): readonly PlainMessage[] {
  if (difference.type === 'empty') return [];
  if (difference.type === 'tooLong') return difference.newMessages;
  const pushed = difference.otherUpdates.flatMap((update) => (update.type === 'new' ? [update.message] : []));
  return [...difference.newMessages, ...pushed];
}
