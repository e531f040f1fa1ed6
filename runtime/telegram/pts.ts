/** Where an update stands against what has been read of its channel. */
export type PtsVerdict = 'apply' | 'duplicate' | 'gap';

/**
 * The rule of the protocol (core.telegram.org/api/updates): an update moves the channel from `pts - ptsCount` to `pts`.
 * It applies if that is where we stand, was seen if we are further, and is beyond a gap otherwise.
 */
export function comparePts(local: number, pts: number, ptsCount: number): PtsVerdict {
  const reached = local + ptsCount;
  if (reached === pts) return 'apply';
  return reached > pts ? 'duplicate' : 'gap';
}
