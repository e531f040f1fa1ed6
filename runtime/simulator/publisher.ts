import { isMember } from './access.js';
import type { Channel, WorldEvent } from './channel.js';
import type { BoxEvent } from './common-box.js';
import type { Connection } from './connection.js';
import type { PushFault } from './fault-kinds.js';
import type { Faults } from './faults.js';
import { boxUpdatesObject } from './objects.js';
import { packed } from './push-packing.js';
import type { Stats } from './stats.js';

interface Push {
  readonly channel: Channel;
  readonly events: readonly WorldEvent[];
  /** How often it is sent, each time under a message id of its own. */
  readonly copies: number;
}

/** Longest wait for a lot of reordered pushes to become full, in ms. */
const REORDER_MS = 1_000;

/**
 * Pushes events to every interested connection of the channel's members. Promised: in the order of the log, unless a
 * fault says otherwise; what was held goes out first once it is released. Not promised: delivery. A client that is away
 * fetches the difference.
 */
export class Publisher {
  #held: Push[] = [];
  #lot: Push[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(
    private readonly connections: ReadonlySet<Connection>,
    private readonly faults: Faults,
    private readonly stats: Stats,
  ) {}

  /** Several events go out as one container. `copies` repeats it under new message ids. */
  publish(channel: Channel, events: readonly WorldEvent[], copies = 1): void {
    if (!channel.access.pushed) return;
    const push = { channel, events, copies };
    const fault = this.faults.takePush(channel.id);
    switch (fault?.kind) {
      case 'dropPushes':
        return;
      case 'holdPushes':
        this.#held.push(push);
        return;
      case 'reorderPushes':
        this.#reorder(push, fault.window);
        return;
      case 'delayPushes':
        this.#later(fault.ms, () => {
          this.#send(push);
        });
        return;
      default:
        this.#send(push, fault);
    }
  }

  /** Tells an account what happened in its common box. */
  publishBox(userId: number, event: BoxEvent, chats: Parameters<typeof boxUpdatesObject>[1] = []): void {
    const bytes = boxUpdatesObject(event, chats).getBytes();
    for (const connection of this.connections)
      if (connection.receivesUpdates && connection.userId === userId) {
        connection.push([bytes]);
        this.stats.push();
      }
  }

  /** Sends what is held, as far as no other fault still holds it. */
  release(): void {
    const held = this.#held;
    this.#held = [];
    for (const { channel, events, copies } of held) this.publish(channel, events, copies);
    this.#sendLot();
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  get heldCount(): number {
    return this.#held.length;
  }

  #reorder(push: Push, window: number): void {
    this.#lot.push(push);
    if (this.#lot.length >= window) this.#sendLot();
    else if (this.#lot.length === 1)
      this.#later(REORDER_MS, () => {
        this.#sendLot();
      });
  }

  #sendLot(): void {
    const lot = this.#lot;
    this.#lot = [];
    for (const push of lot.toReversed()) this.#send(push);
  }

  #send({ channel, events, copies }: Push, fault?: PushFault): void {
    const receivers = [...this.connections].filter(
      ({ receivesUpdates, userId }) => receivesUpdates && userId !== null && isMember(channel.access, userId),
    );
    if (receivers.length === 0) return;
    const { bodies, times, repeats } = packed(this.faults, channel, events, fault);
    for (const connection of receivers) {
      for (let copy = 0; copy < copies * repeats; copy++) {
        const pushedAt = connection.push(bodies, { times });
        this.stats.push();
        for (const event of events) event.pushedAt ??= pushedAt;
      }
    }
  }

  #later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
  }
}
