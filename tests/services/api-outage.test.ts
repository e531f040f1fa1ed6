import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ApiBench, type Answer } from '../support/api.js';
import { range } from '../support/messages.js';
import { uniqueChannel, waitFor } from '../support/services.js';

let bench: ApiBench;
let channel: string;
beforeAll(async () => {
  bench = await ApiBench.start();
  channel = uniqueChannel();
  await bench.addMessages(channel, range(3));
});
afterAll(() => bench.close());
afterEach(() => {
  bench.toDatabase.heal();
  bench.toRedis.heal();
});

const READS = () => [
  `/v1/messages?channel=${channel}`,
  `/v1/messages/${channel}/1`,
  '/v1/channels',
  '/v1/stats',
  '/v1/export',
];

function expectAway({ status, headers, body }: Answer): void {
  expect([status, body.error?.code, headers.get('retry-after')]).toEqual([503, 'SERVICE_UNREACHABLE', '5']);
}

describe('the database away', () => {
  it('R8 is 503 with a time to come back, for reads and commands, and over when it is back', async () => {
    bench.toDatabase.cut();
    for (const path of READS()) expectAway(await bench.get(path));
    expectAway(await bench.post(`/v1/channels/${channel}/pause`));
    bench.toDatabase.heal();
    for (const path of READS()) expect((await bench.get(path)).status).toBe(200);
    const [row] = await bench.store.query('select status from telegram_gateway.channels');
    expect(row).toEqual({ status: 'active' });
  });

  it('R8 during requests: each ends in 200 or 503, and no connection stays behind', async () => {
    let asking = true;
    const seen = new Map<number, number>();
    const clients = range(8).map(async (client) => {
      for (let n = 0; asking; n++) {
        const { status } = await bench.get(
          `/v1/messages?channel=${channel}&limit=${String(1 + (n % 200))}&text=${String(client)}`,
        );
        seen.set(status, (seen.get(status) ?? 0) + 1);
      }
    });
    const answered = (status: number, count: number) =>
      waitFor(`answers ${String(status)}`, () => Promise.resolve((seen.get(status) ?? 0) >= count), 30_000);
    for (const _ of range(3)) {
      await answered(200, (seen.get(200) ?? 0) + 20);
      bench.toDatabase.cut();
      await answered(503, (seen.get(503) ?? 0) + 5);
      bench.toDatabase.heal();
    }
    await answered(200, (seen.get(200) ?? 0) + 20);
    asking = false;
    await Promise.all(clients);
    expect([...seen.keys()].sort()).toEqual([200, 503]);
    const open = async () =>
      (
        await bench.store.query<{ count: number }>(
          "select count(*)::integer from pg_stat_activity where datname = current_database() and application_name = 'test'",
        )
      )[0]?.count ?? 0;
    // The pool of the API and the one of the bench have four each.
    await waitFor('connections to be let go of', async () => (await open()) <= 8);
  }, 120_000);

  it('R8 a made key that was seen goes on, one that was never seen cannot be told from a wrong one', async () => {
    await bench.get('/v1/channels', { authorization: 'Bearer wrong' });
    bench.toDatabase.cut();
    expect((await bench.get('/v1/channels', { authorization: 'Bearer wrong' })).status).toBe(401);
    expectAway(await bench.get('/v1/channels'));
  });
});

describe('Redis away', () => {
  it('R8 nobody notices: the database answers', async () => {
    const path = `/v1/messages/${channel}/2`;
    const before = await bench.get(path);
    bench.toRedis.cut();
    const during = await bench.get(path);
    expect([during.status, during.text, during.headers.get('etag')]).toEqual([
      200,
      before.text,
      before.headers.get('etag'),
    ]);
    expect((await bench.get('/v1/stats')).status).toBe(200);
    bench.toRedis.heal();
    await waitFor('Redis', () => Promise.resolve(bench.redis.status === 'ready'));
    expect((await bench.get(path)).status).toBe(200);
  });
});
