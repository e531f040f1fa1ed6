import type { StackOutputs } from '../../stack/outputs.js';

/** How many resources a run touched. */
export interface Changes {
  readonly create: number;
  readonly update: number;
  readonly replace: number;
  readonly delete: number;
  readonly same: number;
}

/** The resource that uninstalls the gateway when it goes, and on which all others on that host depend. */
export const GATEWAY_REMOVAL = 'gateway-removal';
/** The resource that links the release and starts the unit. */
export const GATEWAY_SERVICE = 'gateway-service';

/** One of the two ways to apply the same program. */
export interface Engine {
  readonly name: 'pulumi' | 'embedded';
  /** Applies the program. Null where the engine itself has told what changed. */
  up(): Promise<Changes | null>;
  /** Removes everything but what the data policy keeps. */
  destroy(): Promise<void>;
  /** The stack's configuration as a Pulumi program reads it, secrets in plain. */
  config(): Promise<Readonly<Record<string, string>>>;
  /** The next `up` makes this resource again, though nothing about it changed. */
  again(name: string): Promise<void>;
  /** Forgets what is installed on the gateway host: nobody will ever reach it again. */
  forgetGateway(): Promise<void>;
  /** Outputs of the last `up`, secrets in plain; null before the first. */
  outputs(): Promise<StackOutputs | null>;
}

/** Whether a run changed nothing at all. */
export function unchanged(changes: Changes): boolean {
  return changes.create + changes.update + changes.replace + changes.delete === 0;
}
