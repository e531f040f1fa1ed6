import type { StackOutputs } from '../../stack/outputs.js';

/** How many resources a run touched. */
export interface Changes {
  readonly create: number;
  readonly update: number;
  readonly replace: number;
  readonly delete: number;
  readonly same: number;
}

/** One of the two ways to apply the same program. */
export interface Engine {
  readonly name: 'pulumi' | 'embedded';
  /** Applies the program. Null where the engine itself has told what changed. */
  up(): Promise<Changes | null>;
  /** Removes everything but what the data policy keeps. */
  destroy(): Promise<void>;
  /** Outputs of the last `up`, secrets in plain; null before the first. */
  outputs(): Promise<StackOutputs | null>;
}

/** Whether a run changed nothing at all. */
export function unchanged(changes: Changes): boolean {
  return changes.create + changes.update + changes.replace + changes.delete === 0;
}
