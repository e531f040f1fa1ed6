import { Client, type ClientConfig, type QueryResultRow } from 'pg';

/** Rows of one statement. */
export type Sql = <R extends QueryResultRow>(text: string, values?: readonly unknown[]) => Promise<R[]>;

/** Each statement on a connection of its own, bounded: the database may have been away a moment ago. */
export function sqlOn(config: ClientConfig): Sql {
  return async <R extends QueryResultRow>(text: string, values: readonly unknown[] = []) => {
    const client = new Client({ ...config, connectionTimeoutMillis: 10_000, query_timeout: 120_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.query<R>(text, [...values])).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  };
}
