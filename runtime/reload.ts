import type { CredentialStore } from './credentials.js';
import type { Logger } from './logger.js';

/** SIGHUP: credentials are read again and every listener told. A file that cannot be read leaves the old ones in force. */
export function reloadOnHangup(credentials: CredentialStore, listeners: readonly (() => void)[], logger: Logger): void {
  process.on('SIGHUP', () => {
    try {
      credentials.reload();
      for (const listener of listeners) listener();
      logger.info('credentials read again');
    } catch (error) {
      logger.error({ err: error }, 'credentials cannot be read again: the old ones stay in force');
    }
  });
}
