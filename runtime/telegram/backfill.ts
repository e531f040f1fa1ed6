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
  const rest = await readMissing(state, range, page, tools);
  const last = Number(page.endId) <= Number(range.untilId) + 1;
  const again = last ? await readAgain(state, range.untilId, tools) : NOTHING;
  await state.commit({
    messages: state.copies([...page.messages, ...rest.found, ...again.found], 'backfill'),
    deletions: state.deletions([...rest.missing, ...again.missing], 'backfill'),
    marks: {
      backfill: last ? null : { ...range, nextId: page.endId },
      holes: [...page.unreadable, ...rest.unreadable, ...again.unreadable],
    },
  });
  if (last) tools.logger.info({ channelId: state.id, untilId: range.untilId }, 'history read');
}

const NOTHING: ReadById = { found: [], missing: [], unreadable: [], pts: null };

interface Page {
  readonly messages: readonly PlainMessage[];
  readonly unreadable: readonly string[];
  /** Everything from here up to the end of the range was looked at. */
  readonly endId: string;
}

async function readPage(state: ChannelState, { nextId, untilId }: BackfillRange, turn: Turn): Promise<Page> {
  const beginning = String(Number(untilId) + 1);
  if (Number(nextId) <= Number(beginning)) return { messages: [], unreadable: [], endId: beginning };
  const offsetId = nextId === FROM_THE_NEWEST ? 0 : Number(nextId);
  try {
    const query = { offsetId, minId: Number(untilId), limit: IDS_AT_ONCE };
    const { messages, lowestId } = await turn.call((port) => port.getHistory(state.ref, query));
    return { messages, unreadable: [], endId: lowestId ?? beginning };
  } catch (error) {
    if (!(error instanceof TelegramError) || error.kind !== 'unreadable') throw error;
    return readPageById(state, nextId, untilId, turn);
  }
}

/** Id by id, where the history has something that cannot be read. Its newest id is not known then: near the last known. */
async function readPageById(state: ChannelState, nextId: string, untilId: string, turn: Turn): Promise<Page> {
  const known = Math.max(Number(state.lastId ?? 0), Number(untilId)) + IDS_AT_ONCE + 1;
  const end = Math.min(Number(nextId), known);
  const after = String(Math.max(Number(untilId), end - 1 - IDS_AT_ONCE));
  const { found, unreadable } = await readById(state.ref, turn, idsBetween(after, String(end - 1), IDS_AT_ONCE));
  return { messages: found, unreadable, endId: String(Number(after) + 1) };
}

/** What is stored where the page has nothing: an earlier try, cut off, may have stored what was deleted since. */
async function readMissing(
  state: ChannelState,
  { nextId }: BackfillRange,
  { messages, unreadable, endId }: Page,
  { turn, store }: BackfillTools,
): Promise<ReadById> {
  const shown = new Set([...messages.map(({ messageId }) => messageId), ...unreadable]);
  const [after, upTo] = [Number(endId) - 1, Number(nextId) - 1].map(String) as [string, string];
  const stored = await store.storedIds(state.id, after, upTo, MOST_MISSING);
  return readById(
    state.ref,
    turn,
    stored.filter((id) => !shown.has(id)),
  );
}

async function readAgain(state: ChannelState, upTo: string, { turn, store }: BackfillTools): Promise<ReadById> {
  return readById(state.ref, turn, await store.storedIds(state.id, '0', upTo, READ_AGAIN));
}
