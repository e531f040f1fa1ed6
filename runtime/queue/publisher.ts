import type { ChannelModel, ConfirmChannel, Message, Options } from 'amqplib';

export type PublishFailure = 'disconnected' | 'nacked' | 'returned';

/** The broker did not take a message. */
export class PublishError extends Error {
  constructor(
    readonly reason: PublishFailure,
    options?: ErrorOptions,
  ) {
    super(`the broker did not take the message: ${reason}`, options);
    this.name = 'PublishError';
  }
}

/**
 * Publishing on one confirm channel.
 *
 * Promised: messages leave in the order of the calls; a call resolves only when the broker has written the message to
 *   a queue's log, and rejects when it refused it, returned it (no queue took it) or the channel went away.
 *   `hold` keeps the calls back, in their order, until `release`.
 * Not promised: that a rejected message was not taken: the channel may close between the write and the confirm.
 */
export class Publisher {
  #channel: ConfirmChannel | null = null;
  /** Message ids that came back. The return precedes the confirm, which is positive even so. */
  readonly #returned = new Set<string>();

  /** Calls that are kept back; null while they go through. */
  #held: (() => void)[] | null = null;
  #unsettled = 0;
  #onSettled: (() => void)[] = [];

  get ready(): boolean {
    return this.#channel !== null;
  }

  /** Takes a new connection into use; `lost` is called once, when the channel is gone. */
  async open(model: ChannelModel, lost: () => void): Promise<void> {
    const channel = await model.createConfirmChannel();
    channel.on('error', () => undefined);
    channel.on('return', (message: Message) => {
      this.#returned.add(String(message.properties.messageId));
    });
    channel.on('close', () => {
      if (this.#channel === channel) this.#channel = null;
      lost();
    });
    this.#returned.clear();
    this.#channel = channel;
  }

  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const calls = this.#held ?? [];
    this.#held = null;
    for (const call of calls) call();
  }

  /** Resolves when every message sent so far was confirmed, refused or lost. */
  settled(): Promise<void> {
    if (this.#unsettled === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onSettled.push(resolve));
  }

  publish(
    exchange: string,
    key: string,
    body: Buffer,
    options: Options.Publish & { messageId: string },
  ): Promise<void> {
    const send = () => this.#send(exchange, key, body, options);
    if (!this.#held) return send();
    return new Promise((resolve, reject) => {
      this.#held?.push(() => {
        send().then(resolve, reject);
      });
    });
  }

  async #send(
    exchange: string,
    key: string,
    body: Buffer,
    options: Options.Publish & { messageId: string },
  ): Promise<void> {
    const channel = this.#channel;
    if (!channel) throw new PublishError('disconnected');
    this.#unsettled += 1;
    try {
      await this.#confirmed(options.messageId, (settle) =>
        channel.publish(exchange, key, body, { ...options, mandatory: true, persistent: true }, settle),
      );
    } finally {
      this.#unsettled -= 1;
      if (this.#unsettled === 0) for (const resolve of this.#onSettled.splice(0)) resolve();
    }
  }

  #confirmed(messageId: string, publish: (settle: (error: unknown) => void) => unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error: unknown) => {
        const returned = this.#returned.delete(messageId);
        if (error) reject(new PublishError(isNack(error) ? 'nacked' : 'disconnected', { cause: error }));
        else if (returned) reject(new PublishError('returned'));
        else resolve();
      };
      try {
        publish(settle);
      } catch (error) {
        // Closed a moment ago: the callback was never registered.
        reject(new PublishError('disconnected', { cause: error }));
      }
    });
  }
}

/** amqplib tells a refusal from a closed channel by its text only. */
function isNack(error: unknown): boolean {
  return error instanceof Error && error.message === 'message nacked';
}
