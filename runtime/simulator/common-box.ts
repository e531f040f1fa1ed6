import { unixSeconds } from './clock.js';

/** What happens to an account outside of channels; `channel` says that its standing in a channel changed. */
export type BoxChange =
  | { readonly type: 'message'; readonly id: number; readonly text: string }
  | { readonly type: 'channel'; readonly channelId: number };

export type BoxEvent = BoxChange & {
  /** The box's pts after this event. */
  readonly pts: number;
  /** 1 for a message, 0 for what moves no pts. */
  readonly ptsCount: 0 | 1;
  readonly seq: number;
  /** Unix seconds. */
  readonly date: number;
};

/** Where an account's box begins. */
const FIRST = { pts: 1, seq: 1 };
/** Events remembered; a difference from before them is "too long". */
const MAX_EVENTS = 10_000;

/** The common box of one account: private messages and changes of standing. Append-only, like a channel's log. */
export class CommonBox {
  readonly #log: BoxEvent[] = [];
  #pts = FIRST.pts;
  #seq = FIRST.seq;
  #floorPts = FIRST.pts;

  constructor(readonly userId: number) {}

  get pts(): number {
    return this.#pts;
  }

  get seq(): number {
    return this.#seq;
  }

  get floorPts(): number {
    return this.#floorPts;
  }

  /** Where the remembered log begins. */
  get startSeq(): number {
    return this.#seq - this.#log.length;
  }

  get log(): readonly BoxEvent[] {
    return this.#log;
  }

  draftMessage(text: string): BoxEvent {
    // Ids of private messages are the account's own; the pts serves as well as any counter.
    return { ...this.#next(1), type: 'message', id: this.#pts + 1, text };
  }

  draftChannel(channelId: number): BoxEvent {
    return { ...this.#next(0), type: 'channel', channelId };
  }

  append(event: BoxEvent): void {
    this.#log.push(event);
    this.#pts = event.pts;
    this.#seq = event.seq;
    if (this.#log.length > MAX_EVENTS) this.#floorPts = this.#log.shift()?.pts ?? this.#floorPts;
  }

  /** Where a log whose front was forgotten begins. */
  startAt(pts: number, seq: number): void {
    this.#pts = this.#floorPts = pts;
    this.#seq = seq;
  }

  /** Events behind a pts; those without a pts of their own from that date on. */
  eventsAfter(pts: number, date: number): BoxEvent[] {
    return this.#log.filter((event) => (event.ptsCount > 0 ? event.pts > pts : event.pts > pts || event.date >= date));
  }

  #next<C extends 0 | 1>(ptsCount: C) {
    return { pts: this.#pts + ptsCount, ptsCount, seq: this.#seq + 1, date: unixSeconds() };
  }
}
