/**
 * The CLI's own state where it is a folder of the stack's: what is wrong with it is told before the CLI meets it, whose words
 * for it help nobody, and what a killed run left is cleared.
 * Not looked at: a backend that somebody chose by PULUMI_BACKEND_URL, and compressed state.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../stack/errors.js';
import { isProcessAlive } from '../process-alive.js';
import { PROJECT, type StackFolder } from '../stack-folder.js';

const stateSchema = z.object({
  checkpoint: z.object({
    stack: z.string(),
    latest: z
      .object({
        resources: z.array(z.object({ id: z.string().optional() })).default([]),
        pending_operations: z.array(z.unknown()).default([]),
      })
      .nullish(),
  }),
});

const lockSchema = z.object({ pid: z.number(), username: z.string(), hostname: z.string(), timestamp: z.string() });
export type Lock = z.output<typeof lockSchema>;

export class FileBackend {
  constructor(private readonly folder: StackFolder) {}

  get #state(): string {
    return join(this.folder.backend, '.pulumi', 'stacks', PROJECT, `${this.folder.stack}.json`);
  }

  /** Null where the state is kept elsewhere, or there is none yet. */
  static of(folder: StackFolder): FileBackend | null {
    const backend = new FileBackend(folder);
    return process.env['PULUMI_BACKEND_URL'] || !existsSync(backend.#state) ? null : backend;
  }

  /** What the state knows; throws when it is damaged or another stack's. */
  read(): { readonly ids: ReadonlySet<string>; readonly hasPending: boolean } {
    const { stack, latest } = this.#parse().checkpoint;
    const wanted = `${PROJECT}/${this.folder.stack}`;
    if (stack !== wanted && !stack.endsWith(`/${wanted}`))
      throw new UserError('STATE_FOREIGN', `${this.#state} belongs to ${stack}, not to ${wanted}`);
    return {
      ids: new Set((latest?.resources ?? []).map(({ id }) => id ?? '')),
      hasPending: (latest?.pending_operations ?? []).length > 0,
    };
  }

  /** Runs that hold the stack, or were killed while they did. */
  locks(): Lock[] {
    const folder = join(this.folder.backend, '.pulumi', 'locks', 'organization', PROJECT, this.folder.stack);
    const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
    return files.flatMap((name) => {
      const parsed = lockSchema.safeParse(jsonOf(join(folder, name)));
      return parsed.success ? [parsed.data] : [];
    });
  }

  #parse(): z.output<typeof stateSchema> {
    const parsed = stateSchema.safeParse(jsonOf(this.#state));
    if (parsed.success) return parsed.data;
    const before = `${this.#state}.bak`;
    throw new UserError('STATE_DAMAGED', `${this.#state} is not readable as a state of the Pulumi CLI`, {
      ...(existsSync(before) && { fix: `cp '${before}' '${this.#state}' && npm run up` }),
    });
  }
}

/** Whether the process that took the lock is gone for sure: it was one of this machine. */
export function isDead({ pid, hostname: host }: Lock): boolean {
  return host === hostname() && !isProcessAlive(pid);
}

function jsonOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}
