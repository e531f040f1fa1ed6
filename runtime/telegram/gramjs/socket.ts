import { PromisedNetSockets } from 'telegram/extensions/index.js';
import type { SocketInternals } from './internals.js';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface SocketOptions {
  /** Dialled instead of what the session says; null dials Telegram. */
  readonly endpoint: Endpoint | null;
  readonly connectTimeoutMs: number;
  /** Ends every socket of the client, also one that is still connecting. */
  readonly closed: AbortSignal;
}

/**
 * The socket class of one client (the library wants a class, not an instance). It adds what the library lacks: the port
 * of the session is ignored there, a connect never times out, and a client destroyed while it connects lives on.
 */
export function socketClass(options: SocketOptions): typeof PromisedNetSockets {
  const { endpoint, connectTimeoutMs, closed } = options;
  return class extends PromisedNetSockets {
    override async connect(port: number, host: string): Promise<unknown> {
      const opened = super.connect(endpoint?.port ?? port, endpoint?.host ?? host);
      const socket = (this as unknown as SocketInternals).client;
      const abort = (): void => {
        socket?.destroy(new Error('client closed'));
      };
      const timer = setTimeout(() => {
        socket?.destroy(new Error(`no connection within ${String(connectTimeoutMs)} ms`));
      }, connectTimeoutMs);
      if (closed.aborted) abort();
      else closed.addEventListener('abort', abort, { once: true });
      socket?.once('close', () => {
        closed.removeEventListener('abort', abort);
      });
      // Small packets must not wait for each other: latency is the product.
      socket?.setNoDelay(true);
      try {
        return await opened;
      } finally {
        clearTimeout(timer);
      }
    }
  };
}
