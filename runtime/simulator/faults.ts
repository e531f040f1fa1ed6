import {
  faultSchema,
  PUSH_FAULTS,
  type Fault,
  type FaultKind,
  type FaultOf,
  type FaultWish,
  type PushFault,
} from './fault-kinds.js';

export interface ActiveFault {
  readonly id: number;
  readonly fault: Fault;
  /** How often it will still strike; null is until removed. */
  remaining: number | null;
  /** `performance.now()` at which it ends by itself; null is never. */
  readonly endsAt: number | null;
}

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
  readonly #struck = new Map<FaultKind, number>();
  #nextId = 1;
  #saltEpoch = 0;

  constructor(private readonly actions: FaultActions) {}

  inject(wish: FaultWish): ActiveFault {
    const fault = faultSchema.parse(wish);
    const active: ActiveFault = {
      id: this.#nextId++,
      fault,
      remaining: 'count' in fault ? (fault.count ?? null) : null,
      endsAt:
        (fault.kind === 'refuse' || fault.kind === 'mute') && fault.seconds !== undefined
          ? performance.now() + fault.seconds * 1_000
          : null,
    };
    if (fault.kind === 'rotateSalt') this.#saltEpoch++;
    if (fault.kind === 'kick' || fault.kind === 'rotateSalt') this.#count(fault.kind);
    else this.#active.set(active.id, active);
    if (fault.kind === 'kick' || fault.kind === 'clockSkew') this.actions.kick();
    return active;
  }

  /** Removes one fault or all; what was held is sent. False when there is no such fault. */
  clear(id?: number): boolean {
    const skewed = this.skewMs;
    const found = id === undefined || this.#active.delete(id);
    if (id === undefined) this.#active.clear();
    this.actions.release();
    if (skewed !== this.skewMs) this.actions.kick();
    return found;
  }

  list(): readonly ActiveFault[] {
    return [...this.#active.values()].filter((active) => !ended(active));
  }

  /** How often each kind has struck; `refuse`, `mute` and `clockSkew` count what they did to packets and connections. */
  get struck(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#struck);
  }

  get refusing(): boolean {
    return this.#first('refuse') !== undefined;
  }

  get muted(): boolean {
    return this.#first('mute') !== undefined;
  }

  /** How far the server's clock is off, in ms. */
  get skewMs(): number {
    return (this.#first('clockSkew')?.fault.offsetSeconds ?? 0) * 1_000;
  }

  /** Changes with every rotation of salts. */
  get saltEpoch(): number {
    return this.#saltEpoch;
  }

  /** A fault of that kind, if one is in force and fits; counts. The oldest comes first. */
  take<K extends FaultKind>(kind: K, fits?: (fault: FaultOf<K>) => boolean): FaultOf<K> | undefined {
    const active = this.#first(kind, fits);
    if (active) this.#use(active);
    return active?.fault;
  }

  /** The error that a call must be answered with, if any; counts. */
  takeRpcError(method: string, channel?: string): { code: number; message: string } | undefined {
    const error = this.take('rpcError', (fault) => strikes(fault, method, channel));
    if (error) return { code: error.code, message: error.message };
    const flood = this.take('floodWait', (fault) => strikes(fault, method, channel));
    return flood && { code: 420, message: `FLOOD_WAIT_${String(flood.seconds)}` };
  }

  /** When a call is answered: so many ms later, or null for never; counts. */
  takeDelayMs(method: string, channel?: string): number | null {
    if (this.take('neverAnswer', (fault) => strikes(fault, method, channel))) return null;
    return this.take('slow', (fault) => strikes(fault, method, channel))?.ms ?? 0;
  }

  /** What becomes of one push of a channel; counts. The oldest fault that fits decides. */
  takePush(channel: number): PushFault | undefined {
    for (const active of this.#active.values()) {
      const { fault } = active;
      if (!isPushFault(fault) || ended(active)) continue;
      if (fault.channelId !== undefined && fault.channelId !== String(channel)) continue;
      this.#use(active);
      return fault;
    }
    return undefined;
  }

  /** Whether a message is shown as something unknown; counts. */
  hides(channel: number, message: number, where: 'difference' | 'everywhere'): boolean {
    const fits = (fault: FaultOf<'unreadableMessage'>) =>
      fault.channelId === String(channel) &&
      fault.messageId === String(message) &&
      (fault.where === 'everywhere' || where === 'difference');
    return this.take('unreadableMessage', fits) !== undefined;
  }

  /** A fault that lasts has done something. */
  noteStrike(kind: FaultKind): void {
    this.#count(kind);
  }

  #first<K extends FaultKind>(kind: K, fits: (fault: FaultOf<K>) => boolean = () => true) {
    for (const active of this.#active.values())
      if (active.fault.kind === kind && !ended(active) && fits(active.fault as FaultOf<K>))
        return active as ActiveFault & { readonly fault: FaultOf<K> };
    return undefined;
  }

  #use(active: ActiveFault): void {
    this.#count(active.fault.kind);
    if (active.remaining === null) return;
    active.remaining--;
    if (active.remaining === 0) this.#active.delete(active.id);
  }

  #count(kind: FaultKind): void {
    this.#struck.set(kind, (this.#struck.get(kind) ?? 0) + 1);
  }
}

function ended({ endsAt }: ActiveFault): boolean {
  return endsAt !== null && performance.now() >= endsAt;
}

function strikes(
  fault: { readonly method: string; readonly channelId?: string | undefined },
  method: string,
  channel: string | undefined,
): boolean {
  return (
    (fault.method === '*' || fault.method === method) && (fault.channelId === undefined || fault.channelId === channel)
  );
}

function isPushFault(fault: Fault): fault is PushFault {
  return (PUSH_FAULTS as readonly FaultKind[]).includes(fault.kind);
}
