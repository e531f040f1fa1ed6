import type { ClientConfig, QueryResultRow } from 'pg';
import { sqlOn } from '../../ops/sql.js';
import { DATABASE } from '../../runtime/contract.js';
import { connection } from './test-stack.js';

/** How the test stack's PostgreSQL, PgBouncer or PgBouncer's console is reached by the login of the named service. */
export function clientConfig(service: string, database: string = DATABASE): ClientConfig {
  const { host, port, user, password } = connection(service);
  return { host, port, user, password, database };
}

/** Rows of one statement by the login of a service; the database's own admin unless told otherwise. */
export function rowsOf<R extends QueryResultRow>(
  sql: string,
  values: readonly unknown[] = [],
  at: { readonly service?: string; readonly database?: string } = {},
): Promise<R[]> {
  return sqlOn({ ...clientConfig(at.service ?? 'timescaledb', at.database), query_timeout: 60_000 })<R>(sql, values);
}
