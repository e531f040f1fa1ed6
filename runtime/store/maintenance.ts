/** The statements of the scheduler (sql/08_policies.sql). */
import { SCHEMA } from '../contract.js';
import type { Queryable, Statement } from './database.js';

/** A refresh on the Apache edition reads every stored message. */
const LONGEST_TASK_MS = 15 * 60_000;

export const MAINTENANCE_TASKS = ['policies', 'refresh_hourly', 'refresh_daily', 'retention'] as const;
export type MaintenanceTask = (typeof MAINTENANCE_TASKS)[number];

export interface Retention {
  /** 0 keeps for ever. */
  readonly messagesDays: number;
  /** 0 keeps for ever. */
  readonly outcomesDays: number;
}

/** The login's own limit is meant for queries that somebody waits for. */
const ALLOW_TIME: Statement = {
  name: 'maintenance_time',
  text: `select set_config('statement_timeout', $1, true)`,
};

/** A task that another process runs is locked, and left out. */
const TAKE: Statement = {
  name: 'maintenance_take',
  text: `select task from ${SCHEMA}.maintenance_tasks
          where due_at <= clock_timestamp() and task = any ($1) order by due_at limit 1
            for update skip locked`,
};

const DONE: Statement = {
  name: 'maintenance_done',
  text: `update ${SCHEMA}.maintenance_tasks
            set due_at = clock_timestamp() + every, succeeded_at = clock_timestamp(), last_error = null
          where task = $1`,
};

const FAILED: Statement = {
  name: 'maintenance_failed',
  text: `update ${SCHEMA}.maintenance_tasks
            set due_at = clock_timestamp() + $2 * interval '1 millisecond', last_error = $3
          where task = $1`,
};

const HASTEN: Statement = {
  name: 'maintenance_hasten',
  text: `update ${SCHEMA}.maintenance_tasks set due_at = least(due_at, now()) where task = any ($1)`,
};

const long = (name: string, text: string): Statement => ({ name, text, timeoutMs: LONGEST_TASK_MS });
const POLICIES = long('maintenance_policies', `select ${SCHEMA}.apply_policies($1, $2)`);
const REFRESH = long('maintenance_refresh', `select ${SCHEMA}.refresh_aggregate($1::text::regclass)`);
const FORGET_MESSAGES = long('maintenance_messages', `select * from ${SCHEMA}.cleanup_old_messages($1)`);
const FORGET_OUTCOMES = long('maintenance_outcomes', `select ${SCHEMA}.cleanup_old_outcomes($1)`);

/** Locks a task that is due until the end of the transaction; null when there is none. */
export async function takeTask(tx: Queryable): Promise<MaintenanceTask | null> {
  await tx.run(ALLOW_TIME, [String(LONGEST_TASK_MS)]);
  const { rows } = await tx.run<{ task: MaintenanceTask }>(TAKE, [MAINTENANCE_TASKS]);
  return rows[0]?.task ?? null;
}

export async function runTask(tx: Queryable, task: MaintenanceTask, retention: Retention): Promise<void> {
  const { messagesDays, outcomesDays } = retention;
  switch (task) {
    case 'policies':
      await tx.run(POLICIES, [messagesDays, outcomesDays]);
      break;
    case 'refresh_hourly':
      await tx.run(REFRESH, [`${SCHEMA}.messages_hourly`]);
      break;
    case 'refresh_daily':
      await tx.run(REFRESH, [`${SCHEMA}.messages_daily`]);
      break;
    case 'retention':
      if (messagesDays > 0) await tx.run(FORGET_MESSAGES, [messagesDays]);
      if (outcomesDays > 0) await tx.run(FORGET_OUTCOMES, [outcomesDays]);
      break;
  }
  await tx.run(DONE, [task]);
}

export async function taskFailed(database: Queryable, task: MaintenanceTask, error: string, retryMs: number) {
  await database.run(FAILED, [task, retryMs, error]);
}

/** Due now, whenever they were to run next. */
export async function hastenTasks(database: Queryable, tasks: readonly MaintenanceTask[]): Promise<void> {
  await database.run(HASTEN, [tasks]);
}
