import { createServer, type AddressInfo, type Server } from 'node:net';
import { Connection, type DataCentre } from './connection.js';

/** Clients that may be connected at once; one more is turned away. */
const MAX_CONNECTIONS = 1_000;

/** The MTProto port: lets clients in, unless a fault refuses them, and knows who is connected. */
export class Acceptor {
  readonly #server: Server;

  constructor(
    private readonly dc: DataCentre,
    private readonly connections: Set<Connection>,
  ) {
    this.#server = createServer((socket) => {
      socket.on('error', () => {
        socket.destroy();
      });
      if (dc.faults.refusing) {
        dc.faults.noteStrike('refuse');
        socket.destroy();
        return;
      }
      const connection = new Connection(dc, socket);
      connections.add(connection);
      dc.stats.accepted++;
      this.#count();
      socket.on('close', () => {
        connections.delete(connection);
        this.#count();
      });
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  get listening(): boolean {
    return this.#server.listening;
  }

  /** Returns the port. */
  async listen(port: number, host: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** Closes every client connection. */
  kick(): void {
    for (const connection of this.connections) connection.close();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    this.kick();
    await closed;
  }

  #count(): void {
    this.dc.stats.connections.set(this.connections.size);
  }
}
