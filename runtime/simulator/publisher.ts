import type { Channel, WorldEvent } from './channel.js';
import type { Connection } from './connection.js';
import type { Faults } from './faults.js';
import { encodeUpdates } from './push-encoding.js';
import type { Stats } from './stats.js';

interface Held {
  readonly channel: Channel;
  readonly events: readonly WorldEvent[];
}

/**
 * Pushes events to every interested connection of the account. Promised: in the order of the log, unless a fault says
 * otherwise; what was held goes out first once it is released. Not promised: delivery. A client that is away fetches
 * the difference.
 */
export class Publisher {
  #held: Held[] = [];

  constructor(
    private readonly connections: ReadonlySet<Connection>,
    private readonly stats: Stats,
  ) {}

  /** Several events go out as one container. `copies` repeats it under new message ids. */
  publish(faults: Faults, channel: Channel, events: readonly WorldEvent[], copies = 1): void {
    const plan = faults.takePushPlan(channel.id);
    if (plan === 'drop') return;
    if (plan === 'hold') this.#held.push({ channel, events });
    else this.#send(channel, events, plan === 'twice' ? 2 * copies : copies);
  }

  /** Sends what is held, as far as no other fault still holds it. */
  release(faults: Faults): void {
    const held = this.#held;
    this.#held = [];
    for (const { channel, events } of held) this.publish(faults, channel, events);
  }

  get heldCount(): number {
    return this.#held.length;
  }

  #send(channel: Channel, events: readonly WorldEvent[], copies: number): void {
    const receivers = [...this.connections].filter((connection) => connection.receivesUpdates);
    if (receivers.length === 0) return;
    const bytes = encodeUpdates(channel, events);
    for (const connection of receivers) {
      for (let copy = 0; copy < copies; copy++) {
        const pushedAt = connection.push(bytes);
        this.stats.push();
        for (const event of events) event.pushedAt ??= pushedAt;
      }
    }
  }
}
