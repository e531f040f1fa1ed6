import { Client, type ClientConfig, type QueryResultRow } from 'pg';
import { DATABASE } from '../runtime/contract.js';
import { trust } from '../runtime/tls.js';
import { UserError } from '../stack/errors.js';
import type { StackOutputs } from '../stack/outputs.js';

/** Rows of one statement. */
export type Sql = <R extends QueryResultRow>(text: string, values?: readonly unknown[]) => Promise<R[]>;

/** Each statement on a connection of its own, bounded: the database may have been away a moment ago. */
export function sqlOn(config: ClientConfig): Sql {
  return async <R extends QueryResultRow>(text: string, values: readonly unknown[] = []) => {
    const client = new Client({ connectionTimeoutMillis: 10_000, query_timeout: 10_000, ...config });
    // A server that goes away in between is told by the query.
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.query<R>(text, [...values])).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  };
}

/** What reaches a service of a running stack that speaks PostgreSQL, with its own login. Without an address: NOT_UP. */
export function databaseAt(
  { services, logins, tlsAuthorities }: Pick<StackOutputs, 'services' | 'logins' | 'tlsAuthorities'>,
  service: string,
  database: string = DATABASE,
): ClientConfig {
  const address = services[service];
  if (!address) throw new UserError('NOT_UP', `${service} has no address`);
  const login = logins[service];
  const { host, port, tls } = address;
  const ssl = tls === true && trust(tlsAuthorities);
  return { host, port, database, user: login?.user, password: login?.password, ssl };
}
