/**
 * The reconciler: compares what is stored with what Telegram has, id by id, upwards from the last id known complete.
 *
 * Promised: every message up to the last one read is looked for once, whatever became of the update that should have
 *   brought it: one that is missing is stored (source `reconcile`, counted), one that was edited or deleted meanwhile
 *   becomes so. The bound is an id, never a time, so no hole is ever left behind.
 * Not promised: edits and deletions of what was compared before.
 * On failure: it rejects with a `TelegramError`, and the next call begins at the same id.
 */
import type { MessageStore } from '../ingest/message-store.js';
import type { ChannelState } from './channel-state.js';
import { IDS_AT_ONCE, idsBetween, readById, type ReadById } from './read-by-id.js';
import type { Turn } from './request-budget.js';

export interface AuditTools {
  readonly turn: Turn;
  readonly store: Pick<MessageStore, 'storedIds'>;
}

/** True while something is left to compare. */
export function canAudit(state: ChannelState): boolean {
  // What is still to be read from the history is no hole yet.
  if (state.reconciledId === null || state.lastId === null || state.backfill !== null) return false;
  return Number(state.reconciledId) < Number(state.lastId);
}

/** One page. Returns where Telegram says that the channel stands; null where it does not tell. */
export async function auditPage(state: ChannelState, { turn, store }: AuditTools): Promise<number | null> {
  const { reconciledId, lastId } = state;
  if (!canAudit(state) || reconciledId === null || lastId === null) return null;
  const ids = idsBetween(reconciledId, lastId, IDS_AT_ONCE);
  const upTo = ids.at(-1) ?? lastId;
  const { found, missing, pts } = await readById(state.ref, turn, ids);
  const stored = new Set(await store.storedIds(state.id, reconciledId, upTo, ids.length));
  const gone = missing.filter((id) => stored.has(id));
  const told = toldOf({ found, missing });
  await state.commit({
    messages: state.copies(found, 'reconcile'),
    deletions: state.deletions(gone, 'reconcile'),
    marks: { reconciledId: upTo, holes: ids.filter((id) => !told.has(id) && !stored.has(id)) },
  });
  return pts;
}

/** Ids that the answer speaks of. */
const toldOf = ({ found, missing }: Pick<ReadById, 'found' | 'missing'>) =>
  new Set([...found.map(({ messageId }) => messageId), ...missing]);

/** Tries once more to read messages that could not be read or stored before. Returns those that still cannot. */
export async function mendHoles(state: ChannelState, turn: Turn, holes: readonly string[]): Promise<readonly string[]> {
  const { found, missing, unreadable } = await readById(state.ref, turn, holes);
  // An id that the answer leaves out stays a hole.
  const told = toldOf({ found, missing });
  const mended = holes.filter((id) => told.has(id));
  if (mended.length === 0) return unreadable;
  await state.commit({
    messages: state.copies(found, 'reconcile'),
    deletions: state.deletions(missing, 'reconcile'),
    marks: { mended },
  });
  return unreadable;
}
