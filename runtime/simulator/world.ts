import { createHash } from 'node:crypto';
import { getHeapStatistics } from 'node:v8';
import { Channel, type MediaKind, type WorldEvent } from './channel.js';
import { unixSeconds } from './clock.js';
import { Journal } from './journal.js';

/** Longest text of a post, in UTF-16 units. */
export const MAX_TEXT_LENGTH = 4_096;
const FIRST_CHANNEL_ID = 1_000_000_001;

/** A wrong request to the world; the control API answers it with 400 or 404. */
export class WorldError extends Error {
  constructor(
    readonly status: 400 | 404,
    message: string,
  ) {
    super(message);
    this.name = 'WorldError';
  }
}

export interface WorldOptions {
  /** Channels to begin with. */
  readonly channels: number;
  /** Where the world is kept; undefined is memory only. */
  readonly stateDir?: string | undefined;
  /** Memory for the logs of all channels, in bytes. @default 30 % of the heap: for 256 MB about 50 000 posts */
  readonly maxBytes?: number;
  /** A difference from further back than this is "too long". @default no limit */
  readonly maxPtsAge?: number;
  /** Most events of one difference. @default 100 */
  readonly sliceSize?: number;
  /** Seconds that a difference tells the client to wait. @default 30 */
  readonly pollTimeoutS?: number;
}

/** The simulated truth: channels, each with its log. Every change goes through here and is journalled before it is seen. */
export class World {
  readonly #channels = new Map<number, Channel>();
  readonly #journal: Journal | undefined;
  readonly #maxBytes: number;
  maxPtsAge: number;
  sliceSize: number;
  pollTimeoutS: number;

  constructor(options: WorldOptions) {
    this.#maxBytes = options.maxBytes ?? 0.3 * getHeapStatistics().heap_size_limit;
    this.maxPtsAge = options.maxPtsAge ?? Infinity;
    this.sliceSize = options.sliceSize ?? 100;
    this.pollTimeoutS = options.pollTimeoutS ?? 30;
    if (options.stateDir !== undefined)
      this.#journal = Journal.open(options.stateDir, this.#channels, () => {
        this.#forgetOldest();
      });
    while (this.#channels.size < options.channels) this.createChannel();
    this.#trim();
  }

  get channels(): readonly Channel[] {
    return [...this.#channels.values()];
  }

  /** Events remembered now, in all channels. */
  get eventCount(): number {
    return this.#sum((channel) => channel.log.length);
  }

  find(id: number): Channel | undefined {
    return this.#channels.get(id);
  }

  channel(id: number): Channel {
    const channel = this.#channels.get(id);
    if (channel === undefined) throw new WorldError(404, `channel ${String(id)}: not found`);
    return channel;
  }

  byUsername(username: string): Channel | undefined {
    const wanted = username.toLowerCase();
    return this.channels.find(({ identity }) => identity.username?.toLowerCase() === wanted);
  }

  createChannel(wish: { readonly title?: string; readonly username?: string | null } = {}): Channel {
    const number = this.#channels.size + 1;
    const id = FIRST_CHANNEL_ID + this.#channels.size;
    const username = wish.username === undefined ? `simulated_news_${String(number)}` : wish.username;
    if (username !== null && this.byUsername(username))
      throw new WorldError(400, `username ${username}: already taken`);
    const identity = {
      id,
      title: wish.title ?? `Simulated news ${String(number)}`,
      username,
      accessHash: accessHash(id),
      date: unixSeconds(),
    };
    const channel = new Channel(identity);
    this.#journal?.channel(identity);
    this.#channels.set(id, channel);
    return channel;
  }

  post(channel: Channel, text: string, media: MediaKind | null = null): WorldEvent {
    if (text === '' && media === null) throw new WorldError(400, 'text: expected text or media');
    return this.#append(channel, channel.draftPost(checkedText(text), media));
  }

  edit(channel: Channel, messageId: number, text: string): WorldEvent {
    const event = channel.draftEdit(messageId, checkedText(text));
    if (event === undefined) throw new WorldError(404, `message ${String(messageId)}: not found`);
    return this.#append(channel, event);
  }

  /** Ids that do not exist are passed over; none at all is an error. */
  remove(channel: Channel, ids: readonly number[]): WorldEvent {
    const event = channel.draftDelete(ids);
    if (event === undefined) throw new WorldError(404, 'ids: none of the messages exists');
    return this.#append(channel, event);
  }

  close(): void {
    this.#journal?.close();
  }

  #append(channel: Channel, event: WorldEvent): WorldEvent {
    this.#journal?.event(channel.id, event);
    channel.append(event);
    this.#trim();
    return event;
  }

  /**
   * Forgets the oldest events when memory runs short, a hundredth at a time; no channel is left with less than its
   * share of a quarter.
   */
  #forgetOldest(): void {
    const share = this.#maxBytes / (4 * this.#channels.size);
    while (this.#sum((channel) => channel.bytes) > this.#maxBytes) {
      const candidates = this.channels.filter(({ bytes }) => bytes > share);
      const oldest = candidates.reduce((a, b) => ((b.log[0]?.at ?? 0) < (a.log[0]?.at ?? 0) ? b : a));
      oldest.forget(Math.ceil(oldest.log.length / 100));
    }
  }

  /** Keeps memory in bounds, and the file within twice what is remembered. */
  #trim(): void {
    this.#forgetOldest();
    if (this.#journal && this.#journal.lines > 1_000 && this.#journal.lines > 2 * this.#linesNeeded())
      this.#journal.compact(this.channels);
  }

  #linesNeeded(): number {
    return this.eventCount + 2 * this.#channels.size;
  }

  #sum(part: (channel: Channel) => number): number {
    let sum = 0;
    for (const channel of this.#channels.values()) sum += part(channel);
    return sum;
  }
}

/** TL strings are UTF-8: a lone surrogate would not survive, so it is replaced here and the truth stays the truth. */
function checkedText(text: string): string {
  if (text.length > MAX_TEXT_LENGTH)
    throw new WorldError(
      400,
      `text: expected at most ${String(MAX_TEXT_LENGTH)} UTF-16 units, got ${String(text.length)}`,
    );
  return text.toWellFormed();
}

/** Random-looking, yet the same for a channel in every world: sessions and stored channels stay valid. */
function accessHash(id: number): string {
  return createHash('sha256')
    .update(`access hash ${String(id)}`)
    .digest()
    .readBigInt64LE()
    .toString();
}
