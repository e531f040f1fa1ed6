/**
 * What stands in the broker's dead-letter queue. A letter that was looked at stays, for as long as nobody answers for it: when
 * the connection ends, the broker has it as before.
 */
import { connect, type Channel, type GetMessage } from 'amqplib';
import { DEAD_LETTER_QUEUE, groupQueue } from '../../runtime/contract.js';
import { decodeEvent } from '../../runtime/queue/envelope.js';
import { trust } from '../../runtime/tls.js';
import type { WorkKey } from './dead-work.js';

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly vhost: string;
  readonly tls: boolean;
  /** PEM certificates of the authorities to verify with. @default the well-known ones */
  readonly authorities?: string | undefined;
  readonly user: string;
  readonly password: string;
}

export interface DeadLetter {
  readonly message: GetMessage;
  /** Null for one that is no event of ours, or of no group. */
  readonly work: WorkKey | null;
}

const CONNECT_MS = 10_000;

export class DeadLetterQueue {
  private constructor(
    private readonly model: Awaited<ReturnType<typeof connect>>,
    private readonly channel: Channel,
  ) {}

  static async open(address: BrokerAddress): Promise<DeadLetterQueue> {
    const { host, port, vhost, tls, authorities, user, password } = address;
    const model = await connect(
      { protocol: tls ? 'amqps' : 'amqp', hostname: host, port, vhost, username: user, password },
      { timeout: CONNECT_MS, ...trust(authorities) },
    );
    // The call that fails tells of it.
    model.on('error', () => undefined);
    const channel = await model.createChannel();
    channel.on('error', () => undefined);
    return new DeadLetterQueue(model, channel);
  }

  async depth(): Promise<number> {
    return (await this.channel.checkQueue(DEAD_LETTER_QUEUE)).messageCount;
  }

  /** Oldest first, until so many are wanted ones or there are no more: whatever stands between is looked at too. */
  async take(limit: number, isWanted: (letter: DeadLetter) => boolean = () => true): Promise<readonly DeadLetter[]> {
    const letters: DeadLetter[] = [];
    for (let wanted = 0; wanted < limit;) {
      const message = await this.channel.get(DEAD_LETTER_QUEUE);
      if (message === false) break;
      const letter = { message, work: workOf(message) };
      letters.push(letter);
      if (isWanted(letter)) wanted += 1;
    }
    return letters;
  }

  /** Takes letters off the queue for good. */
  settle(letters: readonly DeadLetter[]): void {
    for (const { message } of letters) this.channel.ack(message);
  }

  /** Sends what was settled; everything else that was taken stands in the queue again. */
  async close(): Promise<void> {
    await this.channel.close();
    await this.model.close();
  }
}

/** The broker notes from which queues a letter came; the group's is among them, whatever tries it has gone through. */
function workOf(message: GetMessage): WorkKey | null {
  const deaths = (message.properties.headers?.['x-death'] ?? []) as readonly { readonly queue?: string }[];
  const prefix = groupQueue('');
  const group = deaths.find(({ queue }) => queue?.startsWith(prefix))?.queue?.slice(prefix.length);
  if (group === undefined) return null;
  try {
    const { kind, channelId, messageId, version } = decodeEvent(message.content);
    return { group, kind, channelId, messageId, version };
  } catch {
    return null;
  }
}
