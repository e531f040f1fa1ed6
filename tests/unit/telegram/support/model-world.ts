import {
  TelegramError,
  type ChannelDifference,
  type ChannelPage,
  type ChannelRef,
  type ChannelUpdate,
  type CommonDifference,
  type CommonState,
  type ConnectionState,
  type HistoryPage,
  type HistoryQuery,
  type MessagesById,
  type PlainMessage,
  type SelfInfo,
  type TelegramPort,
  type UpdateBatch,
} from '../../../../runtime/telegram/client.js';
import { plainMessage } from './plain.js';

interface ModelMessage {
  readonly id: number;
  /** Every content that it ever had. */
  readonly texts: string[];
  editDate: number | null;
  deleted: boolean;
}

interface ModelEvent {
  readonly pts: number;
  readonly ptsCount: number;
  readonly type: 'new' | 'edit' | 'delete';
  readonly ids: readonly number[];
  /** As it was pushed. */
  readonly push: ChannelUpdate;
}

const NO_NEWS = { updates: [], tooLong: [], allTooLong: false, channels: [], standing: [] } as const;

/** One channel of the model: an append-only log, as Telegram's are. */
export class ModelChannel {
  readonly messages = new Map<number, ModelMessage>();
  readonly log: ModelEvent[] = [];
  pts = 1;
  lastId = 0;
  /** A difference from further back is too long. */
  maxAge = Infinity;

  constructor(
    readonly id: string,
    private readonly clock: () => number,
  ) {}

  post(text: string): ModelEvent {
    const id = (this.lastId += 1);
    this.messages.set(id, { id, texts: [text], editDate: null, deleted: false });
    return this.#append('new', [id], 1);
  }

  /** Undefined when there is no such message. */
  edit(id: number, text: string | null): ModelEvent | undefined {
    const message = this.messages.get(id);
    if (!message || message.deleted) return undefined;
    // Views alone, where there is no text: the date moves all the same.
    if (text !== null && text !== message.texts.at(-1)) message.texts.push(text);
    message.editDate = this.clock();
    return this.#append('edit', [id], 1);
  }

  remove(ids: readonly number[]): ModelEvent | undefined {
    const known = [...new Set(ids)].filter((id) => this.messages.get(id)?.deleted === false);
    for (const id of known) (this.messages.get(id) as ModelMessage).deleted = true;
    return known.length === 0 ? undefined : this.#append('delete', known, known.length);
  }

  /** The message as it stands now. */
  show(id: number): PlainMessage {
    const message = this.messages.get(id) as ModelMessage;
    return { ...plainMessage(this.id, id, message.texts.at(-1)), editDate: message.editDate };
  }

  standing(): number[] {
    return [...this.messages.values()].filter(({ deleted }) => !deleted).map(({ id }) => id);
  }

  difference(pts: number, limit: number): ChannelDifference {
    const timeoutS = null;
    if (pts === this.pts) return { type: 'empty', pts, final: true, timeoutS };
    if (this.pts - pts > this.maxAge) {
      const latest = this.standing().slice(-3);
      const newMessages = latest.map((id) => this.show(id));
      return { type: 'tooLong', pts: this.pts, topMessageId: String(latest.at(-1) ?? 0), timeoutS, newMessages };
    }
    const events = this.log.filter((event) => event.pts > pts).slice(0, Math.min(limit, 7));
    const reached = events.at(-1)?.pts ?? this.pts;
    return {
      type: 'slice',
      pts: reached,
      final: reached === this.pts,
      timeoutS,
      newMessages: events.flatMap(({ type, ids }) => (type === 'new' ? this.#shown(ids) : [])),
      otherUpdates: events.flatMap((event) => this.#other(event)),
    };
  }

  #shown(ids: readonly number[]): PlainMessage[] {
    return ids.filter((id) => !this.messages.get(id)?.deleted).map((id) => this.show(id));
  }

  #other({ type, ids, push }: ModelEvent): ChannelUpdate[] {
    if (type === 'new') return [];
    if (type === 'delete') return [push];
    return this.#shown(ids).map((message) => ({ ...push, type: 'edit', message }));
  }

  #append(type: ModelEvent['type'], ids: readonly number[], ptsCount: number): ModelEvent {
    this.pts += ptsCount;
    const position = { channelId: this.id, pts: this.pts, ptsCount };
    const push: ChannelUpdate =
      type === 'delete'
        ? { ...position, type, messageIds: ids.map(String) }
        : { ...position, type, message: this.show(ids[0] ?? 0) };
    const event = { pts: this.pts, ptsCount, type, ids, push };
    this.log.push(event);
    return event;
  }
}

/** The methods that can be made to fail. */
export type ModelMethod = 'getChannelDifference' | 'getHistory' | 'getMessages' | 'getChannelPts' | 'getChannels';

/** Telegram as the port shows it, without a network: channels, pushes at will, and failing calls. */
export class ModelWorld {
  readonly channels = new Map<string, ModelChannel>();
  readonly ports = new Set<ModelPort>();
  /** Thrown by the next calls of a method, first one first. */
  readonly failures = new Map<ModelMethod, TelegramError[]>();
  readonly calls: string[] = [];
  seconds = 1_700_000_000;

  constructor(...ids: readonly string[]) {
    for (const id of ids) this.channels.set(id, new ModelChannel(id, () => this.seconds));
  }

  channel(id: string): ModelChannel {
    const channel = this.channels.get(id);
    if (!channel) throw new TelegramError('channel-gone', 'CHANNEL_INVALID');
    return channel;
  }

  push(batch: Partial<UpdateBatch>): void {
    for (const port of this.ports) port.push({ ...NO_NEWS, ...batch });
  }

  fail(method: ModelMethod, ...errors: readonly TelegramError[]): void {
    this.failures.set(method, [...(this.failures.get(method) ?? []), ...errors]);
  }

  kick(): void {
    for (const port of this.ports) port.drop();
  }

  async answer<T>(method: ModelMethod, answer: () => T): Promise<T> {
    this.calls.push(method);
    await Promise.resolve();
    const error = this.failures.get(method)?.shift();
    if (error) throw error;
    return answer();
  }
}

export class ModelPort implements TelegramPort {
  #onUpdates: (batch: UpdateBatch) => void = () => undefined;
  #onState: (state: ConnectionState) => void = () => undefined;

  constructor(private readonly world: ModelWorld) {}

  connect(): Promise<SelfInfo> {
    this.world.ports.add(this);
    return Promise.resolve({ id: '1', firstName: 'Model' });
  }

  onUpdates(listener: (batch: UpdateBatch) => void): void {
    this.#onUpdates = listener;
  }

  onState(listener: (state: ConnectionState) => void): void {
    this.#onState = listener;
  }

  onUnreadable(): void {
    // Nothing of the model is unreadable.
  }

  push(batch: UpdateBatch): void {
    this.#onUpdates(batch);
  }

  drop(): void {
    this.world.ports.delete(this);
    this.#onState('disconnected');
  }

  getState(): Promise<CommonState> {
    return Promise.resolve({ pts: 1, qts: 0, date: this.world.seconds, seq: 0 });
  }

  getDifference(): Promise<CommonDifference> {
    return Promise.resolve({ type: 'empty', date: this.world.seconds, seq: 0 });
  }

  resolveChannel(): Promise<null> {
    return Promise.resolve(null);
  }

  joinChannel(): Promise<void> {
    return Promise.resolve();
  }

  getChannels(): Promise<ChannelPage> {
    return this.world.answer('getChannels', () => ({
      channels: [...this.world.channels.values()].map(({ id, pts, lastId }) => ({
        ...{ id, accessHash: '1', title: `channel ${id}`, username: null, pts },
        topMessageId: String(lastId),
      })),
      next: null,
      complete: true,
    }));
  }

  getChannelDifference({ id }: ChannelRef, pts: number, limit: number): Promise<ChannelDifference> {
    return this.world.answer('getChannelDifference', () => this.world.channel(id).difference(pts, limit));
  }

  getHistory({ id }: ChannelRef, { offsetId, minId, limit }: HistoryQuery): Promise<HistoryPage> {
    return this.world.answer('getHistory', () => {
      const channel = this.world.channel(id);
      const page = channel
        .standing()
        .filter((message) => (offsetId === 0 || message < offsetId) && message > minId)
        .toSorted((a, b) => b - a)
        .slice(0, Math.min(limit, 5));
      const lowest = page.at(-1);
      return {
        messages: page.map((message) => channel.show(message)),
        lowestId: lowest === undefined ? null : String(lowest),
        pts: channel.pts,
      };
    });
  }

  getMessages({ id }: ChannelRef, ids: readonly string[]): Promise<MessagesById> {
    return this.world.answer('getMessages', () => {
      const channel = this.world.channel(id);
      const stands = (message: string) => channel.messages.get(Number(message))?.deleted === false;
      return {
        found: ids.filter(stands).map((message) => channel.show(Number(message))),
        missing: ids.filter((message) => !stands(message)),
        pts: channel.pts,
      };
    });
  }

  getChannelPts({ id }: ChannelRef): Promise<number> {
    return this.world.answer('getChannelPts', () => this.world.channel(id).pts);
  }

  exportSession(): string {
    return '';
  }

  close(): Promise<void> {
    this.world.ports.delete(this);
    return Promise.resolve();
  }
}
