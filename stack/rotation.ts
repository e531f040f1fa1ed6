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

/** How far the rotations of a stack have come; null before the first. */
export interface Progress {
  /** Last epoch that every part has changed over to. */
  readonly completed: number | null;
  /** Last epoch whose new passwords were made. */
  readonly begun: number | null;
}

/** Whether a rotation stands half done. */
export function isUnfinished({ completed, begun }: Progress): boolean {
  return begun !== null && begun > (completed ?? 0);
}

/**
 * Why a step to `wanted` is refused, or null where it is allowed: only the same epoch or the next one is. Once the next one
 * has begun, only that: some parts use its passwords already.
 */
export function refusedStep(completed: number | null, wanted: number, begun: number | null = completed): string | null {
  const refusal = `telegram:credentialEpoch: ${String(wanted)}`;
  if (begun !== null && isUnfinished({ completed, begun })) {
    if (wanted === begun) return null;
    return `${refusal} is not ${String(begun)}, which has begun and is not complete: some parts use its passwords already; set ${String(begun)} and run the command again, which finishes it`;
  }
  if (completed === null || wanted === completed || wanted === completed + 1) return null;
  if (wanted < completed)
    return `${refusal} is below the completed ${String(completed)}; lowering it would replace the password in use; set ${String(completed)}`;
  return `${refusal} skips from ${String(completed)}; two steps at once would replace both passwords while one is in use; set ${String(completed + 1)}`;
}
