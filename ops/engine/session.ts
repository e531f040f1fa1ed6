import { createHash } from 'node:crypto';
import type Docker from 'dockerode';
import { keyOf } from './entry.js';
import { EngineError, StepError } from './errors.js';
import type { Changes, EngineAction, EngineEvent } from './events.js';
import { Gate } from './gate.js';
import { Redactor } from './redact.js';
import { connectDocker, DEFAULT_DOCKER_HOST, isUnreachable, reasonOf } from './resources/docker-client.js';
import type { Context } from './resources/handler.js';
import { HANDLERS } from './resources/index.js';
import { EngineState } from './state.js';

/** Resources applied at the same time; most of them only wait for a container. */
const PARALLEL = 8;

export interface SessionOptions {
  readonly project: string;
  readonly stack: string;
  /** Folder of the state, its key and its lock. */
  readonly stateDir: string;
  /** Daemon for resources that name no provider; default the local socket. */
  readonly dockerHost?: string;
  readonly onEvent?: (event: EngineEvent) => void;
  /** Ends the run: nothing new is started, what is under way is stopped or left for the next run. */
  readonly signal?: AbortSignal;
}

interface Named {
  readonly type: string;
  readonly name: string;
}

/** What all steps of one run share. */
export class Session {
  readonly state: EngineState;
  readonly redactor = new Redactor();
  readonly changes: Changes = { create: 0, update: 0, replace: 0, delete: 0, same: 0 };
  readonly gate = new Gate(PARALLEL);
  readonly heavyGate = new Gate(1);
  readonly signal: AbortSignal;
  readonly defaultHost: string;
  /** Set by the first failure: what still waits for its turn is not started any more. */
  isHalted = false;
  readonly #clients = new Map<string, Docker>();
  readonly #onEvent: (event: EngineEvent) => void;

  constructor(options: SessionOptions) {
    this.state = EngineState.open(options);
    this.signal = options.signal ?? new AbortController().signal;
    this.defaultHost = options.dockerHost ?? DEFAULT_DOCKER_HOST;
    this.#onEvent = options.onEvent ?? (() => undefined);
    this.#learnStored();
  }

  /** What earlier runs generated may show up in what is run or removed now. */
  #learnStored(): void {
    for (const entry of this.state.entries()) {
      const secret = HANDLERS[entry.type]?.secretOutputs ?? [];
      if (secret.length === 0) continue;
      const { outputs } = this.state.unseal(entry);
      for (const key of secret) this.redactor.learn(outputs[key]);
    }
  }

  docker(host: string): Docker {
    const known = this.#clients.get(host);
    if (known !== undefined) return known;
    const client = connectDocker(host);
    this.#clients.set(host, client);
    return client;
  }

  context({ type, name }: Named, dockerHost: string, checkpoint: (id: string) => void): Context {
    const { lineage } = this.state;
    // Pulumi gives such names seven random digits; these are stable and still differ between checkouts.
    const suffix = createHash('sha256')
      .update(`${lineage} ${keyOf(type, name)}`)
      .digest('hex')
      .slice(0, 7);
    return {
      type,
      name,
      autoName: `${name}-${suffix}`,
      lineage,
      docker: this.docker(dockerHost),
      signal: this.signal,
      line: (text) => {
        this.emit({ kind: 'output', type, name, line: this.redactor.clean(text) });
      },
      checkpoint,
    };
  }

  emit(event: EngineEvent): void {
    this.#onEvent(event);
  }

  /** Runs one step between its two events and counts it. */
  async track<T>({ type, name }: Named, action: EngineAction, reason: string, step: () => Promise<T>): Promise<T> {
    const started = Date.now();
    if (action !== 'same') this.emit({ kind: 'start', action, type, name, reason });
    const result = await step();
    if (action !== 'keep') this.changes[action] += 1;
    this.emit({ kind: 'done', action, type, name, ms: Date.now() - started });
    return result;
  }

  /** The error as the user sees it: which resource, what happened, no secret. */
  explain({ type, name }: Named, error: unknown): EngineError {
    if (this.signal.aborted) return new EngineError('ENGINE_INTERRUPTED', 'the run was interrupted');
    if (error instanceof EngineError) return error;
    const message = this.redactor.clean(`${name} (${type}): ${reasonOf(error)}`);
    if (isUnreachable(error)) return new EngineError('ENGINE_DOCKER_UNREACHABLE', message);
    if (error instanceof StepError) {
      return new EngineError(error.code, message, { details: error.details.map((line) => this.redactor.clean(line)) });
    }
    return new EngineError('ENGINE_RESOURCE_FAILED', message);
  }
}
