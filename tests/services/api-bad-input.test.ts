import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { ApiBench, KEY, type Answer } from '../support/api.js';
import { range } from '../support/messages.js';
import { uniqueChannel, waitFor } from '../support/services.js';

let bench: ApiBench;
let channel: string;
beforeAll(async () => {
  bench = await ApiBench.start({ requestTimeoutMs: 3_000 });
  channel = uniqueChannel();
  await bench.addMessages(channel, range(9));
});
afterAll(() => bench.close());

/** One problem of the closed table, in the one shape, that tells nothing of the inside. */
function expectProblem({ status, body, text, headers }: Answer, wanted: number, code: string): void {
  expect([status, body.error?.code]).toEqual([wanted, code]);
  expect(Object.keys(body)).toEqual(['error']);
  expect(body.error?.message).toMatch(/./);
  expect(body.error?.fix).toMatch(/./);
  expect(text).not.toMatch(/\bat .*:\d+:\d+|node_modules|select |telegram_gateway\./);
  expect(headers.get('cache-control')).toBe('no-store');
}

describe('fields', () => {
  it.each([
    ['limit=0', 'query.limit', 'expected a whole number from 1 to 200'],
    ['limit=-1', 'query.limit', 'expected a whole number from 1 to 200'],
    ['limit=1000000000', 'query.limit', 'expected a whole number from 1 to 200'],
    ['limit=1e2', 'query.limit', 'expected a whole number from 1 to 200'],
    ['limit=5&limit=6', 'query.limit', 'Invalid input: expected string, received array'],
    ['channel=-100123', 'query.channel', 'expected a positive 64-bit id in decimal digits'],
    ['channel=9223372036854775808', 'query.channel', 'expected a positive 64-bit id in decimal digits'],
    ["channel=1'--", 'query.channel', 'expected a positive 64-bit id in decimal digits'],
    ['channel=1%00', 'query.channel', 'expected a positive 64-bit id in decimal digits'],
    ['text=', 'query.text', 'expected at least one character'],
    ['text=a%00b', 'query.text', 'expected text without U+0000'],
    [`text=${'x'.repeat(201)}`, 'query.text', 'expected at most 200 characters'],
    ['from=yesterday', 'query.from', 'expected ISO 8601 with a time zone, such as 2026-11-21T12:00:00Z'],
    ['from=0001-01-01T00:00:00Z', 'query.from', 'expected a year from 1900 to 2199'],
    ['to=2026-02-30T00:00:00Z', 'query.to', 'expected ISO 8601 with a time zone, such as 2026-11-21T12:00:00Z'],
    ['order=up', 'query.order', 'Invalid option: expected one of "desc"|"asc"'],
    ['colour=red', 'query', 'Unrecognized key: "colour"'],
  ])('R8 %s is 400 with path and expectation', async (query, path, message) => {
    const answer = await bench.get(`/v1/messages?${query}`);
    expectProblem(answer, 400, 'API_INPUT');
    expect(answer.body.error?.details).toEqual([{ path, message }]);
  });

  it('R8 tells all mistakes at once', async () => {
    const { body } = await bench.get('/v1/messages?limit=0&channel=x&from=now');
    expect(body.error?.details.map(({ path }) => path).sort()).toEqual(['query.channel', 'query.from', 'query.limit']);
  });

  it('R8 a number that JSON has already rounded is refused, one that it keeps is taken', async () => {
    const wish = (afterId: unknown) => bench.post(`/v1/channels/${channel}/backfill`, { afterId });
    expect((await wish(3)).body.backfill?.untilId).toBe('3');
    for (const wrong of [9_007_199_254_740_993, 1.5, -1, 0, '0', '', null, {}, ['1'], true])
      expectProblem(await wish(wrong), 400, 'API_INPUT');
  });

  it('R8 metacharacters of SQL are text, and change nothing', async () => {
    const hostile = [`'; drop table telegram_gateway.messages; --`, `$1`, `\\`, `%' or '1'='1`, `🙂"'\`;--/*`];
    for (const text of hostile) {
      const answer = await bench.get(`/v1/messages?channel=${channel}&text=${encodeURIComponent(text)}`);
      expect([answer.status, answer.body.messages]).toEqual([200, []]);
      expectProblem(await bench.post('/v1/channels', { username: text }), 400, 'API_INPUT');
      expectProblem(await bench.post('/v1/channels', { username: 'name', accountId: text }), 400, 'API_INPUT');
    }
    for (const text of ['a\0b', '\0'])
      expectProblem(await bench.post('/v1/channels', { username: text }), 400, 'API_INPUT');
    expect(await bench.store.count('messages')).toBe(9);
    expect(await bench.store.count('channel_requests')).toBe(0);
  });

  it.each([
    ['/v1/messages/x/1', 'path.channel'],
    ['/v1/messages/1/0', 'path.id'],
    ['/v1/messages/1/%00', 'path.id'],
    ['/v1/channels/1%27', 'path.channel'],
  ])('R8 %s is 400', async (path, where) => {
    const answer = await bench.get(path);
    expectProblem(answer, 400, 'API_INPUT');
    expect(answer.body.error?.details[0]?.path).toBe(where);
  });
});

describe('cursors', () => {
  it('R8 one that is forged, changed, cut or of another filter is refused', async () => {
    const { body } = await bench.get(`/v1/messages?channel=${channel}&limit=3`);
    const good = String(body.next);
    const use = (cursor: string, query = `channel=${channel}`) => bench.get(`/v1/messages?${query}&cursor=${cursor}`);
    expect((await use(good)).body.messages).toHaveLength(6);
    const other = uniqueChannel();
    await bench.addMessages(other, [1]);
    const payload = Buffer.from(good, 'base64url').subarray(16);
    const forged = Buffer.concat([Buffer.alloc(16, 7), payload]).toString('base64url');
    const changed = Buffer.from(good, 'base64url');
    changed[20] = (changed[20] ?? 0) ^ 1;
    for (const answer of [
      await use(good, `channel=${other}`),
      await use(good, `channel=${channel}&order=asc`),
      await use(good, `channel=${channel}&text=m`),
      await use(good, ''),
      await use(forged),
      await use(changed.toString('base64url')),
      await use(good.slice(0, -4)),
      await use('A'.repeat(60)),
      await bench.get(`/v1/channels?cursor=${good}`),
    ])
      expectProblem(answer, 400, 'API_CURSOR');
    expectProblem(await use('short'), 400, 'API_INPUT');
    expectProblem(await use('%27%3B--%20select%20something%20else'), 400, 'API_INPUT');
  });
});

describe('requests', () => {
  const raw = (init: RequestInit & { headers?: Record<string, string> }, path = '/v1/channels') =>
    bench.request(path, { method: 'POST', ...init });
  const json = { 'content-type': 'application/json' };

  it('R8 bodies that are too large, broken, empty or of another type', async () => {
    expectProblem(
      await raw({ headers: json, body: JSON.stringify({ username: 'x'.repeat(20_000) }) }),
      413,
      'API_TOO_LARGE',
    );
    expectProblem(await raw({ headers: json, body: '{"username": ' }), 400, 'API_INPUT');
    expectProblem(await raw({ headers: json, body: '' }), 400, 'API_INPUT');
    expectProblem(await raw({ headers: json, body: '[]' }), 400, 'API_INPUT');
    expectProblem(await raw({ headers: json, body: '{"__proto__": {"username": "name"}}' }), 400, 'API_INPUT');
    expectProblem(await raw({ headers: { 'content-type': 'text/xml' }, body: '<a/>' }), 415, 'API_MEDIA_TYPE');
  });

  it('R8 unknown routes and methods', async () => {
    expectProblem(await bench.get('/v1/nothing'), 404, 'API_NOT_FOUND');
    expectProblem(await bench.get('/v1/messages/1/1/1'), 404, 'API_NOT_FOUND');
    expectProblem(await bench.request('/v1/messages', { method: 'DELETE' }), 404, 'API_NOT_FOUND');
    expectProblem(await bench.get('/v1/messages/%zz/1'), 400, 'API_INPUT');
    expectProblem(await bench.get(`/v1/channels/${'1'.repeat(500)}`), 400, 'API_INPUT');
  });
});

describe('connections', () => {
  const sockets: Socket[] = [];
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
  });
  async function dial(): Promise<Socket> {
    const { port, hostname } = new URL(bench.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  }

  it('R8 1,000 idle ones hold nobody up and are let go', async () => {
    const idle = await Promise.all(range(1_000).map(dial));
    const closed = Promise.all(idle.map((socket) => once(socket.resume(), 'close')));
    const started = Date.now();
    for (const _ of range(20)) expect((await bench.get(`/v1/messages?channel=${channel}`)).status).toBe(200);
    expect(Date.now() - started).toBeLessThan(10_000);
    await closed;
  }, 60_000);

  it('R8 a request that does not come to its end is given up', async () => {
    const slow = await dial();
    let answer = '';
    slow.setEncoding('utf8').on('data', (text: string) => (answer += text));
    slow.write(`POST /v1/channels HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\n`);
    slow.write('content-type: application/json\r\ncontent-length: 100\r\n\r\n{');
    await waitFor('the end of the connection', () => Promise.resolve(slow.closed), 30_000);
    expect(answer).toMatch(/^HTTP\/1\.1 (408|400) /);
  }, 60_000);
});
