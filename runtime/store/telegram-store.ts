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
import { loadChannels, setChannelStatus, storedIds, upsertChannels } from './channels.js';
import { commitBatch } from './commit-batch.js';
import type { Database } from './database.js';
import type { Fence } from './lease.js';

/** The gateway's store on PostgreSQL. */
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

  upsertChannels(accountId: string, channels: readonly ChannelInfo[], first?: FirstRead): Promise<void> {
    return upsertChannels(this.database, accountId, channels, first);
  }

  setChannelStatus(accountId: string, channelIds: readonly string[], status: ChannelStatus): Promise<void> {
    return setChannelStatus(this.database, accountId, channelIds, status);
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
    return saveCommonState(this.database, accountId, state);
  }

  loadFloodWaits(accountId: string): Promise<ReadonlyMap<string, Date>> {
    return loadFloodWaits(this.database, accountId);
  }

  saveFloodWait(accountId: string, methodClass: string, until: Date): Promise<void> {
    return saveFloodWait(this.database, accountId, methodClass, until);
  }
}
