import { StepError } from '../errors.js';

const LAST_LINES = 20;

/** How a command reports while it runs; `none` shows nothing. */
export type Logging = 'none' | 'stdout' | 'stderr' | 'stdoutAndStderr';

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
}

/** Collects both outputs of a command, passes whole lines on, and turns its end into a result or an error. */
export class CommandOutput {
  readonly #collected = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  readonly #rest = { stdout: '', stderr: '' };

  constructor(
    private readonly logging: Logging,
    private readonly line: (text: string) => void,
  ) {}

  add(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    this.#collected[stream].push(chunk);
    if (this.logging !== 'stdoutAndStderr' && this.logging !== stream) return;
    const lines = (this.#rest[stream] + chunk.toString('utf8')).split('\n');
    this.#rest[stream] = lines.pop() ?? '';
    for (const text of lines) this.line(text);
  }

  /** All that was said so far. */
  get texts(): { readonly stdout: string; readonly stderr: string } {
    const { stdout, stderr } = this.#collected;
    return { stdout: Buffer.concat(stdout).toString('utf8'), stderr: Buffer.concat(stderr).toString('utf8') };
  }

  /** Outputs as Pulumi's provider gives them: without the last newline. */
  finish({ code, signal }: Ended): { stdout: string; stderr: string } {
    for (const rest of Object.values(this.#rest)) if (rest !== '') this.line(rest);
    const { stdout, stderr } = this.texts;
    if (code !== 0) {
      const how = code === null ? `ended by ${signal ?? 'an unknown signal'}` : `exit code ${String(code)}`;
      throw new StepError(`command failed, ${how}`, lastLines(stderr.trim() === '' ? stdout : stderr));
    }
    return { stdout: stdout.replace(/\n$/, ''), stderr: stderr.replace(/\n$/, '') };
  }
}

/** The end of what a command said, without empty lines. */
export function lastLines(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-LAST_LINES);
}
