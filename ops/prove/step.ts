import type { DockerHost } from '../../stack/docker-host.js';
import type { RunningStack } from '../context.js';
import type { Command, Told } from './command.js';
import type { Expectation } from './surroundings.js';

export interface Surroundings {
  readonly command: Command;
  /** `telegram:namePrefix` of the stack. */
  readonly prefix: string;
  /** Every Docker host that the stack file names. */
  readonly dockers: readonly DockerHost[];
  /** Null before the first `up`. */
  readonly engine: () => 'pulumi' | 'embedded' | null;
  /** The stack, once it is up. */
  readonly stack: () => Promise<RunningStack>;
  /** What the machine is to be like. */
  readonly expected: readonly Expectation[];
}

/** Worth keeping of what a step has seen. */
export type Figures = Readonly<Record<string, unknown>>;

export interface Step {
  /** What has been shown when it passed. */
  readonly shows: string;
  /** The engine without which there is nothing to show. */
  readonly needs?: 'pulumi';
  /** Done also after a failure: it cleans up. @default false */
  readonly always?: boolean;
  /** Throws, best `NotProven`, or returns the figures worth keeping. */
  readonly run: (surroundings: Surroundings) => Promise<Figures>;
}

/** A step that did not show what it should. */
export class NotProven extends Error {
  override readonly name = 'NotProven';

  constructor(
    message: string,
    /** What there was to see. */
    readonly figures: Figures = {},
  ) {
    super(message);
  }
}

/** Last lines of a failed command that go into the proof. */
const LAST_LINES = 20;

/** A command that has to succeed; its own last words are among the figures when it does not. */
export async function must(command: Command, name: string, args: readonly string[] = []): Promise<Told> {
  const told = await command(name, args);
  if (told.code === 0) return told;
  const how = told.signal ? `was ended by ${told.signal}` : `ended with ${String(told.code)}`;
  throw new NotProven(`\`npm run ${name}\` ${how}`, { said: told.stderr.trimEnd().split('\n').slice(-LAST_LINES) });
}
