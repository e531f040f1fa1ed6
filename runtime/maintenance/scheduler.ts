/**
 * What the database needs done from time to time: policies, refreshing, forgetting.
 *
 * Promised: of all processes with a scheduler one runs a task at a time, and each task about as often as its row in
 *   `maintenance_tasks` says, across restarts; the wished retention counts from the start of the process on. The same on both
 *   editions of TimescaleDB: on TSL its own jobs do most of it, and the tasks here only set them.
 * Not promised: a moment. A task that failed is tried again within a minute or two, and its row says why it failed.
 * On failure: the task's transaction is rolled back. A database that is away is waited for.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../logger.js';
import { metrics } from '../metrics.js';
import type { Database } from '../store/database.js';
import {
  hastenTasks,
  runTask,
  takeTask,
  taskFailed,
  type MaintenanceTask,
  type Retention,
} from '../store/maintenance.js';

export interface SchedulerOptions {
  readonly database: Database;
  readonly retention: Retention;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Between two looks at what is due. @default one minute */
  readonly intervalMs?: number;
}

const MINUTE_MS = 60_000;

/** Resolves when `signal` has ended it, and what was running has come to its end. */
export async function runScheduler(options: SchedulerOptions): Promise<void> {
  const { database, logger, signal, intervalMs = MINUTE_MS } = options;
  const stopped = () => signal.aborted;
  let hastened = false;
  while (!stopped()) {
    try {
      // The days may have been changed since these ran.
      if (!hastened) await hastenTasks(database, ['policies', 'retention']);
      hastened = true;
      while (!stopped() && (await runDueTask(options)));
    } catch (error) {
      logger.warn({ err: error }, 'the scheduler could not look for what is due');
    }
    await delay(intervalMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Runs one task that is due; false when there is none. Rejects only when the database cannot be asked. */
export async function runDueTask({ database, retention, logger }: SchedulerOptions): Promise<boolean> {
  const startedAt = Date.now();
  let task = null as MaintenanceTask | null;
  try {
    await database.transaction(async (tx) => {
      task = await takeTask(tx);
      if (task) await runTask(tx, task, retention);
    });
    if (task === null) return false;
    metrics.maintenance.inc({ task, result: 'ok' });
    logger.info({ task, ms: Date.now() - startedAt }, 'maintenance done');
    return true;
  } catch (error) {
    if (task === null) throw error;
    metrics.maintenance.inc({ task, result: 'failed' });
    logger.error({ err: error, task }, 'maintenance failed, it is tried again');
    await taskFailed(database, task, error instanceof Error ? error.message : String(error), MINUTE_MS);
    return true;
  }
}
