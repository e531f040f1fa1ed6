/**
 * The embedded engine: applies a Pulumi program to Docker and over SSH without the Pulumi CLI.
 * Promised: resources in the order of their dependencies; a second run of the same program changes nothing; what vanished from
 * the program is removed only after a run without any error; a killed run is carried on by the next one.
 * Not promised: preview, history, remote backends, drift inside a running container.
 */
import { applyResource, Halted } from './apply.js';
import { keyOf } from './entry.js';
import { EngineError } from './errors.js';
import type { Changes } from './events.js';
import type { Values } from './inputs.js';
import { lockState } from './lock.js';
import { loadProgram, runProgram, type ProgramResult } from './program.js';
import { OptionsRecorder } from './recorder.js';
import { removeEntries } from './remove.js';
import { Session, type SessionOptions } from './session.js';

export type { SessionOptions as EngineOptions } from './session.js';

export type RunOptions = SessionOptions & {
  /** Full keys such as `telegram:images`. */
  readonly config: Readonly<Record<string, string>>;
  readonly secretKeys?: readonly string[];
} & ({ readonly programPath: string } | { readonly program: () => unknown });

export interface RunResult extends ProgramResult {
  readonly changes: Changes;
}

/** Brings everything to what the program says. */
export async function runEmbedded(options: RunOptions): Promise<RunResult> {
  return locked(options, 'up', async (session) => {
    const applied = new Applied(session);
    const { recorder } = applied;
    for (const key of options.secretKeys ?? []) session.redactor.learn(options.config[key]);
    const result = await runProgram({
      load: 'program' in options ? () => options.program : () => loadProgram(options.programPath),
      project: options.project,
      stack: options.stack,
      config: options.config,
      secretKeys: options.secretKeys ?? [],
      signal: session.signal,
      recorder,
      apply: (args) => applied.apply(args),
    });
    await removeEntries(
      session,
      session.state.entries().filter((entry) => !applied.seen.has(keyOf(entry.type, entry.name))),
    );
    session.state.reorder(applied.finished);
    return { ...result, changes: session.changes };
  });
}

/** Removes everything the state knows, in reverse order, after whatever is to go `first`; needs no program. */
export async function destroyEmbedded(
  options: SessionOptions,
  first: () => Promise<void> = () => Promise.resolve(),
): Promise<{ changes: Changes }> {
  return locked(options, 'destroy', async (session) => {
    await first();
    await removeEntries(session, session.state.entries());
    return { changes: session.changes };
  });
}

/** The next run replaces what has this name, though nothing about it changed. Returns how many there are. */
export async function markAgain(options: SessionOptions, name: string): Promise<number> {
  return locked(options, 'mark', ({ state }) => {
    const found = state.entries().filter((entry) => entry.name === name);
    for (const entry of found) state.put({ ...entry, status: 'again' }, state.unseal(entry));
    return Promise.resolve(found.length);
  });
}

/** Drops what is of these types from the state, without doing anything to what it stands for. Returns the names. */
export async function forgetEmbedded(options: SessionOptions, types: readonly string[]): Promise<string[]> {
  return locked(options, 'forget', ({ state }) => {
    const doomed = state.entries().filter(({ type }) => types.includes(type));
    for (const { type, name } of doomed) state.drop(keyOf(type, name));
    return Promise.resolve(doomed.map(({ name }) => name));
  });
}

async function locked<T>(options: SessionOptions, why: string, task: (session: Session) => Promise<T>): Promise<T> {
  const release = lockState(options.stateDir, why);
  try {
    return await task(new Session(options));
  } finally {
    release();
  }
}

/** Takes resources as the program makes them and remembers which. */
class Applied {
  readonly recorder: OptionsRecorder;
  readonly seen = new Set<string>();
  /** In the order in which they were done. */
  readonly finished: string[] = [];
  readonly #hosts = new Map<string, string>();

  constructor(private readonly session: Session) {
    this.recorder = new OptionsRecorder((secret) => {
      session.redactor.learn(secret);
    });
  }

  async apply(args: {
    readonly type: string;
    readonly name: string;
    readonly inputs: unknown;
    readonly provider?: string;
    readonly id?: string;
  }): Promise<{ id: string; state: Record<string, unknown> }> {
    const { session } = this;
    const { type, name } = args;
    const key = keyOf(type, name);
    try {
      this.#refuse(key, args.id);
      this.seen.add(key);
      const inputs = args.inputs as Values;
      const dockerHost = this.#hosts.get(args.provider?.split('::').at(-1) ?? '') ?? session.defaultHost;
      const result = await applyResource(session, {
        type,
        name,
        inputs,
        options: this.recorder.optionsOf(key),
        dockerHost,
      });
      if (type === 'pulumi:providers:docker' && typeof result.state['host'] === 'string')
        this.#hosts.set(result.id, result.state['host']);
      this.finished.push(key);
      return result;
    } catch (error) {
      if (error instanceof Halted) throw error;
      session.isHalted = true;
      const explained = session.explain(args, error);
      session.emit({ kind: 'failed', type, name, message: explained.message });
      throw explained;
    }
  }

  #refuse(key: string, existingId: string | undefined): void {
    if (this.seen.has(key)) {
      throw new EngineError(
        'ENGINE_UNSUPPORTED',
        `two resources are ${key}: the embedded engine tells them apart by type and name`,
      );
    }
    if (existingId !== undefined && existingId !== '') {
      throw new EngineError('ENGINE_UNSUPPORTED', `${key}: reading or importing an existing resource is not supported`);
    }
  }
}
