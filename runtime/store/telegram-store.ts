import type { CommitResult, IngestBatch, MessageStore, StoredChannel } from '../ingest/message-store.js';
import type { ChannelInfo } from '../telegram/client.js';
import { loadChannels, upsertChannels } from './channels.js';
import { commitBatch } from './commit-batch.js';
import type { Database } from './database.js';

/** The gateway's store on PostgreSQL. */
export class TelegramStore implements MessageStore {
  constructor(private readonly database: Database) {}

  commitBatch(batch: IngestBatch): Promise<CommitResult> {
    return commitBatch(this.database, batch);
  }

  loadChannels(accountId: string): Promise<readonly StoredChannel[]> {
    return loadChannels(this.database, accountId);
  }

  upsertChannels(accountId: string, channels: readonly ChannelInfo[]): Promise<void> {
    return upsertChannels(this.database, accountId, channels);
  }
}
