import { OPEN_ACCESS, type ChannelAccess } from './access.js';
import { unixSeconds, wallClockMs } from './clock.js';
import { NEW_MESSAGE, type Counters, type PostContent, type WorldMessage } from './message.js';

interface EventBase {
  /** The channel's pts after this event. */
  readonly pts: number;
  readonly ptsCount: number;
  /** When it happened, ms since the epoch. */
  readonly at: number;
  /** When it was first written to a client's socket; null while nobody got it. Not kept over a restart. */
  pushedAt: number | null;
}

/** One entry of a channel's log. `message` is the post as it was then. */
export type WorldEvent = EventBase &
  (
    | { readonly type: 'new' | 'edit'; readonly message: WorldMessage }
    | { readonly type: 'delete'; readonly ids: readonly number[] }
  );

export interface ChannelIdentity {
  readonly id: number;
  readonly title: string;
  readonly username: string | null;
  /** Signed 64-bit, decimal. */
  readonly accessHash: string;
  /** Unix seconds. */
  readonly date: number;
}

/** What an event takes in memory, in bytes, roughly and rather too much. */
export function eventBytes(event: WorldEvent): number {
  return 400 + (event.type === 'delete' ? 8 * event.ids.length : 2 * event.message.text.length);
}

/** A channel begins at pts 1, as Telegram's do. */
const FIRST_PTS = 1;
/** Message 1 is the service message "channel created": it is in the history, not in the log. */
export const CREATION_ID = 1;

/**
 * One broadcast channel: an append-only log of events, and the posts as they stand now. Promised: pts and message ids
 * only grow, an event never changes. Old events (with their posts) may be forgotten from the front, as Telegram
 * forgets: then a difference from before them is "too long".
 */
export class Channel {
  readonly #log: WorldEvent[] = [];
  readonly #messages = new Map<number, WorldMessage>();
  #pts = FIRST_PTS;
  #floorPts = FIRST_PTS;
  #lastId = CREATION_ID;
  #forgottenId = CREATION_ID;
  #bytes = 0;
  #access = OPEN_ACCESS;

  constructor(readonly identity: ChannelIdentity) {}

  get id(): number {
    return this.identity.id;
  }

  get access(): ChannelAccess {
    return this.#access;
  }

  setAccess(access: ChannelAccess): void {
    this.#access = access;
  }

  get pts(): number {
    return this.#pts;
  }

  /** Lowest pts from which a difference is still complete. */
  get floorPts(): number {
    return this.#floorPts;
  }

  /** What the log takes in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  get lastMessageId(): number {
    return this.#lastId;
  }

  get log(): readonly WorldEvent[] {
    return this.#log;
  }

  /** Posts as they stand now, oldest first. */
  get messages(): ReadonlyMap<number, WorldMessage> {
    return this.#messages;
  }

  /** Date of the newest event, or of the channel itself. */
  get lastDate(): number {
    const last = this.#log.at(-1);
    return last === undefined ? this.identity.date : Math.floor(last.at / 1_000);
  }

  draftPost({ text, media, groupedId, service }: PostContent): WorldEvent {
    const message: WorldMessage = {
      ...NEW_MESSAGE,
      id: this.#lastId + 1,
      date: unixSeconds(),
      text,
      media: media ?? null,
      groupedId: groupedId ?? null,
      service: service ?? null,
    };
    return { type: 'new', message, pts: this.#pts + 1, ptsCount: 1, at: wallClockMs(), pushedAt: null };
  }

  /** Undefined when there is no such post. */
  draftEdit(id: number, text: string): WorldEvent | undefined {
    return this.#draftChange(id, { text, editHide: false });
  }

  /** Views or reactions alone: an edit to the protocol, not to a reader. Undefined when there is no such post. */
  draftCounters(id: number, counters: Counters): WorldEvent | undefined {
    const { views, reactions } = counters;
    const changed = { ...(views !== undefined && { views }), ...(reactions !== undefined && { reactions }) };
    return this.#draftChange(id, { ...changed, editHide: true });
  }

  /** Undefined when none of the posts exist. */
  draftDelete(ids: readonly number[]): WorldEvent | undefined {
    const known = [...new Set(ids)].filter((id) => this.#messages.has(id));
    if (known.length === 0) return undefined;
    const pts = this.#pts + known.length;
    return { type: 'delete', ids: known, pts, ptsCount: known.length, at: wallClockMs(), pushedAt: null };
  }

  #draftChange(id: number, change: Partial<WorldMessage>): WorldEvent | undefined {
    const old = this.#messages.get(id);
    if (old === undefined || old.service !== null) return undefined;
    const message = { ...old, ...change, editDate: unixSeconds() };
    return { type: 'edit', message, pts: this.#pts + 1, ptsCount: 1, at: wallClockMs(), pushedAt: null };
  }

  /** The one way in which a channel changes; also replays stored events. */
  append(event: WorldEvent): void {
    if (event.pts !== this.#pts + event.ptsCount) throw new Error(`event ${String(event.pts)} does not follow the log`);
    this.#pts = event.pts;
    this.#log.push(event);
    this.#bytes += eventBytes(event);
    if (event.type === 'delete') for (const id of event.ids) this.#messages.delete(id);
    else this.#messages.set(event.message.id, event.message);
    if (event.type === 'new') this.#lastId = event.message.id;
  }

  /** Where a log whose front was forgotten begins. */
  startAt(pts: number, lastMessageId: number): void {
    if (this.#log.length > 0) throw new Error('a channel with events cannot be moved');
    this.#pts = this.#floorPts = pts;
    this.#lastId = this.#forgottenId = lastMessageId;
  }

  /** Forgets the oldest events and the posts they made. */
  forget(count: number): void {
    for (const event of this.#log.splice(0, count)) {
      this.#floorPts = event.pts;
      this.#bytes -= eventBytes(event);
      if (event.type !== 'new') continue;
      this.#forgottenId = event.message.id;
      this.#messages.delete(event.message.id);
    }
  }

  /** Id of the newest message that is no longer here; `CREATION_ID` when no post was forgotten. */
  get forgottenMessageId(): number {
    return this.#forgottenId;
  }

  /** The post as it stands now, or as the event shows it when its own entry was forgotten; undefined once deleted. */
  current(message: WorldMessage): WorldMessage | undefined {
    return this.#messages.get(message.id) ?? (message.id <= this.#forgottenId ? message : undefined);
  }

  /** Events after a pts, at most so many; a binary search, as logs are long. */
  eventsAfter(pts: number, limit = Infinity): WorldEvent[] {
    let low = 0;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#log[middle]?.pts ?? Infinity) > pts) high = middle;
      else low = middle + 1;
    }
    return this.#log.slice(low, low + limit);
  }
}
