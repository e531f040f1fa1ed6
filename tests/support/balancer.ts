import { connect, createServer, type Server, type Socket } from 'node:net';

/** Longest wait for a node before the next one is tried, in milliseconds. */
const TRY_MS = 2_000;

/** One address in front of several: each connection goes to the first node that takes it, as bytes. */
export class Balancer {
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly host: string,
    private readonly ports: readonly number[],
  ) {
    server.on('connection', (near) => void this.#join(near));
  }

  /** Listens at an address of this machine for the nodes behind other ports of the same address. */
  static async start(host: string, port: number, ports: readonly number[]): Promise<Balancer> {
    const server = createServer({ pauseOnConnect: true });
    const balancer = new Balancer(server, host, ports);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    return balancer;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async #join(near: Socket): Promise<void> {
    this.#hold(near);
    for (const port of this.ports) {
      const far = await this.#reach(port);
      if (!far) continue;
      far.on('close', () => near.destroy());
      near.on('close', () => far.destroy());
      near.pipe(far).pipe(near);
      return;
    }
    near.destroy();
  }

  /** Null where nobody takes the connection. A killed container has given its ports back. */
  async #reach(port: number): Promise<Socket | null> {
    const far = connect({ host: this.host, port, timeout: TRY_MS });
    this.#hold(far);
    return new Promise((resolve) => {
      const fail = () => {
        far.destroy();
        resolve(null);
      };
      far.once('error', fail).once('timeout', fail);
      far.once('connect', () => {
        far.setTimeout(0).off('timeout', fail);
        resolve(far);
      });
    });
  }

  #hold(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
