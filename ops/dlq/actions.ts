/**
 * What a person does about events that failed for good, on both sides at once: the broker's dead letters and the work rows that
 * say why.
 *
 * Promised: an event is replayed before its letter is settled, so that a crash between the two leaves a letter too many and
 *   never an event too few; letters that were not chosen, or cannot be read, stay where they are.
 */
import type { Sql } from '../sql.js';
import type { DeadLetter, DeadLetterQueue } from './dead-letters.js';
import { countDead, forget, listDead, revive, type Choice, type DeadWork, type WorkKey } from './dead-work.js';

export interface Sides {
  readonly sql: Sql;
  /** Null without a broker of the stack. */
  readonly letters: DeadLetterQueue | null;
}

export interface Listing {
  /** Letters in the broker's queue, of every group; null without a broker. */
  readonly letters: number | null;
  /** Work rows of the group, or of all, that were given up. */
  readonly failed: number;
  /** The oldest of them. */
  readonly events: readonly DeadWork[];
}

export async function list({ sql, letters }: Sides, choice: Choice): Promise<Listing> {
  return {
    letters: (await letters?.depth()) ?? null,
    failed: await countDead(sql, choice.group),
    events: await listDead(sql, choice),
  };
}

export interface Replayed {
  /** Events that are due again, each of one group. */
  readonly replayed: number;
  /** Letters whose event was finished in the meantime; they are gone. */
  readonly finished: number;
  /** Letters that are no event of ours; they stay. */
  readonly unreadable: number;
}

/** Up to `limit` letters and `limit` rows. */
export async function replay(sides: Sides, choice: Choice): Promise<Replayed> {
  const { readable, unreadable } = await chosen(sides, choice);
  const works = readable.flatMap(({ work }) => work ?? []);
  const revived = await revive(sides.sql, distinct([...works, ...(await listDead(sides.sql, choice))]));
  sides.letters?.settle(readable);
  const alive = new Set(revived.map(nameOf));
  return {
    replayed: revived.length,
    finished: works.filter((work) => !alive.has(nameOf(work))).length,
    unreadable: unreadable.length,
  };
}

export interface Dropped {
  readonly letters: number;
  readonly rows: number;
  /** Letters whose event a worker has in its hands; they stay. */
  readonly busy: number;
}

/**
 * Up to `limit` letters, unreadable ones too unless a group is named, and `limit` rows. A letter goes together with its
 * work: an event that is still due by its row, and has no letter any more, would wait for ever.
 */
export async function drop(sides: Sides, choice: Choice): Promise<Dropped> {
  const { readable, unreadable } = await chosen(sides, choice);
  const works = readable.flatMap(({ work }) => work ?? []);
  const gone = await forget(sides.sql, distinct([...works, ...(await listDead(sides.sql, choice))]));
  const names = new Set(gone.map(nameOf));
  const settled = readable.filter(({ work }) => work && names.has(nameOf(work)));
  const letters = choice.group === null ? [...settled, ...unreadable] : settled;
  sides.letters?.settle(letters);
  return {
    letters: letters.length,
    rows: gone.filter(({ row }) => row).length,
    busy: readable.length - settled.length,
  };
}

/** The oldest letters of the group, or of all; those of other groups stay, however many stand before them. */
async function chosen({ letters }: Sides, { group, limit }: Choice) {
  const isOfGroup = ({ work }: DeadLetter) => group === null || work?.group === group;
  const taken = (await letters?.take(limit, isOfGroup)) ?? [];
  const readable = taken.filter((letter) => letter.work && isOfGroup(letter));
  return { readable, unreadable: taken.filter(({ work }) => work === null) };
}

function distinct(keys: readonly WorkKey[]): readonly WorkKey[] {
  return [...new Map(keys.map((key) => [nameOf(key), key])).values()];
}

function nameOf({ group, kind, channelId, messageId, version }: WorkKey): string {
  return [group, kind, channelId, messageId, version].join(':');
}
