import type {
  ChannelMarks,
  ChannelStatus,
  CommitResult,
  FirstRead,
  IngestBatch,
  IngestMessage,
  MessageStore,
  StoredChannel,
  StoredEvent,
} from '../../../../runtime/ingest/message-store.js';
import { decide, hashOf, messageKey, type StoredVersion } from '../../../../runtime/store/versioning.js';
import type { ChannelInfo, CommonState } from '../../../../runtime/telegram/client.js';

/** The store's interface in memory, with outages and refusals at will. It decides as the real one does. */
export class MemoryStore implements MessageStore {
  readonly channels = new Map<string, StoredChannel>();
  /** First copies by channel, in the order of storing. */
  readonly messages = new Map<string, IngestMessage[]>();
  /** Every copy that became a version, by key of the message, oldest first. */
  readonly versions = new Map<string, IngestMessage[]>();
  readonly deleted = new Set<string>();
  readonly events: StoredEvent[] = [];
  readonly holes = new Map<string, Set<string>>();
  readonly floodWaits = new Map<string, Date>();
  readonly batches: IngestBatch[] = [];
  common: CommonState | null = null;
  accountSince: Date | null = null;
  duplicates = 0;
  offline = false;
  attemptsWhileOffline = 0;
  /** The next commits store everything, and their answers are lost. */
  loseAnswers = 0;
  upsertsHeld = 0;
  /** Messages that the database takes for wrong. */
  refuses: (message: IngestMessage) => boolean = () => false;
  /** Messages over which this program stumbles. */
  stumbles: (message: IngestMessage) => boolean = () => false;
  readonly #newest = new Map<string, StoredVersion>();
  /** Commits wait while it is set. */
  #gate: Gate | null = null;
  #upsertGate: Gate | null = null;

  hold(): void {
    this.#gate = gate();
  }

  release(): void {
    this.#gate?.open();
    this.#gate = null;
  }

  /** Channels wait to be recorded until they are released. */
  holdUpserts(): void {
    this.#upsertGate = gate();
  }

  releaseUpserts(): void {
    this.#upsertGate?.open();
    this.#upsertGate = null;
  }

  ids(channelId: string | number): string[] {
    return (this.messages.get(String(channelId)) ?? []).map(({ message }) => message.messageId);
  }

  /** The texts of a message, version by version. */
  texts(channelId: string | number, messageId: string | number): string[] {
    const copies = this.versions.get(messageKey(String(channelId), String(messageId))) ?? [];
    return copies.map(({ message }) => message.text);
  }

  isDeleted(channelId: string | number, messageId: string | number): boolean {
    return this.deleted.has(messageKey(String(channelId), String(messageId)));
  }

  async commitBatch(batch: IngestBatch): Promise<CommitResult> {
    await this.#gate?.opened;
    await Promise.resolve();
    this.#checkAnswers();
    if (batch.messages.some((message) => this.refuses(message)))
      throw Object.assign(new Error('invalid byte sequence'), { code: '22021' });
    if (batch.messages.some((message) => this.stumbles(message))) throw new TypeError('undefined is not a function');
    this.batches.push(batch);
    const { messages, deletions = [], cursors, marks = [] } = batch;
    const pts = new Map(
      [...this.channels].flatMap(([id, channel]) => (channel.pts === null ? [] : [[id, channel.pts]])),
    );
    const decision = decide(messages, deletions, { versions: this.#newest, deleted: this.deleted, pts });
    for (const item of decision.facts) this.#store(item, 1);
    for (const { item, version } of decision.versions) this.#store(item, version);
    for (const { channelId, messageId } of decision.tombstones) this.deleted.add(messageKey(channelId, messageId));
    for (const cursor of cursors) this.#moveCursor(cursor.channelId, cursor.pts, cursor.lastMessageId);
    for (const mark of marks) this.#mark(mark);
    const stored = decision.events.map((event, index) => ({ outboxId: String(this.events.length + index + 1), event }));
    this.events.push(...stored);
    this.duplicates += decision.duplicates;
    if (this.loseAnswers > 0) {
      this.loseAnswers -= 1;
      throw new Error('connection lost before the answer');
    }
    return { stored, duplicates: decision.duplicates };
  }

  loadAccountSince(): Promise<Date | null> {
    return this.#answer(() => this.accountSince);
  }

  loadChannels(): Promise<readonly StoredChannel[]> {
    return this.#answer(() => [...this.channels.values()]);
  }

  async upsertChannels(
    accountId: string,
    channels: readonly ChannelInfo[],
    first: FirstRead = { depth: 0 },
  ): Promise<void> {
    if (this.#upsertGate) {
      this.upsertsHeld += 1;
      await this.#upsertGate.opened;
    }
    await this.#answer(() => {
      this.accountSince ??= new Date();
      for (const { topMessageId = null, unreadAfterId = null, ...info } of channels) {
        const known = this.channels.get(info.id);
        const begun = {
          pts: info.pts,
          lastMessageId: topMessageId,
          reconciledId: topMessageId,
          backfill: topMessageId === null ? null : firstRead(Number(topMessageId), unreadAfterId, first),
        };
        const kept = known && known.pts !== null ? known : begun;
        const { pts, lastMessageId, reconciledId, backfill } = kept;
        const status = known?.status === 'paused' ? 'paused' : 'active';
        this.channels.set(info.id, { accountId, ...info, pts, lastMessageId, reconciledId, backfill, status });
      }
    });
  }

  setChannelStatus(_accountId: string, channelIds: readonly string[], status: ChannelStatus): Promise<void> {
    return this.#answer(() => {
      for (const id of channelIds) {
        const channel = this.channels.get(id);
        if (channel && channel.status !== 'paused') this.channels.set(id, { ...channel, status });
      }
    });
  }

  storedIds(channelId: string, after: string, upTo: string, limit: number): Promise<readonly string[]> {
    return this.#answer(() =>
      this.ids(channelId)
        .filter((id) => Number(id) > Number(after) && Number(id) <= Number(upTo) && !this.isDeleted(channelId, id))
        .toSorted((a, b) => Number(a) - Number(b))
        .slice(-limit),
    );
  }

  loadHoles(): Promise<ReadonlyMap<string, readonly string[]>> {
    return this.#answer(() => new Map([...this.holes].map(([id, holes]) => [id, [...holes]])));
  }

  loadCommonState(): Promise<CommonState | null> {
    return this.#answer(() => this.common);
  }

  saveCommonState(_accountId: string, state: CommonState): Promise<void> {
    return this.#answer(() => {
      this.common = state;
    });
  }

  loadFloodWaits(): Promise<ReadonlyMap<string, Date>> {
    return this.#answer(() => this.floodWaits);
  }

  saveFloodWait(_accountId: string, methodClass: string, until: Date): Promise<void> {
    return this.#answer(() => {
      this.floodWaits.set(methodClass, until);
    });
  }

  #answer<T>(answer: () => T): Promise<T> {
    if (this.offline) return Promise.reject(new Error('the database does not answer'));
    return Promise.resolve(answer());
  }

  #checkAnswers(): void {
    if (!this.offline) return;
    this.attemptsWhileOffline += 1;
    throw new Error('the database does not answer');
  }

  #store(item: IngestMessage, version: number): void {
    const { channelId, messageId } = item.message;
    const key = messageKey(channelId, messageId);
    if (version === 1) this.messages.set(channelId, [...(this.messages.get(channelId) ?? []), item]);
    this.versions.set(key, [...(this.versions.get(key) ?? []), item]);
    if (this.versions.get(key)?.length !== version) throw new Error(`version ${String(version)} of ${key} skips one`);
    const { date, editDate } = item.message;
    this.#newest.set(key, { version, postedAt: new Date(date * 1_000), editDate, hash: hashOf(item.message) });
  }

  #moveCursor(channelId: string, pts: number, lastMessageId: string | null): void {
    const channel = this.channels.get(channelId);
    if (!channel) throw new Error(`cursor of a channel that is not recorded: ${channelId}`);
    this.channels.set(channelId, {
      ...channel,
      pts: Math.max(pts, channel.pts ?? 0),
      lastMessageId: highest(channel.lastMessageId, lastMessageId),
    });
  }

  #mark({ channelId, pts, backfill, reconciledId, holes = [], mended = [] }: ChannelMarks): void {
    const channel = this.channels.get(channelId);
    if (!channel) throw new Error(`marks of a channel that is not recorded: ${channelId}`);
    this.channels.set(channelId, {
      ...channel,
      pts: pts ?? channel.pts,
      backfill: backfill === undefined ? channel.backfill : backfill,
      reconciledId: reconciledId ?? channel.reconciledId,
    });
    const known = this.holes.get(channelId) ?? new Set();
    for (const id of mended) known.delete(id);
    for (const id of holes) known.add(id);
    this.holes.set(channelId, known);
  }
}

interface Gate {
  readonly opened: Promise<void>;
  readonly open: () => void;
}

function gate(): Gate {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

function firstRead(top: number, unreadAfterId: string | null, { depth }: FirstRead): StoredChannel['backfill'] {
  const until = Math.min(
    unreadAfterId === null ? top : Number(unreadAfterId),
    depth > 0 ? Math.max(0, top - depth) : top,
  );
  return until < top ? { nextId: String(top + 1), untilId: String(until) } : null;
}

function highest(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return Number(a) > Number(b) ? a : b;
}
