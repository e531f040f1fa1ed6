import { ENVELOPE_VERSION } from '../../../../runtime/contract.js';
import { eventId } from '../../../../runtime/events.js';
import type {
  CommitResult,
  IngestBatch,
  IngestMessage,
  MessageStore,
  StoredChannel,
  StoredEvent,
} from '../../../../runtime/ingest/message-store.js';
import type { ChannelInfo } from '../../../../runtime/telegram/client.js';

/** The store's interface in memory, with outages and refusals at will. */
export class MemoryStore implements MessageStore {
  readonly channels = new Map<string, StoredChannel>();
  /** By channel, in the order of storing. */
  readonly messages = new Map<string, IngestMessage[]>();
  readonly batches: IngestBatch[] = [];
  duplicates = 0;
  offline = false;
  attemptsWhileOffline = 0;
  /** Messages that the database takes for wrong. */
  refuses: (message: IngestMessage) => boolean = () => false;
  /** Commits wait while it is set. */
  #gate: { opened: Promise<void>; open: () => void } | null = null;
  #nextOutboxId = 1;

  hold(): void {
    let open = (): void => undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.#gate = { opened, open };
  }

  release(): void {
    this.#gate?.open();
    this.#gate = null;
  }

  ids(channelId: string | number): string[] {
    return (this.messages.get(String(channelId)) ?? []).map(({ message }) => message.messageId);
  }

  async commitBatch(batch: IngestBatch): Promise<CommitResult> {
    await this.#gate?.opened;
    await Promise.resolve();
    if (this.offline) {
      this.attemptsWhileOffline += 1;
      throw new Error('the database does not answer');
    }
    if (batch.messages.some((message) => this.refuses(message)))
      throw Object.assign(new Error('invalid byte sequence'), { code: '22021' });
    this.batches.push(batch);
    const stored = batch.messages.flatMap((item) => this.#insert(item) ?? []);
    for (const cursor of batch.cursors) {
      const channel = this.channels.get(cursor.channelId);
      if (!channel) throw new Error(`cursor of a channel that is not recorded: ${cursor.channelId}`);
      if (channel.pts !== null && cursor.pts < channel.pts) throw new Error('pts moved backwards');
      this.channels.set(cursor.channelId, {
        ...channel,
        pts: cursor.pts,
        lastMessageId: cursor.lastMessageId ?? channel.lastMessageId,
      });
    }
    this.duplicates += batch.messages.length - stored.length;
    return { stored, duplicates: batch.messages.length - stored.length };
  }

  loadChannels(): Promise<readonly StoredChannel[]> {
    if (this.offline) return Promise.reject(new Error('the database does not answer'));
    return Promise.resolve([...this.channels.values()]);
  }

  upsertChannels(accountId: string, channels: readonly ChannelInfo[]): Promise<void> {
    if (this.offline) return Promise.reject(new Error('the database does not answer'));
    for (const info of channels) {
      const known = this.channels.get(info.id);
      this.channels.set(info.id, {
        accountId,
        ...info,
        pts: known ? known.pts : info.pts,
        lastMessageId: known?.lastMessageId ?? null,
        status: known?.status ?? 'active',
      });
    }
    return Promise.resolve();
  }

  #insert(item: IngestMessage): StoredEvent | null {
    const { channelId, messageId, text, mediaType, date } = item.message;
    const list = this.messages.get(channelId) ?? [];
    if (list.some(({ message }) => message.messageId === messageId)) return null;
    this.messages.set(channelId, [...list, item]);
    return {
      outboxId: String(this.#nextOutboxId++),
      event: {
        v: ENVELOPE_VERSION,
        id: eventId('message.created', channelId, messageId, 1),
        kind: 'message.created',
        accountId: item.accountId,
        channelId,
        messageId,
        version: 1,
        postedAt: new Date(date * 1_000).toISOString(),
        receivedAt: item.receivedAt.toISOString(),
        text,
        mediaType,
        source: item.source,
      },
    };
  }
}
