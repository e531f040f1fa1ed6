import type { Channel, ConsumeMessage } from 'amqplib';

/**
 * The answers to what one channel delivered. Acknowledgements of one turn of the event loop leave together: those before which
 * nothing is open as one answer, which a quorum queue writes down once, whatever number of messages it is for.
 *
 * Not promised: that an answer arrives. What the broker does not hear of before the channel closes, it delivers again.
 */
export class Answers {
  /** In the order of delivery; true: to be acknowledged. What has its answer is gone. */
  readonly #deliveries = new Map<ConsumeMessage, boolean>();
  #sent: Promise<void> | null = null;

  constructor(private readonly channel: Pick<Channel, 'ack' | 'reject'>) {}

  /** Each delivery has to be told of, in its order. */
  delivered(message: ConsumeMessage): void {
    this.#deliveries.set(message, false);
  }

  /** Resolves when the acknowledgement is on its way; rejects when the channel is gone. */
  ack(message: ConsumeMessage): Promise<void> {
    this.#deliveries.set(message, true);
    this.#sent ??= new Promise((resolve) => {
      process.nextTick(resolve);
    }).then(() => {
      this.#sent = null;
      this.#send();
    });
    return this.#sent;
  }

  /** At once; throws when the channel is gone. */
  reject(message: ConsumeMessage, requeue: boolean): void {
    this.#deliveries.delete(message);
    this.channel.reject(message, requeue);
  }

  #send(): void {
    let last: ConsumeMessage | null = null;
    for (const [message, acknowledged] of this.#deliveries) {
      if (!acknowledged) break;
      last = message;
      this.#deliveries.delete(message);
    }
    if (last) this.channel.ack(last, true);
    for (const [message, acknowledged] of this.#deliveries) {
      if (!acknowledged) continue;
      this.#deliveries.delete(message);
      this.channel.ack(message);
    }
  }
}
