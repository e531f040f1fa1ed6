import type { RunResult } from './run.js';

/** What keeps a run from being a proof: findings, methods that the simulator lacks, or that nothing was tried. */
export function shortcomings({ posted, faults, findings, unimplemented }: Shown): readonly string[] {
  const struck = Object.values(faults).reduce((sum, count) => sum + count, 0);
  return [
    ...(posted === 0 || struck === 0
      ? [`${String(posted)} posts and ${String(struck)} troubles prove nothing: let it run for longer`]
      : []),
    ...(findings.length > 0 ? [`${String(findings.length)} findings`] : []),
    ...(unimplemented.length > 0 ? [`methods that the simulator lacks: ${unimplemented.join(', ')}`] : []),
  ];
}

type Shown = Pick<RunResult, 'posted' | 'faults' | 'findings' | 'unimplemented'>;
