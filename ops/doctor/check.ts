import { UserError } from '../../stack/errors.js';
import { EngineError } from '../engine/errors.js';
import type { RunningStack } from '../context.js';

/** Thrown by a check: what is wrong, and the command that mends it. */
export class Failing extends Error {
  constructor(
    detail: string,
    readonly fix: string,
  ) {
    super(detail);
    this.name = 'Failing';
  }
}

/** One thing that the doctor looks at. `run` returns what it saw, or throws `Failing`. */
export interface Check {
  readonly name: string;
  /** Mends it when the check cannot even be made. */
  readonly fix: string;
  readonly run: (stack: RunningStack) => Promise<string>;
}

export interface CheckResult {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly fix: string | null;
}

/** Longest any check may take, in milliseconds. */
const BOUND_MS = 15_000;

/** Runs one check, bounded; whatever goes wrong is a result. */
export async function perform(check: Check, stack: RunningStack): Promise<CheckResult> {
  let timer: NodeJS.Timeout | undefined;
  const bound = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Failing(`no answer within ${String(BOUND_MS / 1000)} s`, check.fix));
    }, BOUND_MS);
  });
  try {
    const detail = await Promise.race([check.run(stack), bound]);
    return { name: check.name, ok: true, detail, fix: null };
  } catch (error) {
    const detail = (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
    const known = error instanceof Failing || error instanceof UserError || error instanceof EngineError;
    return { name: check.name, ok: false, detail, fix: known ? error.fix : check.fix };
  } finally {
    clearTimeout(timer);
  }
}
