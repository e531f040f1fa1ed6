import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { setImmediate as turn } from 'node:timers/promises';
import { Pipeline } from '../../../runtime/gateway/pipeline.js';
import { TelegramError, type ChannelUpdate } from '../../../runtime/telegram/client.js';
import { logger } from './support/bench.js';
import { MemoryStore } from './support/memory-store.js';
import { ModelPort, ModelWorld, type ModelChannel } from './support/model-world.js';
import { waitFor } from './support/wait-for.js';
import { noSecondChance } from '../../support/no-second-chance.js';

noSecondChance();

const IMPATIENT = { pollMs: 20, auditMs: 20, reloadMs: 10, tickMs: 2, pauseMs: 5 };
const RETRY = { first: 1, longest: 5, gone: 10 };
const ERRORS = {
  transient: () => new TelegramError('transient', 'INTERNAL'),
  timeout: () => new TelegramError('timeout', 'slow'),
  invalid: () => new TelegramError('pts-invalid', 'PERSISTENT_TIMESTAMP_INVALID'),
  gone: () => new TelegramError('channel-gone', 'CHANNEL_PRIVATE'),
  unreadable: () => new TelegramError('unreadable', 'TYPE_NOT_FOUND'),
};

const channelName = fc.constantFrom('11', '22');
const delivery = fc.constantFrom('push', 'push', 'push', 'drop', 'twice', 'hold', 'notice');
const id = fc.integer({ min: 1, max: 30 });
const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('post' as const), channel: channelName, delivery }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('edit' as const),
      channel: channelName,
      delivery,
      id,
      text: fc.integer({ max: 3, min: 0 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('views' as const), channel: channelName, delivery, id }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('delete' as const),
      channel: channelName,
      delivery,
      ids: fc.array(id, { maxLength: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      method: fc.constantFrom('getChannelDifference' as const, 'getHistory' as const, 'getMessages' as const),
      error: fc.constantFrom(...(Object.keys(ERRORS) as (keyof typeof ERRORS)[])),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose answer' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('database' as const), away: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('forget' as const),
      channel: channelName,
      maxAge: fc.integer({ min: 1, max: 20 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), reverse: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stop' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('start' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('pause' as const), channel: channelName, paused: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), turns: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clock' as const) }) },
);
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

/** Telegram's world, the gateway's pipeline and its store in one process, under a schedule of everything that goes wrong. */
class Oracle {
  readonly world = new ModelWorld('11', '22');
  readonly store = new MemoryStore();
  readonly held: ChannelUpdate[] = [];
  pipeline = this.#start();
  #stopped = false;

  async run(actions: readonly Action[]): Promise<void> {
    await waitFor('the channels are known', () => this.pipeline.channelsKnown);
    for (const one of actions) await this.#do(one);
    await this.#heal();
  }

  async #do(one: Action): Promise<void> {
    switch (one.do) {
      case 'post':
        this.#deliver(
          this.world.channel(one.channel).post(`post ${String(this.world.channel(one.channel).lastId)}`).push,
          one.delivery,
        );
        return;
      case 'edit':
        this.#deliver(this.world.channel(one.channel).edit(one.id, `text ${String(one.text)}`)?.push, one.delivery);
        return;
      case 'views':
        this.#deliver(this.world.channel(one.channel).edit(one.id, null)?.push, one.delivery);
        return;
      case 'delete':
        this.#deliver(this.world.channel(one.channel).remove(one.ids)?.push, one.delivery);
        return;
      case 'fail':
        this.world.fail(one.method, ERRORS[one.error]());
        return;
      case 'lose answer':
        this.store.loseAnswers += 1;
        return;
      case 'database':
        this.store.offline = one.away;
        return;
      case 'forget':
        this.world.channel(one.channel).maxAge = one.maxAge;
        return;
      case 'release':
        this.#release(one.reverse);
        return;
      case 'stop':
        this.store.offline = false;
        await this.#stop();
        return;
      case 'start':
        this.#startAgain();
        return;
      case 'pause':
        this.#pause(one.channel, one.paused);
        return;
      case 'wait':
        for (let left = one.turns; left > 0; left -= 1) await turn();
        return;
      case 'clock':
        this.world.seconds += 1;
    }
  }

  #deliver(update: ChannelUpdate | undefined, how: string): void {
    if (!update || how === 'drop') return;
    if (how === 'hold') this.held.push(update);
    else if (how === 'notice') this.world.push({ tooLong: [{ channelId: update.channelId, pts: update.pts }] });
    else this.world.push({ updates: [update] });
    if (how === 'twice') this.world.push({ updates: [update] });
  }

  #release(reverse: boolean): void {
    const held = this.held.splice(0);
    for (const update of reverse ? held.reverse() : held) this.world.push({ updates: [update] });
  }

  #pause(channelId: string, paused: boolean): void {
    const channel = this.store.channels.get(channelId);
    if (channel) this.store.channels.set(channelId, { ...channel, status: paused ? 'paused' : 'active' });
  }

  async close(): Promise<void> {
    this.store.offline = false;
    await this.#stop();
  }

  async #stop(): Promise<void> {
    if (!this.#stopped) await this.pipeline.close();
    this.#stopped = true;
  }

  #startAgain(): void {
    if (this.#stopped) this.pipeline = this.#start();
    this.#stopped = false;
  }

  /** The gateway learns of what it missed, and then nothing goes wrong any more. */
  async #heal(): Promise<void> {
    this.store.offline = false;
    this.#startAgain();
    await waitFor('every channel was asked', () => this.pipeline.channelsKnown && this.#quiet());
    this.store.loseAnswers = 0;
    this.world.failures.clear();
    for (const channel of this.world.channels.values()) {
      channel.maxAge = Infinity;
      this.#pause(channel.id, false);
    }
    await waitFor('everything is read', () => this.#open().length === 0).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${this.#open().join('; ')}`);
    });
  }

  /** What is still to be done, in words. */
  #open(): string[] {
    const missing = [...this.world.channels.keys()].filter(
      (id) => !this.pipeline.workers.some(({ state }) => state.id === id),
    );
    const busy = this.pipeline.workers.filter(({ idle, state }) => !idle || state.backfill !== null);
    const behind = [...this.world.channels.values()].filter((channel) => !this.#caughtUp(channel));
    return [
      ...missing.map((id) => `nobody reads ${id}`),
      ...busy.map(
        ({ state, dirty, gone }) => `${state.id}: ${JSON.stringify({ dirty, gone, backfill: state.backfill })}`,
      ),
      ...behind.map(
        ({ id, pts }) => `${id} is at ${String(pts)}, stored ${JSON.stringify(this.store.channels.get(id))}`,
      ),
    ];
  }

  #quiet(): boolean {
    return this.pipeline.workers.every(({ idle, state }) => idle && state.backfill === null);
  }

  #caughtUp({ id, pts }: ModelChannel): boolean {
    const stored = this.store.channels.get(id);
    return stored?.pts === pts && stored.reconciledId === stored.lastMessageId;
  }

  #start(): Pipeline {
    const pipeline = new Pipeline({
      accountId: 'default',
      createPort: () => new ModelPort(this.world),
      store: this.store,
      sinks: [],
      logger,
      onFatal: (error) => {
        throw error;
      },
      capacity: 6,
      intervals: IMPATIENT,
      retryMs: RETRY,
    });
    pipeline.start();
    return pipeline;
  }
}

/** What is wrong with a channel, in words; empty when database and world are the same. */
function faults({ world, store }: Oracle, id: string): string[] {
  const wrong: string[] = [];
  for (const message of world.channel(id).messages.values()) {
    const texts = store.texts(id, message.id);
    const name = `${id}:${String(message.id)}`;
    const newest = message.texts.at(-1);
    if (!message.deleted && texts.at(-1) !== newest)
      wrong.push(`${name} is "${String(texts.at(-1))}", not "${String(newest)}"`);
    if (!message.deleted && store.isDeleted(id, message.id)) wrong.push(`${name} was never deleted`);
    if (message.deleted && texts.length > 0 && !store.isDeleted(id, message.id)) wrong.push(`${name} still stands`);
    if (texts.some((text) => !message.texts.includes(text))) wrong.push(`${name} never said that`);
    if (texts.some((text, index) => index > 0 && text === texts[index - 1])) wrong.push(`${name} has a version twice`);
  }
  return [...wrong, ...wrongEvents(store, id)];
}

/** Events of one message: created, then edits, then the deletion, numbered without a gap. */
function wrongEvents(store: MemoryStore, id: string): string[] {
  const seen = new Map<string, string[]>();
  for (const { event } of store.events.filter((one) => one.event.channelId === id))
    seen.set(event.messageId, [...(seen.get(event.messageId) ?? []), `${event.kind} ${String(event.version)}`]);
  return [...seen].flatMap(([messageId, events]) => {
    const copies = store
      .texts(id, messageId)
      .map((_text, index) => `message.${index === 0 ? 'created' : 'edited'} ${String(index + 1)}`);
    const end = store.isDeleted(id, messageId) ? [`message.deleted ${String(copies.length + 1)}`] : [];
    const wanted = [...copies, ...end].join(', ');
    return events.join(', ') === wanted ? [] : [`events of ${id}:${messageId}: ${events.join(', ')}`];
  });
}

describe('oracle', () => {
  it('R2 R4 the database becomes the world, whatever is lost, late, twice, refused or restarted on the way', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 120, size: 'max' }), async (actions) => {
        const oracle = new Oracle();
        try {
          await oracle.run(actions);
          expect([...oracle.world.channels.keys()].flatMap((id) => faults(oracle, id))).toEqual([]);
        } finally {
          await oracle.close();
        }
      }),
      {
        numRuns: Number(process.env['ORACLE_RUNS'] ?? 25),
        endOnFailure: true,
        ...(process.env['ORACLE_SEED']
          ? { seed: Number(process.env['ORACLE_SEED']), path: process.env['ORACLE_PATH'] ?? '' }
          : {}),
      },
    );
  }, 300_000);
});
