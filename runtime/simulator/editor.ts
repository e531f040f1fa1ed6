import { isMember, type ChannelAccess, type MemberState } from './access.js';
import type { Accounts } from './accounts/accounts.js';
import type { Channel, WorldEvent } from './channel.js';
import type { Counters, MediaKind, ServiceKind } from './message.js';
import { channelObject, forbiddenObject } from './objects.js';
import { pace } from './pace.js';
import type { Publisher } from './publisher.js';
import type { Stats } from './stats.js';
import type { World } from './world.js';

export interface NewPost {
  readonly text: string;
  readonly media?: MediaKind | null;
  /** Pushes the same update twice. */
  readonly duplicate?: boolean;
}

/** What became of one post. */
export interface PostReceipt {
  readonly channelId: string;
  readonly messageId: string;
  readonly pts: number;
  /** Write to the first socket, ms since the epoch with a fraction; null when nobody got it. */
  readonly pushedAt: number | null;
}

export interface BatchOptions {
  /** Posts per second. @default as fast as possible */
  readonly ratePerSecond?: number | undefined;
  /** Posts packed into one updates container. @default 1 */
  readonly perContainer?: number | undefined;
}

/** How a batch is held back. */
export interface BatchBrake {
  readonly signal: AbortSignal;
  /** Undefined while all clients keep up. */
  readonly ready: () => Promise<unknown> | undefined;
}

const MAX_BATCH = 100_000;

/** The ways to change the world: each change is in the log first, then it is pushed to whom it concerns. */
export class Editor {
  constructor(
    private readonly world: World,
    private readonly accounts: Accounts,
    private readonly publisher: Publisher,
    private readonly stats: Stats,
    private readonly brake: BatchBrake,
  ) {}

  post(channelId: number, post: NewPost): PostReceipt {
    const channel = this.world.channel(channelId);
    const event = this.world.post(channel, post.text, post.media ?? null);
    this.#publish(channel, [event], post.duplicate === true ? 2 : 1);
    return receipt(channel, event);
  }

  /**
   * Posts one after the other at the given rate; resolves when all are pushed. Waits for clients that lag behind by
   * more than their socket takes. Stops early when the simulator closes.
   */
  async postAll(channelId: number, posts: readonly NewPost[], options: BatchOptions = {}): Promise<PostReceipt[]> {
    if (posts.length > MAX_BATCH) throw new RangeError(`at most ${String(MAX_BATCH)} posts at once`);
    const channel = this.world.channel(channelId);
    const done: WorldEvent[] = [];
    let container: WorldEvent[] = [];
    const flush = (copies: number) => {
      if (container.length > 0) this.#publish(channel, container, copies);
      container = [];
    };
    const schedule = { rate: options.ratePerSecond ?? null, count: posts.length, skipLate: false, ...this.brake };
    await pace(schedule, (index) => {
      const post = posts[index];
      if (post === undefined) return;
      if (post.duplicate === true) flush(1);
      const event = this.world.post(channel, post.text, post.media ?? null);
      container.push(event);
      done.push(event);
      if (post.duplicate === true || container.length >= (options.perContainer ?? 1))
        flush(post.duplicate === true ? 2 : 1);
    });
    flush(1);
    return done.map((event) => receipt(channel, event));
  }

  /** Several photos or videos as one album, in one container. */
  album(channelId: number, media: readonly MediaKind[], caption = ''): PostReceipt[] {
    const channel = this.world.channel(channelId);
    const events = this.world.album(channel, media, caption);
    this.#publish(channel, events);
    return events.map((event) => receipt(channel, event));
  }

  service(channelId: number, service: ServiceKind, title = ''): PostReceipt {
    const channel = this.world.channel(channelId);
    const event = this.world.service(channel, service, title);
    this.#publish(channel, [event]);
    return receipt(channel, event);
  }

  edit(channelId: number, messageId: number, text: string): WorldEvent {
    const channel = this.world.channel(channelId);
    const event = this.world.edit(channel, messageId, text);
    this.#publish(channel, [event]);
    return event;
  }

  /** Views and reactions, without a change of content. */
  count(channelId: number, messageId: number, counters: Counters): WorldEvent {
    const channel = this.world.channel(channelId);
    const event = this.world.count(channel, messageId, counters);
    this.#publish(channel, [event]);
    return event;
  }

  remove(channelId: number, ids: readonly number[]): WorldEvent {
    const channel = this.world.channel(channelId);
    const event = this.world.remove(channel, ids);
    this.#publish(channel, [event]);
    return event;
  }

  /** Its readers are told when it opens or closes. */
  setAccess(channelId: number, change: Partial<Pick<ChannelAccess, 'private' | 'pushed'>>): Channel {
    const channel = this.world.channel(channelId);
    const before = channel.access.private;
    this.world.setAccess(channel, change);
    if (before !== channel.access.private)
      for (const { userId } of this.accounts.all) this.#tellChannel(userId, channel);
    return channel;
  }

  setMember(channelId: number, userId: number, state: MemberState): Channel {
    const channel = this.world.channel(channelId);
    this.world.setMember(channel, userId, state);
    this.#tellChannel(userId, channel);
    return channel;
  }

  /** A private message: moves the account's common box. */
  tell(userId: number, text: string): number {
    const event = this.world.tell(userId, text);
    this.publisher.publishBox(userId, event);
    return event.pts;
  }

  #tellChannel(userId: number, channel: Channel): void {
    const event = this.world.tellChannel(userId, channel);
    const member = isMember(channel.access, userId);
    this.publisher.publishBox(userId, event, [member ? channelObject(channel, userId) : forbiddenObject(channel)]);
  }

  #publish(channel: Channel, events: readonly WorldEvent[], copies = 1): void {
    for (const { type } of events) this.stats.events.inc({ type });
    this.publisher.publish(channel, events, copies);
  }
}

function receipt(channel: Channel, event: WorldEvent): PostReceipt {
  const messageId = event.type === 'delete' ? 0 : event.message.id;
  return { channelId: String(channel.id), messageId: String(messageId), pts: event.pts, pushedAt: event.pushedAt };
}
