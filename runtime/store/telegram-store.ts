import type {
  ChannelStatus,
  CommitResult,
  FirstRead,
  IngestBatch,
  MessageStore,
  StoredChannel,
} from '../ingest/message-store.js';
import type { ChannelInfo, CommonState } from '../telegram/client.js';
import { loadCommonState, loadFloodWaits, saveCommonState, saveFloodWait } from './account-state.js';
import { loadHoles } from './channel-marks.js';
import { loadAccountSince, loadChannels, setChannelStatus, storedIds, upsertChannels } from './channels.js';
import { commitBatch } from './commit-batch.js';
import type { Database, Queryable } from './database.js';
import { checkLease, type Fence } from './lease.js';

/**
 * The gateway's store on PostgreSQL. Promised: with a fence, nothing of what was read of Telegram is written once another
 * gateway has taken over: batches, channels, their status, the common box. A flood wait is: it holds for whoever asks next.
 */
export class TelegramStore implements MessageStore {
  /** `fence` names the lease under which this process writes; null is none. */
  constructor(
    private readonly database: Database,
    private readonly fence: () => Fence | null = () => null,
  ) {}

  commitBatch(batch: IngestBatch): Promise<CommitResult> {
    return commitBatch(this.database, batch, this.fence());
  }

  loadChannels(accountId: string): Promise<readonly StoredChannel[]> {
    return loadChannels(this.database, accountId);
  }

  loadAccountSince(accountId: string): Promise<Date | null> {
    return loadAccountSince(this.database, accountId);
  }

  upsertChannels(accountId: string, channels: readonly ChannelInfo[], first?: FirstRead): Promise<void> {
    return this.#fenced((db) => upsertChannels(db, accountId, channels, first));
  }

  setChannelStatus(accountId: string, channelIds: readonly string[], status: ChannelStatus): Promise<void> {
    return this.#fenced((db) => setChannelStatus(db, accountId, channelIds, status));
  }

  storedIds(channelId: string, after: string, upTo: string, limit: number): Promise<readonly string[]> {
    return storedIds(this.database, { channelId, after, upTo, limit });
  }

  loadHoles(accountId: string): Promise<ReadonlyMap<string, readonly string[]>> {
    return loadHoles(this.database, accountId);
  }

  loadCommonState(accountId: string): Promise<CommonState | null> {
    return loadCommonState(this.database, accountId);
  }

  saveCommonState(accountId: string, state: CommonState): Promise<void> {
    return this.#fenced((db) => saveCommonState(db, accountId, state));
  }

  loadFloodWaits(accountId: string): Promise<ReadonlyMap<string, Date>> {
    return loadFloodWaits(this.database, accountId);
  }

  saveFloodWait(accountId: string, methodClass: string, until: Date): Promise<void> {
    return saveFloodWait(this.database, accountId, methodClass, until);
  }

  /** Holds the lease until what is written is committed; rejects with LEASE_LOST. */
  #fenced(write: (db: Queryable) => Promise<void>): Promise<void> {
    const fence = this.fence();
    if (!fence) return write(this.database);
    return this.database.transaction(async (tx) => {
      await checkLease(tx, fence);
      await write(tx);
    });
  }
}
