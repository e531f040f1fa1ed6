import { z } from 'zod';

const count = z.number().int().min(1).optional().describe('How often; without it until it is removed.');
const seconds = z.number().positive().optional().describe('For how long; without it until it is removed.');
const channelId = z.string().regex(/^\d+$/).optional().describe('Of this channel only; without it of all.');
const method = z.string().min(1).describe('Full name such as updates.GetChannelDifference, or * for all.');

/** Every fault that can be injected. A new one is a row here and one question at the place where it strikes. */
export const FAULTS = {
  kick: z.object({ kind: z.literal('kick') }).describe('Closes every connection, once.'),
  refuse: z.object({ kind: z.literal('refuse'), seconds }).describe('Closes new connections at once.'),
  mute: z.object({ kind: z.literal('mute'), seconds }).describe('Half-open: reads everything, sends nothing.'),
  rpcError: z
    .object({
      kind: z.literal('rpcError'),
      method,
      code: z.number().int(),
      message: z.string().min(1),
      count,
    })
    .describe('Answers a method with an error, for example 420 FLOOD_WAIT_3 or 400 CHANNEL_PRIVATE.'),
  floodWait: z
    .object({ kind: z.literal('floodWait'), method, seconds: z.number().int().min(1), count })
    .describe('Answers a method with 420 FLOOD_WAIT_<seconds>.'),
  dropPushes: z.object({ kind: z.literal('dropPushes'), channelId, count }).describe('Pushes nothing; the log has it.'),
  duplicatePushes: z
    .object({ kind: z.literal('duplicatePushes'), channelId, count })
    .describe('Pushes everything twice.'),
  holdPushes: z.object({ kind: z.literal('holdPushes'), channelId }).describe('Holds pushes back until it is removed.'),
} as const;

export const faultSchema = z.discriminatedUnion('kind', [
  FAULTS.kick,
  FAULTS.refuse,
  FAULTS.mute,
  FAULTS.rpcError,
  FAULTS.floodWait,
  FAULTS.dropPushes,
  FAULTS.duplicatePushes,
  FAULTS.holdPushes,
]);
export type Fault = z.output<typeof faultSchema>;

export interface ActiveFault {
  readonly id: number;
  readonly fault: Fault;
  /** How often it will still strike; null is until removed. */
  remaining: number | null;
  /** `performance.now()` at which it ends by itself; null is never. */
  readonly endsAt: number | null;
}

export type PushPlan = 'send' | 'twice' | 'drop' | 'hold';

/** What faults do at once, beside waiting to be asked. */
export interface FaultActions {
  /** Closes every connection. */
  kick(): void;
  /** Sends what was held back and is held no longer. */
  release(): void;
}

/** The faults in force. The parts of the simulator ask; only this class knows counts and ends. */
export class Faults {
  readonly #active = new Map<number, ActiveFault>();
  #nextId = 1;

  constructor(private readonly actions: FaultActions) {}

  inject(fault: Fault): ActiveFault {
    const active: ActiveFault = {
      id: this.#nextId++,
      fault,
      remaining: 'count' in fault ? (fault.count ?? null) : null,
      endsAt:
        (fault.kind === 'refuse' || fault.kind === 'mute') && fault.seconds !== undefined
          ? performance.now() + fault.seconds * 1_000
          : null,
    };
    if (fault.kind === 'kick') this.actions.kick();
    else this.#active.set(active.id, active);
    return active;
  }

  /** Removes one fault or all; what was held is sent. False when there is no such fault. */
  clear(id?: number): boolean {
    const found = id === undefined || this.#active.delete(id);
    if (id === undefined) this.#active.clear();
    this.actions.release();
    return found;
  }

  list(): readonly ActiveFault[] {
    return [...this.#active.values()].filter((active) => !this.#ended(active));
  }

  get refusing(): boolean {
    return this.#first((fault) => fault.kind === 'refuse') !== undefined;
  }

  get muted(): boolean {
    return this.#first((fault) => fault.kind === 'mute') !== undefined;
  }

  /** The error that a call must be answered with, if any; counts. */
  takeRpcError(name: string): { code: number; message: string } | undefined {
    const active = this.#first(
      (fault) => (fault.kind === 'rpcError' || fault.kind === 'floodWait') && [name, '*'].includes(fault.method),
    );
    if (active === undefined) return undefined;
    this.#use(active);
    const { fault } = active;
    if (fault.kind === 'rpcError') return { code: fault.code, message: fault.message };
    if (fault.kind === 'floodWait') return { code: 420, message: `FLOOD_WAIT_${String(fault.seconds)}` };
    return undefined;
  }

  /** What becomes of one push of a channel; counts. The oldest fault that fits decides. */
  takePushPlan(channel: number): PushPlan {
    const active = this.#first(
      (fault) =>
        (fault.kind === 'dropPushes' || fault.kind === 'duplicatePushes' || fault.kind === 'holdPushes') &&
        (fault.channelId === undefined || fault.channelId === String(channel)),
    );
    if (active === undefined) return 'send';
    this.#use(active);
    if (active.fault.kind === 'dropPushes') return 'drop';
    return active.fault.kind === 'holdPushes' ? 'hold' : 'twice';
  }

  #first(fits: (fault: Fault) => boolean): ActiveFault | undefined {
    for (const active of this.#active.values()) if (!this.#ended(active) && fits(active.fault)) return active;
    return undefined;
  }

  #ended({ endsAt }: ActiveFault): boolean {
    return endsAt !== null && performance.now() >= endsAt;
  }

  #use(active: ActiveFault): void {
    if (active.remaining === null) return;
    active.remaining--;
    if (active.remaining === 0) this.#active.delete(active.id);
  }
}
