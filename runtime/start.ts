import { readEnvironment, type Environment } from './config.js';
import { EXIT } from './contract.js';
import { CredentialStore } from './credentials.js';
import { RuntimeError } from './errors.js';
import { createLogger, type Logger } from './logger.js';
import { collectProcessMetrics, metrics } from './metrics.js';
import { Shutdown } from './shutdown.js';

/** What every long-running process stands on. */
export interface ProcessContext {
  readonly environment: Readonly<Environment>;
  readonly logger: Logger;
  readonly shutdown: Shutdown;
}

/** The same of a process that has credentials. */
export interface CredentialedContext extends ProcessContext {
  readonly credentials: CredentialStore;
}

/**
 * Runs one long-running process: environment, logger, process metrics, signals, then `run`. What fails before the process
 * stands ends it with the error's own exit code, so that systemd knows what is worth a restart.
 */
export async function startProcess(name: string, run: (context: ProcessContext) => Promise<unknown>): Promise<void> {
  let logger = createLogger(name, 'info');
  try {
    const environment = readEnvironment(process.env);
    logger = createLogger(name, environment.TELEGRAM_LOG_LEVEL);
    const shutdown = new Shutdown(logger, environment.TELEGRAM_SHUTDOWN_DEADLINE_MS);
    shutdown.listen();
    catchStray(logger, shutdown);
    collectProcessMetrics();
    await run({ environment, logger, shutdown });
  } catch (error) {
    fail(logger, error);
  }
}

/** The same for a process that has credentials. */
export async function startWithCredentials(
  name: string,
  run: (context: CredentialedContext) => Promise<unknown>,
): Promise<void> {
  await startProcess(name, (context) =>
    run({ ...context, credentials: new CredentialStore(context.environment.TELEGRAM_CREDENTIALS_FILE) }),
  );
}

/**
 * Errors that nobody waits for. A rejection is counted and named, and the process goes on: the Telegram library leaves
 * some behind, and one that mattered shows in readiness or is left to the watchdog. An exception leaves the process in an
 * unknown state: it stops in an orderly way and is started again.
 */
function catchStray(logger: Logger, shutdown: Shutdown): void {
  process.on('unhandledRejection', (reason) => {
    metrics.failed.inc({ stage: 'unhandled' });
    logger.error({ err: reason }, 'a rejection was handled by nobody');
  });
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'the process cannot go on');
    void shutdown.stop(EXIT.failure);
  });
}

/** One fatal line, then the exit code that the error asks for. */
function fail(logger: Logger, error: unknown): never {
  const expected = error instanceof RuntimeError;
  logger.fatal({ err: error, ...(expected && { code: error.code, fix: error.fix }) }, 'the process cannot start');
  process.exit(expected ? error.exitCode : EXIT.failure);
}
