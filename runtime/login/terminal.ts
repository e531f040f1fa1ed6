import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import { RuntimeError } from '../errors.js';
import type { Talk } from './talk.js';

export interface TalkStreams {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** Everything for people; stdout is for results. */
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** Nobody answers any more: the time is over, or Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Talks with whoever is there: a terminal when both ends are one, else a script. */
export function createTalk(streams: TalkStreams): Talk & { close(): void } {
  return streams.input.isTTY && streams.output.isTTY ? new TerminalTalk(streams) : new ScriptTalk(streams);
}

/** A person at a terminal. */
class TerminalTalk implements Talk {
  readonly interactive = true;
  readonly #lines: Interface;
  /** Ctrl-D, or the terminal is gone. */
  readonly #hungUp = new AbortController();
  #hidden = false;
  #drawn = 0;

  constructor(private readonly streams: TalkStreams) {
    // What readline echoes goes through here; nothing does while a password is typed.
    const echo = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (!this.#hidden) streams.output.write(chunk);
        done();
      },
    });
    this.#lines = createInterface({ input: streams.input, output: echo, terminal: true });
    this.#lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    this.#lines.on('close', () => {
      this.#hungUp.abort();
    });
  }

  async ask(question: string): Promise<string> {
    this.#lines.setPrompt(`${question}: `);
    this.#lines.prompt();
    return (await this.#line(question)).trim();
  }

  async askSecret(question: string): Promise<string> {
    this.streams.output.write(`${question}: `);
    this.#hidden = true;
    try {
      return await this.#line(question);
    } finally {
      this.#hidden = false;
      this.streams.output.write('\n');
    }
  }

  say(text: string): void {
    this.streams.output.write(`${text}\n`);
  }

  draw(lines: readonly string[]): void {
    const up = this.#drawn === 0 ? '' : `\x1b[${String(this.#drawn)}A\x1b[J`;
    this.streams.output.write(up + lines.map((line) => `${line}\n`).join(''));
    this.#drawn = lines.length;
  }

  close(): void {
    this.#lines.close();
  }

  async #line(question: string): Promise<string> {
    const signal = AbortSignal.any([this.streams.signal, this.#hungUp.signal]);
    try {
      const [line] = (await once(this.#lines, 'line', { signal })) as [string];
      return line;
    } catch {
      throw noAnswer(question);
    }
  }
}

/** Answers prepared as lines of stdin, one a question in their order. */
class ScriptTalk implements Talk {
  readonly interactive = false;
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string, undefined>;

  constructor(private readonly streams: TalkStreams) {
    this.#lines = createInterface({ input: streams.input, terminal: false });
    this.#answers = this.#lines[Symbol.asyncIterator]();
    streams.signal.addEventListener('abort', () => {
      this.close();
    });
  }

  async ask(question: string): Promise<string> {
    return (await this.#next(question)).trim();
  }

  askSecret(question: string): Promise<string> {
    return this.#next(question);
  }

  say(text: string): void {
    this.streams.output.write(`${text}\n`);
  }

  draw(): void {
    // A log is no place for pictures.
  }

  close(): void {
    this.#lines.close();
  }

  async #next(question: string): Promise<string> {
    this.say(`${question}:`);
    const answer = await this.#answers.next();
    if (answer.done || this.streams.signal.aborted) throw noAnswer(question);
    return answer.value;
  }
}

function noAnswer(question: string): RuntimeError {
  return new RuntimeError('LOGIN_INPUT', `no answer to "${question}"`);
}
