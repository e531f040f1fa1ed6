import { readEnvironment, type Environment } from '../config.js';
import { EXIT } from '../contract.js';
import { CredentialStore } from '../credentials.js';
import { RuntimeError } from '../errors.js';
import { createLogger } from '../logger.js';
import { GramjsLogin } from '../telegram/gramjs/login.js';
import { trustSimulator } from '../telegram/gramjs/simulator-trust.js';
import { createTalk } from './terminal.js';
import type { Talk } from './talk.js';

/** The simulator takes any application. */
const SIMULATOR_APP = { apiId: 1, apiHash: 'simulator' };

export interface Surroundings {
  readonly environment: Readonly<Environment>;
  readonly talk: Talk;
  /** Aborted by the time limit and by Ctrl-C. */
  readonly signal: AbortSignal;
  /** A client of its own, with the gateway's application; without a session it begins a new login. */
  readonly createPort: (session?: string) => GramjsLogin;
}

/**
 * Runs one command of a person: the gateway's own environment and credentials, a terminal or lines of stdin, a time limit.
 * Errors are said as everywhere in the project, and end the process with their exit code.
 */
export async function runCommand(limitMs: number, run: (surroundings: Surroundings) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const interrupt = () => {
    stop.abort(new RuntimeError('LOGIN_INPUT', 'interrupted'));
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const timer = setTimeout(() => {
    stop.abort(new RuntimeError('LOGIN_INPUT', `not finished within ${String(limitMs / 1_000)} s`));
  }, limitMs);
  const talk = createTalk({ input: process.stdin, output: process.stderr, signal: stop.signal });
  let code: number = EXIT.ok;
  try {
    const environment = readEnvironment(process.env);
    const logger = createLogger('login', environment.TELEGRAM_LOG_LEVEL === 'debug' ? 'debug' : 'silent');
    const endpoint = trustSimulator(environment);
    const createPort = (session = '') => {
      const credentials = new CredentialStore(environment.TELEGRAM_CREDENTIALS_FILE);
      const application = credentials.current.telegram ?? (endpoint ? SIMULATOR_APP : credentials.need('telegram'));
      return new GramjsLogin({ ...application, session, endpoint, logger });
    };
    await run({ environment, talk, signal: stop.signal, createPort });
  } catch (error) {
    code = explain(stop.signal.aborted ? stop.signal.reason : error);
  } finally {
    clearTimeout(timer);
    talk.close();
  }
  process.exit(code);
}

function explain(error: unknown): number {
  if (error instanceof RuntimeError) {
    const { code, message, fix, exitCode } = error;
    process.stderr.write(`✖ ${code} ${message}\n  fix:  ${fix}\n  docs: docs/errors.md#${code.toLowerCase()}\n`);
    return exitCode === EXIT.ok ? EXIT.failure : exitCode;
  }
  process.stderr.write(`✖ BUG ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return EXIT.failure;
}
