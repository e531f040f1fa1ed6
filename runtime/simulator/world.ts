import { getHeapStatistics } from 'node:v8';
import { type ChannelAccess, withMember, type MemberState } from './access.js';
import { Channel, type WorldEvent } from './channel.js';
import { unixSeconds } from './clock.js';
import type { BoxEvent, CommonBox } from './common-box.js';
import { forgetOldest } from './forgetting.js';
import { boxOf, Journal } from './journal.js';
import { ALBUM_KINDS, type Counters, type MediaKind, type PostContent, type ServiceKind } from './message.js';
import { WorldError } from './world-error.js';
import { accessHash, groupId } from './world-ids.js';
import { DEFAULT_LIMITS, type WorldLimits } from './world-limits.js';

/** Longest text of a post, in UTF-16 units. */
export const MAX_TEXT_LENGTH = 4_096;
/** Posts of one album. */
export const ALBUM_SIZE = { from: 2, to: 10 } as const;
const FIRST_CHANNEL_ID = 1_000_000_001;

export interface WorldOptions extends Partial<Readonly<WorldLimits>> {
  /** Channels to begin with. */
  readonly channels: number;
  /** Where the world is kept; undefined is memory only. */
  readonly stateDir?: string | undefined;
  /** Memory for the logs of all channels, in bytes. @default 30 % of the heap: for 256 MB about 50 000 posts */
  readonly maxBytes?: number;
}

/** The simulated truth: channels, each with its log. Every change goes through here and is journalled before it is seen. */
export class World implements WorldLimits {
  readonly #channels = new Map<number, Channel>();
  readonly #boxes = new Map<number, CommonBox>();
  readonly #journal: Journal | undefined;
  readonly #maxBytes: number;
  maxPtsAge: number;
  tooLongRule: WorldLimits['tooLongRule'];
  sliceSize: number;
  pollTimeoutS: number;

  constructor(options: WorldOptions) {
    this.#maxBytes = options.maxBytes ?? 0.3 * getHeapStatistics().heap_size_limit;
    this.maxPtsAge = options.maxPtsAge ?? DEFAULT_LIMITS.maxPtsAge;
    this.tooLongRule = options.tooLongRule ?? DEFAULT_LIMITS.tooLongRule;
    this.sliceSize = options.sliceSize ?? DEFAULT_LIMITS.sliceSize;
    this.pollTimeoutS = options.pollTimeoutS ?? DEFAULT_LIMITS.pollTimeoutS;
    if (options.stateDir !== undefined)
      this.#journal = Journal.open(options.stateDir, { channels: this.#channels, boxes: this.#boxes }, () => {
        forgetOldest(this.channels, this.#maxBytes);
      });
    while (this.#channels.size < options.channels) this.createChannel();
    this.#trim();
  }

  get channels(): readonly Channel[] {
    return [...this.#channels.values()];
  }

  /** Events remembered now, in all channels. */
  get eventCount(): number {
    return this.channels.reduce((sum, { log }) => sum + log.length, 0);
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

  /** The common box of an account. */
  box(userId: number): CommonBox {
    return boxOf(this.#boxes, userId);
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

  post(channel: Channel, text: string, content: MediaKind | Omit<PostContent, 'text'> | null = null): WorldEvent {
    const more = typeof content === 'string' ? { media: content } : content;
    if (text === '' && (more?.media ?? more?.service ?? null) === null)
      throw new WorldError(400, 'text: expected text or media');
    return this.#append(channel, channel.draftPost({ ...more, text: checkedText(text) }));
  }

  /** Photos and videos that belong together: one message each, one after the other. The caption is the first one's. */
  album(channel: Channel, kinds: readonly MediaKind[], caption: string): WorldEvent[] {
    if (kinds.length < ALBUM_SIZE.from || kinds.length > ALBUM_SIZE.to)
      throw new WorldError(400, `media: expected ${String(ALBUM_SIZE.from)} to ${String(ALBUM_SIZE.to)} posts`);
    if (kinds.some((kind) => !(ALBUM_KINDS as readonly MediaKind[]).includes(kind)))
      throw new WorldError(400, `media: an album holds ${ALBUM_KINDS.join(' and ')}`);
    const groupedId = groupId(channel.id, channel.lastMessageId + 1);
    return kinds.map((media, index) => this.post(channel, index === 0 ? caption : '', { media, groupedId }));
  }

  service(channel: Channel, service: ServiceKind, title: string): WorldEvent {
    return this.post(channel, service === 'title' ? title : '', { service });
  }

  edit(channel: Channel, messageId: number, text: string): WorldEvent {
    return this.#append(channel, found(channel.draftEdit(messageId, checkedText(text)), messageId));
  }

  /** Views and reactions: moves `editDate` and says `editHide`, as with Telegram. */
  count(channel: Channel, messageId: number, counters: Counters): WorldEvent {
    return this.#append(channel, found(channel.draftCounters(messageId, counters), messageId));
  }

  /** Ids that do not exist are passed over; none at all is an error. */
  remove(channel: Channel, ids: readonly number[]): WorldEvent {
    const event = channel.draftDelete(ids);
    if (event === undefined) throw new WorldError(404, 'ids: none of the messages exists');
    return this.#append(channel, event);
  }

  setAccess(channel: Channel, change: Partial<Pick<ChannelAccess, 'private' | 'pushed'>>): void {
    this.#changeAccess(channel, { ...channel.access, ...change });
  }

  setMember(channel: Channel, userId: number, state: MemberState): void {
    this.#changeAccess(channel, withMember(channel.access, userId, state));
  }

  /** A private message to the account. */
  tell(userId: number, text: string): BoxEvent {
    return this.#appendBox(userId, this.box(userId).draftMessage(checkedText(text)));
  }

  /** Tells the account that its standing in a channel is another one now. */
  tellChannel(userId: number, channel: Channel): BoxEvent {
    return this.#appendBox(userId, this.box(userId).draftChannel(channel.id));
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

  #appendBox(userId: number, event: BoxEvent): BoxEvent {
    this.#journal?.box(userId, event);
    this.box(userId).append(event);
    return event;
  }

  #changeAccess(channel: Channel, access: ChannelAccess): void {
    this.#journal?.access(channel.id, access);
    channel.setAccess(access);
  }

  /** Keeps memory in bounds, and the file within twice what is remembered. */
  #trim(): void {
    forgetOldest(this.channels, this.#maxBytes);
    if (this.#journal && this.#journal.lines > 1_000 && this.#journal.lines > 2 * this.#linesNeeded())
      this.#journal.compact({ channels: this.#channels, boxes: this.#boxes });
  }

  #linesNeeded(): number {
    let boxes = 0;
    for (const { log } of this.#boxes.values()) boxes += 1 + log.length;
    return this.eventCount + 3 * this.#channels.size + boxes;
  }
}

function found(event: WorldEvent | undefined, messageId: number): WorldEvent {
  if (event === undefined) throw new WorldError(404, `message ${String(messageId)}: not found`);
  return event;
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
