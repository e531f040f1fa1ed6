/**
 * Credential epochs. One integer drives the rotation of every machine credential: each has two slots, a and b, and the slot
 * whose turn the epoch is gets a new password while the other keeps its own and stays valid.
 */

export type Slot = 'a' | 'b';

/** The slot that clients use at this epoch: odd → b, even → a. */
export function activeSlot(epoch: number): Slot {
  return epoch % 2 === 1 ? 'b' : 'a';
}

/**
 * Keeper of one slot: the greatest epoch of the slot's parity that is not above `epoch`. A password is replaced exactly when
 * its keeper changes.
 */
export function slotKeeper(epoch: number, slot: Slot): number {
  const parity = slot === 'b' ? 1 : 0;
  return epoch % 2 === parity ? epoch : epoch - 1;
}

/** Why a step between epochs is refused, or null where it is allowed: only the same or the next one is. */
export function refusedStep(completed: number | null, wanted: number): string | null {
  if (completed === null || wanted === completed || wanted === completed + 1) return null;
  if (wanted < completed)
    return `telegram:credentialEpoch: ${String(wanted)} is below the completed ${String(completed)}; lowering it would replace the password in use`;
  return `telegram:credentialEpoch: ${String(wanted)} skips from ${String(completed)}; two steps at once would replace both passwords while one is in use`;
}
