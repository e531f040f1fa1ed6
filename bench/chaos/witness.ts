import { connect } from 'amqplib';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeEvent } from '../../runtime/queue/envelope.js';
import type { BrokerOptions } from '../../runtime/queue/connection.js';
import type { PublishedEvent } from './evidence.js';

const PREFETCH = 1_000;
const QUIET_MS = 500;
/** Longest that reading a queue may take, in milliseconds. */
const BOUND_MS = 120_000;

/** What the exchange had, read from a queue that takes a copy of everything. */
export class Witness {
  readonly events = new Map<string, PublishedEvent>();

  constructor(
    private readonly broker: BrokerOptions,
    private readonly queue: string,
  ) {}

  /** Reads the queue to its end. Rejects when the broker is away; what was read by then is kept, and may come again. */
  async read(): Promise<void> {
    const { host, port, vhost, login } = this.broker;
    const { user, password } = login();
    const options = { hostname: host, port, vhost, username: user, password, heartbeat: 10 };
    const model = await connect(options, { timeout: 10_000 });
    model.on('error', () => undefined);
    try {
      const channel = await model.createChannel();
      channel.on('error', () => undefined);
      await channel.prefetch(PREFETCH);
      let heardAt = performance.now();
      await channel.consume(this.queue, (message) => {
        if (!message) return;
        heardAt = performance.now();
        this.#note(message.content);
        channel.ack(message);
      });
      const deadline = performance.now() + BOUND_MS;
      while (performance.now() - heardAt < QUIET_MS || (await channel.checkQueue(this.queue)).messageCount > 0) {
        if (performance.now() > deadline) throw new Error(`${this.queue} could not be read to its end`);
        await delay(50);
      }
      await channel.close();
    } finally {
      await model.close().catch(() => undefined);
    }
  }

  #note(body: Buffer): void {
    const { id, text } = decodeEvent(body);
    this.events.set(id, { text, copies: (this.events.get(id)?.copies ?? 0) + 1 });
  }
}
