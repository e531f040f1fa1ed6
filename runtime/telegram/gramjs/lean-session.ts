import { StringSession } from 'telegram/sessions/index.js';

/**
 * A session that keeps no entities: the library's own adds a row an update and never removes one. The adapter passes
 * ids with their access hashes instead.
 */
export class LeanSession extends StringSession {
  override processEntities(): void {
    // Nothing is kept on purpose.
  }
}
