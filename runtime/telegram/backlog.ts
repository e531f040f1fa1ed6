import { metrics } from '../metrics.js';
import type { ChannelUpdate } from './client.js';

/** What the updates that wait may take together, in bytes: a small part of the smallest unit. */
const LIMIT_BYTES = 64 * 2 ** 20;
/** Of the objects around the content of an update. */
const OVERHEAD_BYTES = 1_024;
/** The bytes of a message are held about three times: as they came, as text, as metadata. */
const COPIES = 3;

/**
 * Everything of all channels that was received and is not committed yet: what grows while the database is away. Who is
 * told `full` drops what he has, and fetches it again later.
 */
export class Backlog {
  #bytes = 0;

  constructor(private readonly limitBytes = LIMIT_BYTES) {}

  get full(): boolean {
    return this.#bytes >= this.limitBytes;
  }

  add(update: ChannelUpdate): void {
    this.#bytes += sizeOf(update);
    metrics.queueDepth.inc();
  }

  remove(updates: readonly ChannelUpdate[]): void {
    for (const update of updates) this.#bytes -= sizeOf(update);
    metrics.queueDepth.dec(updates.length);
  }
}

function sizeOf(update: ChannelUpdate): number {
  return OVERHEAD_BYTES + ('message' in update ? COPIES * update.message.raw.length : 0);
}
