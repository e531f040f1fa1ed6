import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Pool } from 'pg';
import { waitFor } from '../support/services.js';
import { connection, container, docker, flawless, inspect, ready, smoke } from '../support/test-stack.js';

describe('TimescaleDB restarts', () => {
  let pool: Pool;
  let startedAt: string;
  let backMs: number;
  beforeAll(async () => {
    const { host, port, user, password } = connection('pgbouncer');
    pool = new Pool({ host, port, user, password, database: 'telegram_gateway', max: 2 });
    pool.on('error', () => undefined);
    await pool.query('select 1');
    startedAt = (await inspect('pgbouncer')).State.StartedAt;
    const database = (await inspect('timescaledb')).State.StartedAt;
    const restarted = docker('restart', container('timescaledb'));
    const began = performance.now();
    await waitFor('restart', async () => (await inspect('timescaledb')).State.StartedAt !== database, 90_000);
    await waitFor(
      'an answer through PgBouncer',
      async () =>
        pool.query('select 1').then(
          () => true,
          () => false,
        ),
      90_000,
    );
    backMs = performance.now() - began;
    await restarted;
  }, 200_000);
  afterAll(async () => pool.end());

  it('D2 a client that tries again gets its answer through the same PgBouncer process', async () => {
    process.stderr.write(`    D2 database back through PgBouncer: ${(backMs / 1000).toFixed(1)} s\n`);
    expect((await inspect('pgbouncer')).State.StartedAt).toBe(startedAt);
    expect((await pool.query('select count(*) from telegram_gateway.messages')).rowCount).toBe(1);
  });

  it('N6 gateway, consumer and API find their way back by themselves', async () => {
    for (const service of ['gateway', 'consumer', 'api'] as const)
      await waitFor(service, async () => ready(service), 60_000);
    expect(smoke(50)).toMatchObject(flawless(50));
  }, 240_000);
});
