/**
 * What happens in a run, and when: pure, so that a seed is the whole of it.
 *
 * Promised: the same options give the same list; times grow within each list and stay inside the duration; every kind of
 *   trouble has had its turn before any comes again; edits and deletions name a post by its place among the newest.
 * Not promised: that a machine keeps to the times. What is late happens later, in the same order, so a replay makes the
 *   same world but does not meet the same microsecond.
 */
import { between, pick, seededRandom, type Random } from '../../runtime/simulator/random.js';
import { deck, type Scope, type Trouble } from './troubles.js';

/** One change of Telegram's world. `back` counts posts of the run that still stand, 0 the newest; `channel` is an index. */
export type Change =
  | { readonly do: 'post'; readonly channel: number; readonly text: string; readonly media: 'photo' | null }
  | { readonly do: 'album'; readonly channel: number; readonly size: number; readonly caption: string }
  | { readonly do: 'service'; readonly channel: number; readonly title: string }
  | { readonly do: 'edit'; readonly channel: number; readonly back: number; readonly text: string }
  | { readonly do: 'views'; readonly channel: number; readonly back: number; readonly views: number }
  | { readonly do: 'delete'; readonly channel: number; readonly back: readonly number[] };

export interface Timed<T> {
  /** Since the start of the run. */
  readonly atMs: number;
  readonly what: T;
}

export interface Schedule {
  readonly changes: readonly Timed<Change>[];
  readonly troubles: readonly Timed<Trouble>[];
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly durationMs: number;
  /** Posts per second; edits, deletions and the rest come on top. @default 20 */
  readonly rate?: number;
  /** Mean time from one trouble to the next. @default 4000 */
  readonly troubleEveryMs?: number;
  /** Channels that are posted to. @default CHANNELS */
  readonly channels?: number;
  /** @default all */
  readonly scope?: Scope;
}

/** Of a run. */
export const CHANNELS = 3;
/** Changes other than posts, per post. */
const SHARES = { edit: 0.2, delete: 0.05, views: 0.05, album: 0.01, service: 0.005 } as const;
/** Only posts as new as this are changed: the gateway reads again the 300 newest of a channel after a gap. */
const NEWEST = 60;
/** No trouble in the last part of a run, so that the last one is over when it ends. */
const CALM_MS = 3_000;
const SPECIALS = [
  'emoji 👩‍👩‍👧‍👦 🏳️‍🌈',
  'nul \u0000 inside',
  'half \ud800 a pair',
  'x'.repeat(4_000),
  '\u202eright to left',
] as const;

export function makeSchedule(options: ScheduleOptions): Schedule {
  const { seed, durationMs, rate = 20, troubleEveryMs = 4_000, channels = CHANNELS, scope = 'all' } = options;
  // Two streams: another rate of troubles leaves the world as it is.
  const changes = makeChanges(seededRandom(seed), { durationMs, rate, channels });
  const troubles = makeTroubles(seededRandom(seed ^ 0x5bd1e995), { durationMs, troubleEveryMs, scope });
  return { changes, troubles };
}

function makeChanges(random: Random, plan: { durationMs: number; rate: number; channels: number }): Timed<Change>[] {
  const changes: Timed<Change>[] = [];
  const posts = Math.floor((plan.durationMs * plan.rate) / 1_000);
  for (let number = 0; number < posts; number++) {
    const atMs = Math.floor((number * 1_000) / plan.rate);
    const channel = between(random, 0, plan.channels - 1);
    changes.push({ atMs, what: post(random, channel, number) });
    for (const [kind, share] of Object.entries(SHARES) as [keyof typeof SHARES, number][])
      if (random() < share) changes.push({ atMs, what: other(random, kind, between(random, 0, plan.channels - 1)) });
  }
  return changes;
}

function post(random: Random, channel: number, number: number): Change {
  const chance = random();
  if (chance < 0.02) return { do: 'post', channel, text: '', media: 'photo' };
  const text = chance < 0.06 ? `${String(number)} ${pick(random, SPECIALS)}` : `message ${String(number)}`;
  return { do: 'post', channel, text, media: null };
}

function other(random: Random, kind: keyof typeof SHARES, channel: number): Change {
  const back = between(random, 0, NEWEST - 1);
  const number = String(between(random, 1, 1_000_000));
  switch (kind) {
    case 'edit':
      return { do: 'edit', channel, back, text: `edited ${number}` };
    case 'views':
      return { do: 'views', channel, back, views: Number(number) };
    case 'delete':
      return { do: 'delete', channel, back: Array.from({ length: between(random, 1, 3) }, (_, n) => back + n) };
    case 'album':
      return { do: 'album', channel, size: between(random, 2, 4), caption: `album ${number}` };
    case 'service':
      return { do: 'service', channel, title: `Channel ${String(channel)} ${number}` };
  }
}

function makeTroubles(
  random: Random,
  plan: { durationMs: number; troubleEveryMs: number; scope: Scope },
): Timed<Trouble>[] {
  const troubles: Timed<Trouble>[] = [];
  let cards: Trouble[] = [];
  const pause = () => between(random, Math.floor(plan.troubleEveryMs / 2), Math.floor(plan.troubleEveryMs * 1.5));
  for (let atMs = pause(); atMs < plan.durationMs - CALM_MS; atMs += Math.max(1, pause())) {
    if (cards.length === 0) cards = deck(plan.scope, random);
    const what = cards.pop();
    if (what) troubles.push({ atMs, what });
  }
  return troubles;
}
