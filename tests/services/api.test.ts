import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fastify from 'fastify';
import { Answers } from '../../runtime/api/answers.js';
import { listen } from '../../runtime/http/health-server.js';
import { hashApiKey } from '../../runtime/store/api-keys.js';
import { ApiBench } from '../support/api.js';
import { range } from '../support/messages.js';
import { connectRedis, describeOnEachEngine, uniqueChannel, uniqueName, waitFor } from '../support/services.js';

describeOnEachEngine('the API on a real database and Redis', (engine) => {
  let bench: ApiBench;

  beforeAll(async () => {
    bench = await ApiBench.start({}, engine);
  });
  afterAll(() => bench.close());

  /** Ids of all pages, `perPage` at a time; `between` happens after each. */
  async function allPages(query: string, between: () => Promise<void> = () => Promise.resolve()): Promise<string[]> {
    const ids: string[] = [];
    let cursor = '';
    do {
      const { status, body } = await bench.get(`/v1/messages?${query}${cursor}`);
      expect(status).toBe(200);
      ids.push(...(body.messages ?? []).map(({ messageId }) => messageId));
      cursor = body.next ? `&cursor=${body.next}` : '';
      await between();
    } while (cursor !== '');
    return ids;
  }

  it('R8 pages neither overlap nor skip while messages arrive', async () => {
    const channel = uniqueChannel();
    await bench.addMessages(channel, range(25));
    let newest = 25;
    const arrive = () => bench.addMessages(channel, [++newest, ++newest]);
    const ids = await allPages(`channel=${channel}&limit=4`, arrive);
    expect(ids).toEqual(range(25).reverse().map(String));
    expect(await allPages(`channel=${channel}&limit=7&order=asc`)).toEqual(range(newest).map(String));
  });

  it('R8 finds by time and by text as it is written', async () => {
    const channel = uniqueChannel();
    await bench.addMessages(
      channel,
      range(4),
      (id) => ['', 'plain', '100% sure', 'a_b', String.raw`back\slash`][id] ?? '',
    );
    const found = async (query: string) => allPages(`channel=${channel}&order=asc&${query}`);
    expect(await found('text=PLAIN')).toEqual(['1']);
    expect(await found('text=%25')).toEqual(['2']);
    expect(await found('text=_')).toEqual(['3']);
    expect(await found('text=%5C')).toEqual(['4']);
    expect(await found(`text=${encodeURIComponent("' or 1=1 --")}`)).toEqual([]);
    // Message n of the bench was posted n seconds after midnight.
    expect(await found('from=2026-11-20T00:00:02Z&to=2026-11-20T02:00:04%2B02:00')).toEqual(['2', '3']);
  });

  it('R8 tells all versions of a message, its newest text, and its deletion', async () => {
    const channel = uniqueChannel();
    await bench.addMessages(channel, [1]);
    const at = (second: number) => new Date(Date.UTC(2026, 10, 21, 0, 0, second)).toISOString();
    await bench.store.query(
      `insert into telegram_gateway.message_versions
         (channel_id, message_id, posted_at, version, edited_at, account_id, received_at, source, text, raw, content_sha256)
       select channel_id, message_id, posted_at, v, $2::timestamptz + v * interval '1 second', account_id, $2, 'push',
              'text ' || v, raw, decode(lpad(v::text, 64, '0'), 'hex')
         from telegram_gateway.messages, generate_series(2, 3) v where channel_id = $1`,
      [channel, at(0)],
    );
    await bench.store.query(
      `insert into telegram_gateway.message_tombstones (channel_id, message_id, account_id, deleted_at, source)
       values ($1, 1, 'test', $2, 'push')`,
      [channel, at(9)],
    );
    const latest = {
      channelId: channel,
      messageId: '1',
      text: 'text 3',
      version: 3,
      editedAt: at(3),
      deletedAt: at(9),
    };
    expect((await bench.get(`/v1/messages?channel=${channel}`)).body.messages).toMatchObject([latest]);
    const { body } = await bench.get(`/v1/messages/${channel}/1`);
    expect(body).toMatchObject(latest);
    expect(body.versions).toMatchObject([
      { version: 1, editedAt: null, text: 'message 1' },
      { version: 2, editedAt: at(2), text: 'text 2' },
      { version: 3, editedAt: at(3), text: 'text 3' },
    ]);
    expect((await bench.get(`/v1/messages/${channel}/2`)).status).toBe(404);
  });

  it('R8 keeps every digit of an id', async () => {
    const channel = '9223372036854775807';
    await bench.addMessages(channel, [1]);
    expect((await bench.get(`/v1/messages?channel=${channel}`)).body.messages).toMatchObject([{ channelId: channel }]);
    expect((await bench.get('/v1/messages?channel=9223372036854775808')).status).toBe(400);
  });

  it('R8 answers from Redis what was just asked, and 304 to whoever has it', async () => {
    const channel = uniqueChannel();
    await bench.addMessages(channel, [1]);
    const path = `/v1/messages/${channel}/1`;
    const first = await bench.get(path);
    const before = bench.queries;
    const second = await bench.get(path);
    expect([second.text, second.headers.get('etag')]).toEqual([first.text, first.headers.get('etag')]);
    // A key is looked at every now and then; the message is not read again.
    expect(bench.queries - before).toBeLessThan(2);
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]{22}"$/);
    const third = await bench.get(path, { 'if-none-match': `"other", W/${etag}` });
    expect([third.status, third.text, third.headers.get('etag')]).toEqual([304, '', etag]);
    await bench.store.query(
      `insert into telegram_gateway.message_tombstones (channel_id, message_id, account_id, deleted_at, source)
       values ($1, 1, 'test', now(), 'push')`,
      [channel],
    );
    await waitFor('the copy to expire', async () => (await bench.get(path)).body.deletedAt !== null);
  });

  it('R8 asks the database once for what many ask at the same time', async () => {
    const channel = uniqueChannel();
    await bench.addMessages(channel, [1]);
    await bench.get('/v1/channels');
    const before = bench.queries;
    const answers = await Promise.all(range(50).map(() => bench.get(`/v1/messages?channel=${channel}`)));
    expect(new Set(answers.map(({ status, text }) => `${String(status)} ${text}`)).size).toBe(1);
    expect(bench.queries - before).toBeLessThan(20);
  });

  it('R8 takes both generated keys and a made one, and none that is absent, wrong or revoked', async () => {
    const status = async (authorization: string) => (await bench.get('/v1/stats', { authorization })).status;
    const made = 'made-key-0123456789';
    await bench.store.query(
      "insert into telegram_gateway.api_keys (name, key_sha256) values ('reports', decode($1, 'hex'))",
      [hashApiKey(made)],
    );
    expect(await status('Bearer slot-a')).toBe(200);
    expect(await status('bearer slot-b')).toBe(200);
    await waitFor('the made key', async () => (await status(`Bearer ${made}`)) === 200);
    await bench.store.query("update telegram_gateway.api_keys set revoked_at = now() where name = 'reports'");
    await waitFor('the revocation', async () => (await status(`Bearer ${made}`)) === 401);
    for (const wrong of ['', 'Bearer', 'Bearer ', 'Bearer wrong', 'Basic c2xvdC1hOg==', `Bearer ${'x'.repeat(5_000)}`])
      expect(await status(wrong)).toBe(401);
    const { headers, body } = await bench.get('/v1/stats', { authorization: 'Bearer wrong' });
    expect(headers.get('www-authenticate')).toBe('Bearer');
    expect(body.error).toMatchObject({ code: 'API_KEY', docs: 'docs/errors.md#api_key' });
  });

  it('R8 counts messages, channels and what is not finished', async () => {
    const channel = uniqueChannel();
    const now = Math.floor(Date.now() / 1_000);
    await bench.store.query(
      `insert into telegram_gateway.messages (channel_id, message_id, posted_at, account_id, received_at, source, kind, text, raw)
       select $1, n, to_timestamp($2::float8 - n), 'test', now(), 'difference', 'message', 'x', '' from generate_series(1, 7) n`,
      [channel, now],
    );
    // A copy of an older answer may still be there.
    const { body } = await waitFor('the figures of now', async () => {
      const answer = await bench.get('/v1/stats');
      return answer.text.includes(channel) && answer;
    });
    expect(body.lastHour?.byChannel).toContainEqual({ channelId: channel, messages: 7 });
    expect(body.lastHour?.bySource.difference).toBe(7);
    expect(body.work).toMatchObject([{ group: 'default' }]);
    expect(body.outbox?.pending).toBeGreaterThan(0);
    expect(body.channels).toBeGreaterThan(0);
  });

  it('D7 describes itself as it is described in the repository', async () => {
    const { readFileSync } = await import('node:fs');
    const committed = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as unknown;
    expect((await bench.get('/v1/openapi.json')).body).toEqual(committed);
  });
});

describe('the rate limit', () => {
  it('R8 holds each key to its own number of requests', async () => {
    const bench = await ApiBench.start({ rateLimit: 5 });
    const ask = (key: string) => bench.get('/v1/channels', { authorization: `Bearer ${key}` });
    await bench.store.query(
      "insert into telegram_gateway.api_keys (name, key_sha256) values ('other', decode($1, 'hex'))",
      [hashApiKey('other-key')],
    );
    const answers = [];
    for (const _ of range(6)) answers.push(await ask('slot-a'));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429]);
    expect(answers[1]?.headers.get('ratelimit-remaining')).toBe('3');
    expect(Number(answers[5]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(answers[5]?.body.error?.code).toBe('API_RATE');
    expect((await ask('other-key')).status).toBe(200);
    await bench.close();
  });
});

describe('copies of answers', () => {
  it('R8 are given also while as many slow answers are in hand as may be', async () => {
    const redis = connectRedis({ keyPrefix: `${uniqueName('api')}:` });
    await waitFor('Redis', () => Promise.resolve(redis.status === 'ready'));
    const answers = new Answers({ redis }, { patienceMs: 300 });
    const app = fastify();
    const release = Promise.withResolvers<object>();
    app.get('/quick', (request, reply) => answers.send(request, reply, () => Promise.resolve({ quick: true })));
    app.get('/slow', (request, reply) => answers.send(request, reply, () => release.promise));
    try {
      const port = await listen(app, { host: '127.0.0.1', port: 0 });
      const statusOf = async (path: string) => (await fetch(`http://127.0.0.1:${String(port)}${path}`)).status;
      expect(await statusOf('/quick')).toBe(200);
      const slow = Array.from({ length: 8 }, (_, n) => statusOf(`/slow?${String(n)}`));
      await waitFor('all places to be taken', async () => (await statusOf(`/quick?${String(Date.now())}`)) === 503);
      expect(await statusOf('/quick')).toBe(200);
      release.resolve({});
      expect(await Promise.all(slow)).toEqual(Array(8).fill(200));
    } finally {
      await app.close();
      redis.disconnect();
    }
  });
});
