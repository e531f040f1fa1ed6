import { Client } from 'pg';
import { clientConfig, rowsOf } from './database.js';
import { waitFor } from './services.js';

const BOUND_MS = 60_000;

export function clientOf(service: string): Client {
  const client = new Client(clientConfig(service));
  client.on('error', () => undefined);
  return client;
}

/**
 * One role has two server connections (a tenth of twenty): two transactions hold them. PgBouncer sends a client away that has
 * waited for ten seconds, so others come at intervals: at any time one of them waits.
 */
export async function exhaustPool(signal: AbortSignal): Promise<void> {
  const clients: Client[] = [];
  const connected = async () => {
    const client = clientOf('pgbouncer');
    clients.push(client);
    await client.connect();
    return client;
  };
  signal.addEventListener('abort', () => {
    for (const client of clients) client.end().catch(() => undefined);
  });
  await Promise.all([1, 2].map(async () => (await connected()).query('begin; select 1')));
  const come = (): void => {
    if (signal.aborted) return;
    connected()
      .then(async (client) => client.query('select 1'))
      .catch(() => undefined);
  };
  come();
  const timer = setInterval(come, 2_000);
  signal.addEventListener('abort', () => {
    clearInterval(timer);
  });
  await waitFor('a client that waits', async () => (await longestWait()) > 1, BOUND_MS);
}

/** In seconds, over all pools. */
async function longestWait(): Promise<number> {
  const rows = await rowsOf<{ maxwait: string }>('show pools', [], {
    service: 'pgbouncer-admin',
    database: 'pgbouncer',
  });
  return Math.max(...rows.map(({ maxwait }) => Number(maxwait)));
}
