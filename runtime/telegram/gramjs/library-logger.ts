import { Logger as LibraryLogger } from 'telegram/extensions/index.js';
import type { Logger } from '../../logger.js';

/**
 * Takes everything the library says to `debug`: what matters to an operator is said by the adapter's owner. The library
 * also prints errors with bare `console.error` when `canSend` allows; it never does.
 */
export class DebugLogger extends LibraryLogger {
  constructor(private readonly target: Logger) {
    super();
  }

  override canSend(): boolean {
    return false;
  }

  override debug(): void {
    // Several lines a packet, with contents: never wanted.
  }

  override info(message: string): void {
    this.target.debug({ library: message }, 'telegram library');
  }

  override warn(message: string): void {
    this.target.debug({ library: message }, 'telegram library');
  }

  override error(message: string): void {
    this.target.debug({ library: message }, 'telegram library');
  }
}
