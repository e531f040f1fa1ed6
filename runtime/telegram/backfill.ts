/**
 * Reads a range of the history, from its newest id downwards, one page a call.
 *
 * Promised: each page is committed with the mark of how far it led, so a crash resumes there; the range is finished only
 *   when all of it is stored and the newest stored messages below it were read again, for edits and deletions that no
 *   update told. What cannot be read is noted as a hole, by its id.
 * Not promised: the order of its events: newest first, page by page, with `source` backfill.
 * On failure: it rejects with a `TelegramError`, and the next call begins at the last mark.
 */
import type { BackfillRange, MessageStore } from '../ingest/message-store.js';
import type { Logger } from '../logger.js';
import type { ChannelState } from './channel-state.js';
import { TelegramError, type PlainMessage } from './client.js';
import { FROM_THE_NEWEST } from './difference.js';
import { idsBetween, IDS_AT_ONCE, readById, type ReadById } from './read-by-id.js';
import type { Turn } from './request-budget.js';

/** Stored messages below a finished range that are read again: what happened to older ones is not learnt. */
const READ_AGAIN = 300;
/** Stored messages that one page may be found to lack. */
const MOST_MISSING = 10_000;

export interface BackfillTools {
  readonly turn: Turn;
  readonly store: Pick<MessageStore, 'storedIds'>;
  readonly logger: Logger;
}

export async function backfillPage(state: ChannelState, tools: BackfillTools): Promise<void> {
  const range = state.backfill;
  if (!range) return;
  const page = await readPage(state, range, tools.turn);
  const stored = await readStored(state, page, tools);
  // Where the range ends at its lower bound, or begins anew above it, nobody comes by again.
  const passed = page.rest?.untilId !== range.untilId;
  const again = passed ? await readAgain(state, range.untilId, tools) : NOTHING;
  await state.commit({
    messages: state.copies([...page.messages, ...stored.found, ...again.found], 'backfill'),
    deletions: state.deletions([...stored.missing, ...again.missing], 'backfill'),
    marks: { backfill: page.rest, holes: [...page.unreadable, ...stored.unreadable, ...again.unreadable] },
  });
  if (page.rest === null) tools.logger.info({ channelId: state.id, untilId: range.untilId }, 'history read');
}

const NOTHING: ReadById = { found: [], missing: [], unreadable: [], pts: null };

interface Page {
  readonly messages: readonly PlainMessage[];
  readonly unreadable: readonly string[];
  /** Every id above `after` and up to `upTo` was looked at. */
  readonly after: number;
  readonly upTo: number;
  /** What is left of the range. */
  readonly rest: BackfillRange | null;
}

async function readPage(state: ChannelState, range: BackfillRange, turn: Turn): Promise<Page> {
  const [nextId, untilId] = [Number(range.nextId), Number(range.untilId)];
  if (nextId <= untilId + 1) return { messages: [], unreadable: [], after: untilId, upTo: untilId, rest: null };
  const offsetId = range.nextId === FROM_THE_NEWEST ? 0 : nextId;
  try {
    const query = { offsetId, minId: untilId, limit: IDS_AT_ONCE };
    const { messages, lowestId } = await turn.call((port) => port.getHistory(state.ref, query));
    const after = lowestId === null ? untilId : Number(lowestId) - 1;
    return { messages, unreadable: [], after, upTo: nextId - 1, rest: restAbove(untilId, after) };
  } catch (error) {
    if (!(error instanceof TelegramError) || error.kind !== 'unreadable') throw error;
    if (range.nextId === FROM_THE_NEWEST) return readUpwards(state, untilId, turn);
    const after = Math.max(untilId, nextId - 1 - IDS_AT_ONCE);
    const { found, unreadable } = await readIds(state, after, nextId - 1, turn);
    return { messages: found, unreadable, after, upTo: nextId - 1, rest: restAbove(untilId, after) };
  }
}

/**
 * Id by id from the lower bound, where the history has something that cannot be read and nobody knows how far it goes. As
 * long as there is anything, the range begins anew above it.
 */
async function readUpwards(state: ChannelState, untilId: number, turn: Turn): Promise<Page> {
  const upTo = untilId + IDS_AT_ONCE;
  const { found, unreadable } = await readIds(state, untilId, upTo, turn);
  const ended = found.length + unreadable.length === 0 && upTo >= Number(state.lastId ?? 0);
  const rest = ended ? null : { nextId: FROM_THE_NEWEST, untilId: String(upTo) };
  return { messages: found, unreadable, after: untilId, upTo, rest };
}

function readIds(state: ChannelState, after: number, upTo: number, turn: Turn): Promise<ReadById> {
  return readById(state.ref, turn, idsBetween(String(after), String(upTo), IDS_AT_ONCE));
}

function restAbove(untilId: number, after: number): BackfillRange | null {
  return after <= untilId ? null : { nextId: String(after + 1), untilId: String(untilId) };
}

/** What is stored where the page has nothing: an earlier try, cut off, may have stored what was deleted since. */
async function readStored(
  state: ChannelState,
  { messages, unreadable, after, upTo }: Page,
  { turn, store }: BackfillTools,
): Promise<ReadById> {
  const shown = new Set([...messages.map(({ messageId }) => messageId), ...unreadable]);
  const stored = await store.storedIds(state.id, String(after), String(upTo), MOST_MISSING);
  return readById(
    state.ref,
    turn,
    stored.filter((id) => !shown.has(id)),
  );
}

async function readAgain(state: ChannelState, upTo: string, { turn, store }: BackfillTools): Promise<ReadById> {
  return readById(state.ref, turn, await store.storedIds(state.id, '0', upTo, READ_AGAIN));
}
