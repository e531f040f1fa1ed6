import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { setImmediate as turn } from 'node:timers/promises';
import { OutboxRelay, type EventPublisher, type OutboxStore } from '../../../runtime/queue/outbox.js';
import type { StoredEvent } from '../../../runtime/ingest/message-store.js';
import type { TelegramEvent } from '../../../runtime/events.js';
import { hearing } from '../../support/heard.js';
import { range, storedEvent } from '../../support/messages.js';

/** An outbox in memory: what the relay promises, it promises for any store that behaves like this. */
class MemoryOutbox implements OutboxStore {
  readonly rows = new Map<string, StoredEvent>();
  /** Rows whose message is gone. */
  readonly orphans = new Set<string>();
  /** How many of the next statements of a kind fail. */
  readonly failures = { claim: 0, remove: 0 };

  insert(...events: StoredEvent[]): void {
    for (const event of events) this.rows.set(event.outboxId, event);
  }

  claim({ limit, exclude }: { limit: number; exclude: readonly string[] }) {
    const unseen = (id: string) => !exclude.includes(id);
    const events = [...this.rows.values()].filter(({ outboxId }) => unseen(outboxId)).slice(0, limit);
    return this.#answer('claim', { events, orphans: [...this.orphans].filter(unseen) });
  }

  async remove(ids: readonly string[]): Promise<void> {
    await this.#answer('remove', undefined);
    for (const id of ids) {
      this.rows.delete(id);
      this.orphans.delete(id);
    }
  }

  stats() {
    return Promise.resolve({ pending: this.rows.size, age: 0 });
  }

  #answer<T>(kind: 'claim' | 'remove', answer: T): Promise<T> {
    if (this.failures[kind] === 0) return Promise.resolve(answer);
    this.failures[kind] -= 1;
    return Promise.reject(new Error('the database is away'));
  }
}

/** A broker that answers when it is told to. */
class HeldPublisher implements EventPublisher {
  readonly connected = true;
  readonly sent: TelegramEvent[] = [];
  readonly #open: { event: TelegramEvent; resolve: () => void; reject: (error: Error) => void }[] = [];

  get unconfirmed(): number {
    return this.#open.length;
  }

  onConnected(): void {}

  publishMessage(event: TelegramEvent): Promise<void> {
    this.sent.push(event);
    return new Promise((resolve, reject) => this.#open.push({ event, resolve, reject }));
  }

  async answer(count: number, ok: (event: TelegramEvent) => boolean = () => true): Promise<void> {
    for (const { event, resolve, reject } of this.#open.splice(0, count)) {
      if (ok(event)) resolve();
      else reject(new Error('refused'));
    }
    await turn();
  }
}

function makeRelay() {
  const store = new MemoryOutbox();
  const queue = new HeldPublisher();
  const { logger, said } = hearing();
  return { store, queue, said, relay: new OutboxRelay({ accountId: 'test', store, queue, logger }) };
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 2_000) throw new Error('never came true');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('R3 relay', () => {
  it('R3 has at most 500 unconfirmed in all, and lets every channel have its turn', async () => {
    const { store, queue, relay } = makeRelay();
    store.insert(...range(450).map((n) => storedEvent('1', n)), ...range(450, 451).map((n) => storedEvent('2', n)));
    relay.start();
    await until(() => queue.unconfirmed === 500);
    // Fifty rows of the second channel are in the first page: they do not wait for the 450 before them.
    expect(queue.sent.slice(0, 100).filter(({ channelId }) => channelId === '2')).toHaveLength(50);
    await queue.answer(100);
    expect(queue.unconfirmed).toBe(500);
    while (queue.unconfirmed > 0) await queue.answer(500);
    await until(() => store.rows.size === 0);
    expect(queue.sent).toHaveLength(900);
    await relay.stop();
  });

  it('R3 sends every row of a channel in order, whichever rows are refused once', async () => {
    const scenario = fc.array(fc.boolean(), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(scenario, async (refusals) => {
        const { store, queue, relay } = makeRelay();
        store.insert(...range(refusals.length).map((n) => storedEvent('1', n)));
        relay.start();
        const refused = new Set<string>();
        const confirmed: number[] = [];
        const ok = (event: TelegramEvent) => {
          const once = refusals[Number(event.messageId) - 1] === true && !refused.has(event.id);
          if (once) refused.add(event.id);
          else confirmed.push(Number(event.messageId));
          return !once;
        };
        await until(() => queue.unconfirmed > 0);
        const window = queue.unconfirmed;
        while (confirmed.length < refusals.length) {
          await until(() => queue.unconfirmed > 0);
          await queue.answer(1, ok);
        }
        await relay.stop();
        expect(store.rows.size).toBe(0);
        expect([...confirmed].sort((a, b) => a - b)).toEqual(range(refusals.length));
        // Once the first window is through, nothing overtakes.
        const later = confirmed.slice(window);
        expect(later).toEqual([...later].sort((a, b) => a - b));
      }),
      { numRuns: 5 },
    );
  });

  it('R3 reads the outbox again when the database did not answer', async () => {
    const { store, queue, relay, said } = makeRelay();
    store.insert(storedEvent('1', 1));
    store.failures.claim = 1;
    relay.start();
    await until(() => queue.unconfirmed === 1);
    expect(said).toEqual(['outbox could not be read']);
    await queue.answer(1);
    await relay.stop();
    expect(store.rows.size).toBe(0);
  });

  it('R3 removes a confirmed row later when the database does not take it now, and sends it once', async () => {
    const { store, queue, relay, said } = makeRelay();
    store.insert(storedEvent('1', 1));
    relay.start();
    await until(() => queue.unconfirmed === 1);
    store.failures.remove = 1;
    await queue.answer(1);
    await until(() => store.rows.size === 0);
    expect(said).toEqual(['confirmed rows could not be removed yet']);
    expect(queue.sent).toHaveLength(1);
    await relay.stop();
  });

  it('R3 drops a row whose message is gone, and says so', async () => {
    const { store, queue, relay, said } = makeRelay();
    store.orphans.add('7');
    store.insert(storedEvent('1', 8));
    relay.start();
    await until(() => queue.unconfirmed === 1);
    await queue.answer(1);
    await until(() => store.rows.size + store.orphans.size === 0);
    expect(said).toEqual(['outbox rows without a message were dropped']);
    await relay.stop();
  });

  it('R3 waits for the confirms under way when it stops, and removes their rows', async () => {
    const { store, queue, relay } = makeRelay();
    store.insert(storedEvent('1', 1), storedEvent('1', 2));
    relay.start();
    await until(() => queue.unconfirmed === 2);
    const stopping = relay.stop();
    expect(store.rows.size).toBe(2);
    await queue.answer(2);
    await stopping;
    expect(store.rows.size).toBe(0);
  });

  it('R3 stops at once while a channel is halted, and leaves its rows to the next start', async () => {
    const { store, queue, relay } = makeRelay();
    store.insert(storedEvent('1', 1), storedEvent('1', 2));
    relay.start();
    await until(() => queue.unconfirmed === 2);
    await queue.answer(2, () => false);
    await relay.stop();
    expect(store.rows.size).toBe(2);
    expect(queue.sent).toHaveLength(2);
  });
});
