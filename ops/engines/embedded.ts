import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../stack/errors.js';
import type { StackOutputs } from '../../stack/outputs.js';
import type { EngineEvent } from '../engine/events.js';
import { EngineError } from '../engine/errors.js';
import type { EngineOptions } from '../engine/run.js';
import { openKey, seal, unseal } from '../engine/seal.js';
import { STATE_FILE } from '../engine/state.js';
import { duration, say } from '../output.js';
import { PROJECT, ROOT, type StackFolder } from '../stack-folder.js';
import type { Changes, Engine } from './engine.js';
import { toolError } from './explain.js';
import { keptWords } from './kept-data.js';
import { withPortHolder } from './port-taken.js';
import { removeLeftOneShots, removeOneShots } from './left-one-shots.js';

/** Everything over SSH is on the gateway host. */
const REMOTE = ['command:remote:Command', 'command:remote:CopyToRemote'];

/** The project's own engine: the same program, applied to Docker and over SSH in this process. */
export class EmbeddedEngine implements Engine {
  readonly name = 'embedded';

  constructor(private readonly folder: StackFolder) {}

  async up(): Promise<Changes> {
    const config = this.folder.readConfig();
    refuseEncrypted(config);
    process.chdir(ROOT);
    this.folder.settle('embedded');
    await removeLeftOneShots(this.folder.dockers, this.folder.instance);
    // Pulumi's SDK takes half a second to load: only where it is needed.
    const { runEmbedded } = await import('../engine/run.js');
    try {
      const { outputs, changes } = await untilInterrupted((signal) =>
        withoutStdout(() => runEmbedded({ ...this.#options(signal), config, programPath: join(ROOT, 'index.ts') })),
      );
      this.#save(outputs as unknown as StackOutputs);
      return changes;
    } catch (error) {
      // Nothing was made, so nothing binds the stack to this engine.
      if (!existsSync(join(this.folder.path, STATE_FILE))) this.folder.forget();
      throw await withPortHolder(this.#explain(error), this.folder.dockers);
    }
  }

  /** What the program or a tool of the runtime refused is said in its own words, with the file to correct. */
  #explain(error: unknown): unknown {
    if (error instanceof EngineError) return toolError(error.details) ?? error;
    if (!(error instanceof Error && error.cause instanceof UserError)) return error;
    const { cause } = error;
    if (cause.code !== 'CONFIG') return cause;
    return new UserError('CONFIG', cause.message, {
      cause,
      fix: `Correct the named keys in ${this.folder.configFile}; docs/configuration.md lists them all.`,
    });
  }

  async destroy(): Promise<void> {
    process.chdir(ROOT);
    const { destroyEmbedded } = await import('../engine/run.js');
    const first = () => removeOneShots(this.folder.dockers, this.folder.instance);
    await untilInterrupted((signal) => destroyEmbedded(this.#options(signal), first));
    rmSync(this.#file, { force: true });
  }

  async config(): Promise<Readonly<Record<string, string>>> {
    return Promise.resolve(this.folder.readConfig());
  }

  async again(name: string): Promise<void> {
    const { markAgain } = await import('../engine/run.js');
    await untilInterrupted((signal) => markAgain(this.#options(signal), name));
  }

  async forgetGateway(): Promise<void> {
    const { forgetEmbedded } = await import('../engine/run.js');
    await untilInterrupted((signal) => forgetEmbedded(this.#options(signal), REMOTE));
  }

  async outputs(): Promise<StackOutputs | null> {
    if (!existsSync(this.#file)) return Promise.resolve(null);
    const key = openKey(this.folder.path, true);
    try {
      return await Promise.resolve(unseal(key, 'outputs', readFileSync(this.#file, 'utf8')) as StackOutputs);
    } catch (cause) {
      const message = `${this.#file} does not open with the key beside it`;
      throw new EngineError('ENGINE_STATE_DAMAGED', message, { cause });
    }
  }

  #options(signal: AbortSignal): EngineOptions {
    return { project: PROJECT, stack: this.folder.stack, stateDir: this.folder.path, onEvent: show, signal };
  }

  get #file(): string {
    return join(this.folder.path, 'outputs.sealed');
  }

  #save(outputs: StackOutputs): void {
    writeFileSync(this.#file, seal(openKey(this.folder.path, true), 'outputs', outputs), { mode: 0o600 });
  }
}

/** Values that the CLI encrypted can be read by nobody else. */
function refuseEncrypted(config: Readonly<Record<string, string>>): void {
  const encrypted = Object.entries(config).filter(([, text]) => text.includes('"secure":'));
  if (encrypted.length > 0)
    throw new UserError('CONFIG', `${encrypted.map(([key]) => key).join(', ')}: encrypted by the Pulumi CLI`, {
      fix: 'Use the Pulumi CLI for this stack, or write the value in plain into the working copy in .stack/ (0600).',
    });
}

/** What the program logs is progress, and stdout is for results; without an engine Pulumi's log goes to the console. */
async function withoutStdout<T>(run: () => Promise<T>): Promise<T> {
  const { log } = console;
  console.log = (text: unknown) => {
    say(String(text).replace(/^info: \[runtime\] /, '• '));
  };
  try {
    return await run();
  } finally {
    console.log = log;
  }
}

/** One Ctrl-C ends the run at the next safe point; what was done is recorded. */
async function untilInterrupted<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const interrupt = () => {
    controller.abort();
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    return await run(controller.signal);
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

/** One line a finished resource; build output only when asked for. */
function show(event: EngineEvent): void {
  if ('action' in event && event.action === 'keep') {
    if (event.kind === 'done') say(keptWords(event.name));
    return;
  }
  const kind = event.type.split(':').at(-1) ?? event.type;
  if (event.kind === 'done' && event.action !== 'same')
    say(`  ${event.action.padEnd(8)} ${kind} ${event.name} (${duration(event.ms)})`);
  if (event.kind === 'start' && event.action !== 'create') say(`  … ${event.action} ${event.name}: ${event.reason}`);
  if (event.kind === 'failed') say(`  failed   ${kind} ${event.name}`);
  if (event.kind === 'output' && process.env['DEBUG']) say(`    ${event.name}: ${event.line}`);
}
