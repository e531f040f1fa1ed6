/**
 * The difference loop: fetches what a channel missed, slice by slice, until Telegram says `final`.
 *
 * Promised: each slice is committed with its `pts` before the next is asked for, so a crash or a lost connection resumes
 *   where it stopped. What Telegram no longer keeps (`tooLong`, a `pts` that it does not know) is noted as a range of ids to
 *   be read from the history, in the same transaction that moves `pts` over it: it is read by backfill.ts, while what is
 *   posted from now on is stored as it comes. What cannot be read is stepped over one update at a time and noted likewise.
 * Not promised: edits and deletions inside such a gap, but for the newest stored messages, which are read again.
 * On failure: it rejects with a `TelegramError`; what was committed stays, the rest is fetched by the next call.
 *
 *   ask --slice--> commit --not final--> ask            ask --empty/final--> done
 *   ask --tooLong--> commit latest + range --> done     ask --pts unknown--> ask the channel --> commit range --> done
 *   ask --unreadable--> ask for half --> ... --> one update: commit pts + 1 and a range --> ask (after ten: as unknown)
 */
import type { BackfillRange } from '../ingest/message-store.js';
import type { Logger } from '../logger.js';
import { metrics } from '../metrics.js';
import type { ChannelState } from './channel-state.js';
import { TelegramError, type ChannelDifference, type ChannelUpdate } from './client.js';
import type { Turn } from './request-budget.js';

/** Telegram allows users 10 to 100 updates a slice. */
const SLICE = 100;
/** Above every message id. */
export const FROM_THE_NEWEST = String(2 ** 31 - 1);
/** Updates that are stepped over one after the other, before all that is left is read from the history. */
const MOST_STEPS = 10;
/** How far above the last known id an unreadable message is looked for. */
const SEARCH = 100;

/** Returns the seconds after which Telegram wants to be asked again; null where it does not tell. */
export async function readDifference(state: ChannelState, turn: Turn, logger: Logger): Promise<number | null> {
  for (let steps = 0; ;) {
    const pts = state.pts ?? 0;
    const difference = await fetchSlice(state, pts, turn, logger);
    if (difference === 'unreadable' && steps < MOST_STEPS) {
      await stepOver(state, pts, logger);
      steps += 1;
      continue;
    }
    if (difference === 'unreadable' || difference === 'unknown pts' || difference.pts < pts) {
      await beginAnew(state, turn, logger, typeof difference === 'string');
      return null;
    }
    steps = 0;
    if (difference.type === 'tooLong') {
      await noteGap(state, difference, logger);
      return difference.timeoutS;
    }
    await commitSlice(state, difference);
    if (difference.final) return difference.timeoutS;
    if (difference.pts === pts) throw new TelegramError('transient', 'DIFFERENCE_WITHOUT_PROGRESS');
  }
}

type Fetched = ChannelDifference | 'unreadable' | 'unknown pts';

/** One slice. An unreadable one is asked for in smaller pieces, so that only the piece that holds the object stays. */
async function fetchSlice(state: ChannelState, pts: number, turn: Turn, logger: Logger): Promise<Fetched> {
  for (let limit = SLICE; ; limit = Math.ceil(limit / 2)) {
    try {
      return await turn.call((port) => port.getChannelDifference(state.ref, pts, limit));
    } catch (error) {
      if (!(error instanceof TelegramError)) throw error;
      if (error.kind === 'pts-invalid') return 'unknown pts';
      if (error.kind !== 'unreadable') throw error;
      if (limit === 1) return 'unreadable';
      logger.debug({ err: error, channelId: state.id, pts, limit }, 'a difference cannot be read: asking for less');
    }
  }
}

async function commitSlice(
  state: ChannelState,
  difference: Extract<ChannelDifference, { type: 'empty' | 'slice' }>,
): Promise<void> {
  const { pts } = difference;
  if (difference.type === 'empty') {
    await state.commit({ pts });
    return;
  }
  const { newMessages, otherUpdates } = difference;
  // The slice shows posts as they are today; their edits follow, with the same text.
  const messages = [...newMessages, ...otherUpdates.flatMap(messageOf)];
  const deleted = otherUpdates.flatMap((update) => (update.type === 'delete' ? update.messageIds : []));
  await state.commit({
    messages: state.copies(messages, 'difference', pts),
    deletions: state.deletions(deleted, 'difference', pts),
    pts,
  });
}

function messageOf(update: ChannelUpdate) {
  return 'message' in update ? [update.message] : [];
}

/** Telegram no longer keeps what is between our `pts` and its own, and gives the latest messages. */
async function noteGap(
  state: ChannelState,
  { pts, topMessageId, newMessages }: Extract<ChannelDifference, { type: 'tooLong' }>,
  logger: Logger,
): Promise<void> {
  // What was posted since is at most one message an update, and ids follow each other.
  const oldest = Number(topMessageId) - (pts - (state.pts ?? 0));
  const backfill = rangeBelow(state, String(Number(topMessageId) + 1), Math.max(0, oldest));
  metrics.gapTooLong.inc();
  logger.warn(
    { channelId: state.id, fromPts: state.pts, toPts: pts, ...backfill },
    'Telegram no longer keeps what this channel missed: reading its history',
  );
  await state.commit({
    messages: state.copies(newMessages, 'difference'),
    marks: { pts, backfill },
  });
}

/** Telegram does not know our `pts`, or answered as if it were behind: the channel itself tells where it stands. */
async function beginAnew(state: ChannelState, turn: Turn, logger: Logger, refused: boolean): Promise<void> {
  const known = state.pts ?? 0;
  const pts = await turn.call((port) => port.getChannelPts(state.ref));
  // One server that lags, or an error that was not meant: nothing is missing.
  if (pts === known || (pts > known && !refused)) throw new TelegramError('transient', 'PTS_REFUSED_AND_CURRENT');
  const backfill = rangeBelow(state, FROM_THE_NEWEST);
  metrics.gapTooLong.inc();
  logger.warn(
    { channelId: state.id, fromPts: known, toPts: pts, ...backfill },
    'Telegram does not know where this channel was read to: reading its history',
  );
  await state.commit({ marks: { pts, backfill } });
}

/** Whatever the next update is, it counts one `pts`, and the message it is about is looked for by its id. */
async function stepOver(state: ChannelState, pts: number, logger: Logger): Promise<void> {
  metrics.unreadable.inc();
  logger.error({ channelId: state.id, pts }, 'an update of this channel cannot be read: looking for its message by id');
  const backfill = rangeBelow(
    state,
    state.lastId === null ? FROM_THE_NEWEST : String(Number(state.lastId) + SEARCH + 1),
  );
  await state.commit({ marks: { pts: pts + 1, backfill } });
}

/**
 * The ids from the last complete one up to `nextId`, together with what was still to be read. Without ids it has its use: the
 * stored messages below it are read again. `oldest` is the lower bound of a channel none of whose ids is known yet.
 */
function rangeBelow(state: ChannelState, nextId: string, oldest = 0): BackfillRange {
  const untilId = state.backfill?.untilId ?? state.lastId ?? String(oldest);
  const open = [nextId, state.backfill?.nextId ?? '0', String(Number(untilId) + 1)].map(Number);
  return { nextId: String(Math.max(...open)), untilId };
}
