/**
 * One run: a schedule against a running stack, and the verdict of the oracle.
 *
 * Promised: it ends, after the duration and at most the time to settle; whatever was harmed is whole again afterwards,
 *   also after an error or an interruption, and nothing of the run stays in the stack but its messages.
 * Not promised: that troubles keep to their times. One part is troubled at a time, and what is still due when the duration
 *   is over does not happen; `faults` counts what did, by the simulator's own word.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { BrokerOptions } from '../../runtime/queue/connection.js';
import { residentMb } from '../resident-memory.js';
import { effects, inRanges, outcomes, storedMessages, type Effects } from './facts.js';
import { GROUP, Group, WITNESS_QUEUE, type GroupOptions } from './group.js';
import { follow } from './lane.js';
import type { Finding } from './evidence.js';
import { flawless, judge, type Verdict } from './oracle.js';
import { Parts, type Access } from './parts.js';
import { recoveries, type Ended } from './recovery.js';
import { CHANNELS, type Schedule } from './schedule.js';
import { settle } from './settle.js';
import type { Trouble } from './troubles.js';
import { Witness } from './witness.js';
import { World } from './world.js';

export interface StackUnderTest extends Access, Omit<GroupOptions, 'broker'> {
  readonly broker: BrokerOptions;
  /** Control API of the simulator. */
  readonly controlUrl: string;
  /** `/metrics` of the gateway. */
  readonly gatewayMetricsUrl: string;
}

export interface RunOptions {
  /** Told again in the result. */
  readonly seed: number;
  readonly schedule: Schedule;
  /** After which no trouble begins any more. */
  readonly durationMs: number;
  /** Longest wait, after the schedule, for everything to arrive. */
  readonly settleMs: number;
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface RunResult extends Omit<Verdict, 'findings'> {
  readonly seed: number;
  readonly seconds: number;
  /** What went wrong, by kind: faults that struck, and harm that was done to parts. */
  readonly faults: Readonly<Record<string, number>>;
  /** By kind: faults of Telegram that met nothing while they lasted, and harm that Docker or the host refused to do. */
  readonly unmet: Readonly<Record<string, number>>;
  /** From the end of the schedule until nothing was missing. */
  readonly settledMs: number;
  /** By kind: from the end of the trouble until a message posted after it was handled; median and worst. */
  readonly recoveryMs: Readonly<Record<string, { readonly median: number; readonly worst: number }>>;
  /** Resident memory of the gateway, in MiB; null where it did not answer. */
  readonly gatewayMb: { readonly before: number | null; readonly after: number | null };
  /** Methods that the gateway called and the simulator does not have. */
  readonly unimplemented: readonly string[];
  readonly findings: readonly Finding[];
}

const LOOK_AGAIN_MS = 2_000;
/** What is flawless must still be so after this long, or something was only late. */
const STILL_SO_MS = 5_000;

/** What happened when: for whoever wants to know more than the result tells. */
export interface Story {
  readonly troubles: readonly Ended[];
  /** ms since the epoch, by `channel:message`. */
  readonly postedAt: ReadonlyMap<string, number>;
  /** Of the first effect, ms since the epoch, by event id. */
  readonly handledAt: ReadonlyMap<string, number>;
}

export async function runChaos(
  stack: StackUnderTest,
  options: RunOptions,
): Promise<{ readonly result: RunResult; readonly story: Story }> {
  const world = new World(stack.controlUrl);
  const parts = new Parts(stack);
  const group = new Group(stack);
  const { generatorRate } = await world.stats();
  await world.setGenerator(0);
  try {
    await world.begin(CHANNELS);
    await group.begin();
    return await new Run(stack, options, { world, parts }).perform();
  } finally {
    const steps = [
      () => world.heal(),
      () => parts.restore(),
      () => group.end(),
      () => group.remove(),
      () => world.setGenerator(generatorRate),
    ];
    // Each, whatever became of the others.
    for (const step of steps)
      await step().catch((error: unknown) => {
        options.note(`cannot clean up: ${String(error)}`);
      });
  }
}

interface Look {
  readonly verdict: Verdict;
  readonly done: Effects;
}

class Run {
  readonly #witness: Witness;
  readonly #faults: Record<string, number> = {};
  readonly #unmet: Record<string, number> = {};
  readonly #ended: Ended[] = [];
  readonly #under = new Set<Promise<void>>();

  constructor(
    private readonly stack: StackUnderTest,
    private readonly options: RunOptions,
    private readonly on: { readonly world: World; readonly parts: Parts },
  ) {
    this.#witness = new Witness(stack.broker, WITNESS_QUEUE);
  }

  async perform(): Promise<{ result: RunResult; story: Story }> {
    const before = await residentMb(this.stack.gatewayMetricsUrl);
    const startedAt = performance.now();
    await this.#schedule(startedAt);
    this.options.signal.throwIfAborted();
    const settling = performance.now();
    const { found, goodAt } = await settle({
      look: () => this.#look(),
      good: ({ verdict }) => flawless(verdict),
      ...{ longestMs: this.options.settleMs, againMs: LOOK_AGAIN_MS, stillMs: STILL_SO_MS },
      signal: this.options.signal,
    });
    const { verdict, done } = found;
    const { unimplemented } = await this.on.world.stats();
    const { postedAt } = this.on.world;
    const result = {
      seed: this.options.seed,
      ...verdict,
      faults: this.#faults,
      unmet: this.#unmet,
      seconds: Math.round((settling - startedAt) / 1_000),
      settledMs: Math.round(goodAt - settling),
      recoveryMs: recoveries(this.#ended, postedAt, done.at),
      gatewayMb: { before, after: await residentMb(this.stack.gatewayMetricsUrl) },
      unimplemented,
    };
    return { result, story: { troubles: this.#ended, postedAt, handledAt: done.at } };
  }

  async #schedule(startedAt: number): Promise<void> {
    const { world } = this.on;
    const { signal, durationMs } = this.options;
    const { changes, troubles } = this.options.schedule;
    const over = AbortSignal.any([signal, AbortSignal.timeout(durationMs)]);
    // A machine that cannot keep the rate posts less.
    const late = AbortSignal.any([signal, AbortSignal.timeout(2 * durationMs)]);
    const faults = troubles.filter(({ what }) => what.on === 'telegram');
    await Promise.all([
      follow({ list: changes, startedAt, signal: late, perform: (change) => world.change(change) }),
      follow({ list: faults, startedAt, signal: over, perform: (trouble) => this.#injure(trouble) }),
      follow({
        ...{ list: troubles.filter(({ what }) => what.on !== 'telegram'), startedAt, signal: over },
        perform: async (trouble) => {
          this.options.note(trouble.kind);
          const from = Date.now();
          try {
            await this.#trouble(trouble);
          } catch (error) {
            // A machine under load may refuse to freeze a container: the run goes on without that trouble.
            this.options.note(`${trouble.kind} could not be done: ${String(error)}`);
            count(this.#unmet, trouble.kind);
            return;
          }
          count(this.#faults, trouble.kind);
          this.#ended.push({ kind: trouble.kind, from, at: Date.now() });
        },
      }),
    ]);
    await Promise.all(this.#under);
    await world.heal();
    this.options.note('schedule done, waiting for everything to arrive');
  }

  async #trouble(trouble: Trouble): Promise<void> {
    const { world, parts } = this.on;
    if (trouble.on === 'part') await parts.harm(trouble.part, trouble.how, trouble.forMs);
    if (trouble.on !== 'world') return;
    if (trouble.away) await parts.harm('gateway', 'kill', 0);
    await world.arrive(trouble);
  }

  /** A fault of Telegram lasts while others begin. */
  async #injure(trouble: Trouble): Promise<void> {
    if (trouble.on !== 'telegram') return;
    this.options.note(trouble.kind);
    const from = Date.now();
    const heal = await this.on.world.injure(trouble.wish);
    const lasting = delay(trouble.forMs)
      .then(heal)
      .then((struck) => {
        count(struck ? this.#faults : this.#unmet, trouble.kind);
        if (struck) this.#ended.push({ kind: trouble.kind, from, at: Date.now() });
        this.#under.delete(lasting);
      });
    this.#under.add(lasting);
  }

  async #look(): Promise<Look> {
    const { sql } = this.stack;
    const { world } = this.on;
    const { ranges } = world;
    await this.#witness.read();
    const own = [...this.#witness.events].filter(([id]) => inRanges(id, ranges));
    const done = await effects(sql, ranges);
    const verdict = judge({
      truth: await world.truth(),
      stored: await storedMessages(sql, ranges),
      published: new Map(own),
      effects: { [GROUP]: done.counts, default: await outcomes(sql, ranges) },
      ...(await world.kept()),
    });
    return { verdict, done };
  }
}

function count(counts: Record<string, number>, kind: string): void {
  counts[kind] = (counts[kind] ?? 0) + 1;
}
