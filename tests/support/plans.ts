import { Client } from 'pg';
import type { TestDatabase } from './services.js';

/** The plan of one statement, as text, and how long it ran, in milliseconds. */
export async function explain(
  database: TestDatabase,
  statement: string,
): Promise<{ readonly plan: string; readonly ms: number }> {
  const rows = await database.query<{ 'QUERY PLAN': string }>(
    `explain (analyze, costs off, timing off, buffers off) ${statement}`,
  );
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  return { plan, ms: Number(/^Execution Time: (\S+) ms$/m.exec(plan)?.[1]) };
}

/**
 * The plans of every statement that runs inside the functions that `statement` calls, as they were executed. What it does is
 * rolled back. `before` runs on the same connection, whose plans are kept.
 */
export async function plansInside(
  database: TestDatabase,
  statement: string,
  before: (client: Client) => Promise<void> = () => Promise.resolve(),
): Promise<readonly string[]> {
  const client = new Client(database.config);
  const plans: string[] = [];
  client.on('notice', ({ message }) => {
    if (message?.includes('plan:')) plans.push(message);
  });
  await client.connect();
  try {
    await before(client);
    await client.query(`load 'auto_explain'; set auto_explain.log_min_duration = 0; set client_min_messages = log;
                        set auto_explain.log_nested_statements = on; set auto_explain.log_analyze = on`);
    await client.query('begin');
    plans.length = 0;
    await client.query(statement);
    await client.query('rollback');
  } finally {
    await client.end();
  }
  return plans;
}
