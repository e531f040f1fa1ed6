/**
 * Runs a Pulumi program in this process, under the SDK's public mocks interface.
 * Promised: after the first failure no further resource is applied; what is under way is finished and recorded; that first
 * failure is the only one reported.
 * How: the mocks interface turns a failed resource into one unhandled rejection for every output that depends on it. So
 * a failure is never handed back: its resource, and all that come after it, simply stay unresolved, and the run ends here.
 */
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import * as pulumi from '@pulumi/pulumi';
import { EngineError } from './errors.js';
import type { Values } from './inputs.js';
import type { OptionsRecorder } from './recorder.js';

export interface ProgramOptions {
  readonly load: () => unknown;
  readonly project: string;
  readonly stack: string;
  /** Full keys such as `telegram:images`. */
  readonly config: Readonly<Record<string, string>>;
  readonly secretKeys: readonly string[];
  readonly signal: AbortSignal;
  readonly recorder: OptionsRecorder;
  readonly apply: (args: pulumi.runtime.MockResourceArgs) => Promise<pulumi.runtime.MockResourceResult>;
}

export interface ProgramResult {
  readonly outputs: Values;
  /** Names of the outputs that carry a secret. */
  readonly secretOutputs: readonly string[];
}

export async function runProgram(options: ProgramOptions): Promise<ProgramResult> {
  const run = new ProgramRun();
  const interrupt = (): void => {
    run.fail(new EngineError('ENGINE_INTERRUPTED', 'the run was interrupted'));
  };
  // A callback of the program that throws shows up nowhere else.
  const rejected = (reason: unknown): void => {
    run.fail(reason);
  };
  process.on('unhandledRejection', rejected);
  options.signal.addEventListener('abort', interrupt, { once: true });
  try {
    if (options.signal.aborted) interrupt();
    await pulumi.runtime.setMocks(mocks(options, run), options.project, options.stack, false, 'organization');
    pulumi.runtime.setAllConfig({ ...options.config }, [...options.secretKeys]);
    const result = await Promise.race([evaluate(options, run), run.failed]);
    await run.settle();
    // Rejections of this turn are announced at its end: they still belong to this run.
    await turn();
    if (run.first !== undefined) throw run.first.error;
    return result ?? { outputs: {}, secretOutputs: [] };
  } finally {
    options.signal.removeEventListener('abort', interrupt);
    process.off('unhandledRejection', rejected);
  }
}

/** The first failure of a run, and what is still under way. */
class ProgramRun {
  first: { readonly error: unknown } | undefined;
  readonly #underWay = new Set<Promise<unknown>>();
  #announce: () => void = () => undefined;
  readonly failed = new Promise<undefined>((done) => {
    this.#announce = () => {
      done(undefined);
    };
  });

  fail(error: unknown): void {
    this.first ??= { error };
    this.#announce();
  }

  /** The result of the work, or nothing ever: once something failed nobody must go on. */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    if (this.first !== undefined) return unresolved();
    const started = work();
    this.#underWay.add(started);
    try {
      return await started.finally(() => this.#underWay.delete(started));
    } catch (error) {
      this.fail(error);
      return await unresolved();
    }
  }

  async settle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }
}

async function unresolved<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}

function mocks(options: ProgramOptions, run: ProgramRun): pulumi.runtime.Mocks {
  return {
    newResource: async (args) => {
      // Components exist in the program only.
      if (args.custom !== true) return { id: undefined, state: args.inputs as Record<string, unknown> };
      return run.guard(() => options.apply(args));
    },
    call: async ({ token }) =>
      run.guard(() =>
        Promise.reject(new EngineError('ENGINE_UNSUPPORTED', `the embedded engine cannot call the function ${token}`)),
      ),
  };
}

async function evaluate(options: ProgramOptions, run: ProgramRun): Promise<ProgramResult | undefined> {
  let secrecy: Promise<string[]> = Promise.resolve([]);
  try {
    const outputs = await pulumi.runtime.runInPulumiStack(async () => {
      pulumi.runtime.registerStackTransformation(options.recorder.transformation);
      const exported = await run.guard(async () => await invoke(options.load()));
      secrecy = secretNames(exported);
      // Awaited below; a rejection in between is no unhandled one.
      secrecy.catch(() => undefined);
      return exported;
    });
    await pulumi.runtime.disconnect();
    return { outputs: outputs ?? {}, secretOutputs: await secrecy };
  } catch (error) {
    run.fail(error);
    return undefined;
  }
}

/** As the Pulumi CLI does it: a function is called, anything else is the outputs themselves. */
function invoke(exported: unknown): unknown {
  if (isProgram(exported)) return exported();
  const program = (exported as { readonly default?: unknown } | null | undefined)?.default;
  return isProgram(program) ? program() : exported;
}

function isProgram(value: unknown): value is () => unknown {
  return typeof value === 'function';
}

async function secretNames(outputs: unknown): Promise<string[]> {
  if (typeof outputs !== 'object' || outputs === null) return [];
  const names = Object.entries(outputs).map(async ([name, value]) =>
    (await pulumi.isSecret(pulumi.output(value as pulumi.Input<unknown>))) ? [name] : [],
  );
  return (await Promise.all(names)).flat();
}

/** Loads a program file with this process's own loader: a `.ts` file needs one that compiles (tsx, ts-node, ts-jest). */
export function loadProgram(path: string): unknown {
  const file = resolve(path);
  return createRequire(file)(file) as unknown;
}
