import type { FaultWish } from '../../runtime/simulator/fault-kinds.js';
import { between, pick, type Random } from '../../runtime/simulator/random.js';

/** Parts of a stack that can be troubled. `gateway` is the process under systemd, `gateway-host` the machine it runs on. */
export type Part = 'gateway' | 'gateway-host' | 'consumer' | 'timescaledb' | 'pgbouncer' | 'rabbitmq' | 'redis';
/** SIGKILL, an orderly restart, frozen for a while, cut off from the network for a while; of a broker: no room on its disk. */
export type How = 'kill' | 'restart' | 'pause' | 'cut' | 'disk';

/** One thing that goes wrong, and for how long. */
export type Trouble =
  | { readonly on: 'telegram'; readonly kind: string; readonly wish: FaultWish; readonly forMs: number }
  | { readonly on: 'part'; readonly kind: string; readonly part: Part; readonly how: How; readonly forMs: number }
  | ({ readonly on: 'world'; readonly kind: string } & Arrival);

/** A channel comes and takes the place of another one, which stays as it is. */
export interface Arrival {
  /** Made with the account in it, or one with a past that the account joins. */
  readonly how: 'made' | 'joined';
  /** The gateway is killed first: only the list of channels tells it later. */
  readonly away: boolean;
  /** Whose place it takes: the remainder by the number of places. */
  readonly place: number;
}

type Draw = (random: Random) => FaultWish;

const DIFFERENCE = 'updates.GetChannelDifference';
const METHODS = [DIFFERENCE, 'updates.GetState', 'updates.GetDifference', 'messages.GetHistory', '*'] as const;
const INTERNAL = { code: 500, message: 'INTERNAL' };
/** Messages that a fault of pushes strikes. */
const few = (random: Random) => between(random, 1, 8);

/**
 * Every fault of the simulator but `migrateLogin`, which concerns a login; those that end an account are left out, because
 * the gateway stops for good then, and so are refusals of a channel, after which it is asked again ten minutes later.
 */
const TELEGRAM: Readonly<Record<string, Draw>> = {
  kick: () => ({ kind: 'kick' }),
  refuse: () => ({ kind: 'refuse' }),
  mute: () => ({ kind: 'mute' }),
  closeMidPacket: () => ({ kind: 'closeMidPacket', count: 1 }),
  transportError: () => ({ kind: 'transportError', code: 404, count: 1 }),
  clockSkew: (random) => ({ kind: 'clockSkew', offsetSeconds: pick(random, [-600, -40, 40, 600]) }),
  rotateSalt: () => ({ kind: 'rotateSalt' }),
  rpcError: (random) => ({
    kind: 'rpcError',
    method: pick(random, METHODS),
    ...INTERNAL,
    count: between(random, 1, 3),
  }),
  ptsOutdated: () => ({
    ...{ kind: 'rpcError', method: DIFFERENCE, code: 500, message: 'PERSISTENT_TIMESTAMP_OUTDATED', count: 1 },
  }),
  ptsInvalid: () => ({
    ...{ kind: 'rpcError', method: DIFFERENCE, code: 400, message: 'PERSISTENT_TIMESTAMP_INVALID', count: 1 },
  }),
  floodWait: (random) => ({
    ...{ kind: 'floodWait', method: pick(random, METHODS), seconds: between(random, 1, 3), count: 1 },
  }),
  errorInContainer: () => ({ kind: 'errorInContainer', method: '*', ...INTERNAL, count: 1 }),
  slow: (random) => ({ kind: 'slow', method: pick(random, METHODS), ms: between(random, 200, 3_000), count: 3 }),
  neverAnswer: (random) => ({ kind: 'neverAnswer', method: pick(random, METHODS), count: 1 }),
  tooLong: () => ({ kind: 'tooLong', count: 1 }),
  commonTooLong: () => ({ kind: 'commonTooLong', count: 1 }),
  unreadableDifference: () => ({ kind: 'unreadableDifference', count: 1 }),
  dropPushes: (random) => ({ kind: 'dropPushes', count: few(random) }),
  duplicatePushes: (random) => ({ kind: 'duplicatePushes', count: few(random), sameMessageId: random() < 0.5 }),
  holdPushes: () => ({ kind: 'holdPushes' }),
  reorderPushes: (random) => ({ kind: 'reorderPushes', window: between(random, 2, 6), count: few(random) }),
  delayPushes: (random) => ({ kind: 'delayPushes', ms: between(random, 100, 2_500), count: few(random) }),
  tooLongPushes: (random) => ({ kind: 'tooLongPushes', count: few(random) }),
  gzipPushes: (random) => ({ kind: 'gzipPushes', count: few(random) }),
  unknownInContainer: (random) => ({ kind: 'unknownInContainer', count: few(random) }),
  unreadablePushes: (random) => ({ kind: 'unreadablePushes', count: few(random) }),
};

const PARTS: readonly (readonly [Part, How])[] = [
  ['gateway', 'kill'],
  ['gateway', 'kill'],
  ['gateway', 'restart'],
  ['gateway', 'pause'],
  ['gateway-host', 'cut'],
  ['consumer', 'kill'],
  ['timescaledb', 'kill'],
  ['timescaledb', 'restart'],
  ['timescaledb', 'pause'],
  ['pgbouncer', 'restart'],
  ['pgbouncer', 'pause'],
  ['rabbitmq', 'restart'],
  ['rabbitmq', 'pause'],
  ['rabbitmq', 'cut'],
  ['redis', 'kill'],
  ['redis', 'pause'],
];

const ARRIVALS: Readonly<Record<string, Omit<Arrival, 'place'>>> = {
  'channel made': { how: 'made', away: false },
  'channel joined': { how: 'joined', away: false },
  'channel made while away': { how: 'made', away: true },
  'channel joined while away': { how: 'joined', away: true },
};

/**
 * What a run is troubled with: `all`, or what a client of Telegram alone can meet (`telegram`: its faults, and being
 * killed), so that a plain listener can run under the same schedule.
 */
export type Scope = 'all' | 'telegram';

/** Shuffled, so that a round of draws meets each kind once. */
export function deck(scope: Scope, random: Random): Trouble[] {
  const parts = PARTS.filter(([part, how]) => scope === 'all' || (part === 'gateway' && how === 'kill'));
  const cards = [
    ...Object.entries(TELEGRAM).map(([kind, draw]): Trouble => {
      return { on: 'telegram', kind, wish: draw(random), forMs: between(random, 500, 4_000) };
    }),
    ...parts.map(([part, how]): Trouble => {
      return { on: 'part', kind: `${part} ${how}`, part, how, forMs: between(random, 1_000, 8_000) };
    }),
    ...Object.entries(scope === 'all' ? ARRIVALS : {}).map(([kind, arrival]): Trouble => {
      return { on: 'world', kind, ...arrival, place: between(random, 0, 1_000) };
    }),
  ];
  return shuffled(cards, random);
}

/** Names of all kinds of a scope. */
export function kindsOf(scope: Scope): string[] {
  return [...new Set(deck(scope, () => 0).map(({ kind }) => kind))].sort();
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const rest = [...items];
  const order: T[] = [];
  while (rest.length > 0) order.push(...rest.splice(Math.floor(random() * rest.length), 1));
  return order;
}
