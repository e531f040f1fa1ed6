import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { z } from 'zod';
import { RuntimeError } from '../errors.js';
import { clientConfig, databaseLogin } from './database-login.js';

export const waitInput = z.strictObject({
  /** Any of: a TCP port that accepts, a URL that answers 2xx, a database that takes this login. */
  endpoint: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('tcp'), host: z.string(), port: z.number().int() }),
    z.strictObject({ type: z.literal('http'), url: z.url() }),
    z.strictObject({ type: z.literal('database'), database: databaseLogin }),
  ]),
  timeoutMs: z.number().int().positive().default(60_000),
});
type Endpoint = z.output<typeof waitInput>['endpoint'];

const PROBE_TIMEOUT_MS = 2_000;
const PAUSE_MS = 250;

/** Resolves with the milliseconds it took; rejects after the deadline, naming the last reason. */
export async function wait(input: unknown): Promise<number> {
  const { endpoint, timeoutMs } = waitInput.parse(input);
  const startedAt = Date.now();
  for (;;) {
    try {
      await probe(endpoint);
      return Date.now() - startedAt;
    } catch (cause) {
      if (Date.now() - startedAt + PAUSE_MS >= timeoutMs)
        throw new RuntimeError(
          'SERVICE_UNREACHABLE',
          `${nameOf(endpoint)} did not answer within ${String(timeoutMs)} ms`,
          {
            cause,
          },
        );
    }
    await delay(PAUSE_MS);
  }
}

function nameOf(endpoint: Endpoint): string {
  if (endpoint.type === 'http') return endpoint.url;
  const { host, port } = endpoint.type === 'tcp' ? endpoint : endpoint.database;
  return `${host}:${String(port)}`;
}

async function probe(endpoint: Endpoint): Promise<void> {
  switch (endpoint.type) {
    case 'tcp':
      return probeTcp(endpoint.host, endpoint.port);
    case 'http': {
      const response = await fetch(endpoint.url, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
      if (!response.ok) throw new Error(`status ${String(response.status)}`);
      return;
    }
    case 'database': {
      const client = new Client({ ...clientConfig(endpoint.database), connectionTimeoutMillis: PROBE_TIMEOUT_MS });
      client.on('error', () => undefined);
      try {
        await client.connect();
        await client.query('select 1');
      } finally {
        await client.end().catch(() => undefined);
      }
    }
  }
}

function probeTcp(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: PROBE_TIMEOUT_MS });
    const settle = (error?: Error) => {
      socket.destroy();
      if (error) reject(error);
      else resolve();
    };
    socket.once('connect', () => {
      settle();
    });
    socket.once('error', settle);
    socket.once('timeout', () => {
      settle(new Error('no answer'));
    });
  });
}
