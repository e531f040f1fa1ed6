/**
 * What the engine knows of the things it made.
 * Promised: the file is always a whole one (temporary file, fsync, rename), written after every step, so that a killed run goes
 * on where it stopped; inputs and outputs of every entry are encrypted as one blob, whether the program marked them secret or not.
 * Not promised: that names, types and ids are hidden; protection from somebody who also has the key file beside it.
 * On failure: a damaged or foreign file is refused before anything is touched.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { entrySchema, keyOf, type Entry, type Sealed } from './entry.js';
import { EngineError } from './errors.js';
import { openKey, seal, unseal } from './seal.js';

export const STATE_FILE = 'engine-state.json';
const VERSION = 1;

const fileSchema = z.strictObject({
  version: z.literal(VERSION),
  project: z.string(),
  stack: z.string(),
  /** Marks in Docker what this very state made: another checkout of the same stack has another one. */
  lineage: z.string(),
  entries: z.record(z.string(), entrySchema),
});

export class EngineState {
  readonly #file: string;
  readonly #content: z.output<typeof fileSchema>;

  private constructor(
    private readonly stateDir: string,
    readonly key: Buffer,
    content: z.output<typeof fileSchema>,
  ) {
    this.#file = join(stateDir, STATE_FILE);
    this.#content = content;
  }

  /** Opens the state of this stack, or starts an empty one; nothing is written until the first entry. */
  static open(where: { stateDir: string; project: string; stack: string }): EngineState {
    mkdirSync(where.stateDir, { recursive: true, mode: 0o700 });
    const file = join(where.stateDir, STATE_FILE);
    const exists = existsSync(file);
    const content = exists
      ? parse(file)
      : { version: VERSION as 1, project: where.project, stack: where.stack, lineage: randomUUID(), entries: {} };
    if (content.project !== where.project || content.stack !== where.stack) {
      throw new EngineError(
        'ENGINE_STATE_FOREIGN',
        `${file} belongs to ${content.project}/${content.stack}, not to ${where.project}/${where.stack}`,
      );
    }
    return new EngineState(where.stateDir, openKey(where.stateDir, exists), content);
  }

  get lineage(): string {
    return this.#content.lineage;
  }

  entries(): readonly Entry[] {
    return Object.values(this.#content.entries);
  }

  get(key: string): Entry | undefined {
    return this.#content.entries[key];
  }

  unseal(entry: Entry): Sealed {
    try {
      return unseal(this.key, keyOf(entry.type, entry.name), entry.sealed) as Sealed;
    } catch (cause) {
      throw new EngineError(
        'ENGINE_STATE_DAMAGED',
        `${this.#file}: ${entry.name} does not open with the key beside it`,
        { cause },
      );
    }
  }

  /** Stores an entry and writes the file before it returns. */
  put(entry: Omit<Entry, 'sealed'>, content: Sealed): void {
    const key = keyOf(entry.type, entry.name);
    this.#content.entries[key] = { ...entry, sealed: seal(this.key, key, content) };
    this.#write();
  }

  drop(key: string): void {
    this.#content.entries = Object.fromEntries(
      Object.entries(this.#content.entries).filter(([other]) => other !== key),
    );
    this.#write();
  }

  /** Order for something new: after everything known. */
  nextOrder(): number {
    return Math.max(0, ...this.entries().map((entry) => entry.order)) + 1;
  }

  /** After a whole run the order in which things were finished is the order of their dependencies. */
  reorder(finished: readonly string[]): void {
    const before = this.entries().map((entry) => entry.order);
    for (const [index, key] of finished.entries()) {
      const entry = this.#content.entries[key];
      if (entry !== undefined) entry.order = index + 1;
    }
    if (this.entries().some((entry, index) => entry.order !== before[index])) this.#write();
  }

  #write(): void {
    const temporary = `${this.#file}.new`;
    const handle = openSync(temporary, 'w', 0o600);
    try {
      writeFileSync(handle, `${JSON.stringify(this.#content, null, 1)}\n`);
      fsyncSync(handle);
    } catch (cause) {
      // The message of a write by handle does not say of what.
      throw new Error(`${(cause as Error).message} (${temporary})`, { cause });
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, this.#file);
    const folder = openSync(this.stateDir, 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  }
}

function parse(file: string): z.output<typeof fileSchema> {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new EngineError('ENGINE_STATE_DAMAGED', `${file} is not readable as a state file`, { cause });
  }
  const found = (content as { version?: unknown } | null)?.version;
  if (found !== VERSION) {
    throw new EngineError(
      'ENGINE_STATE_DAMAGED',
      `${file} has version ${String(found)}, this engine reads ${String(VERSION)}`,
    );
  }
  const parsed = fileSchema.safeParse(content);
  if (!parsed.success) {
    const where = parsed.error.issues.map((issue) => issue.path.join('.') || 'top level').join(', ');
    throw new EngineError('ENGINE_STATE_DAMAGED', `${file} is damaged at ${where}`);
  }
  return parsed.data;
}
