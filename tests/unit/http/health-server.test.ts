import { afterEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createHealthServer, type Check, type HealthServer } from '../../../runtime/http/health-server.js';
import { createLogger } from '../../../runtime/logger.js';
import { metrics } from '../../../runtime/metrics.js';
import { waitFor } from '../telegram/support/wait-for.js';

describe('health server', () => {
  let server: HealthServer | undefined;
  const lines: string[] = [];

  afterEach(async () => {
    await server?.close();
  });

  async function get(path: string) {
    const response = await fetch(`http://127.0.0.1:${String(server?.port)}${path}`);
    return { status: response.status, text: await response.text(), type: response.headers.get('content-type') };
  }

  async function serve(checks: Record<string, Check>): Promise<void> {
    const logger = createLogger('test', 'warn', { write: (line: string) => void lines.push(line) });
    server = await createHealthServer({ host: '127.0.0.1', port: 0, logger, checks });
  }

  it('R11 is ready when every part is well, and says since when', async () => {
    let ok = true;
    await serve({ one: () => ({ ok, detail: 'fine' }), two: () => Promise.resolve({ ok: true, detail: 'fine too' }) });
    const first = await get('/health/ready');
    expect(first.status).toBe(200);
    const body = JSON.parse(first.text) as { ready: boolean; checks: Record<string, { ok: boolean; since: string }> };
    expect(body).toMatchObject({ ready: true, checks: { one: { ok: true, detail: 'fine' }, two: { ok: true } } });
    const again = JSON.parse((await get('/health/ready')).text) as typeof body;
    expect(again.checks['one']?.since).toBe(body.checks['one']?.since);
    ok = false;
    const last = await get('/health/ready');
    expect(last.status).toBe(503);
    expect(JSON.parse(last.text)).toMatchObject({ ready: false, checks: { one: { ok: false }, two: { ok: true } } });
  });

  it('R11 answers in time when a check hangs or throws', async () => {
    await serve({
      hangs: () => new Promise(() => undefined),
      throws: () => {
        throw new Error('broken');
      },
    });
    const begun = performance.now();
    const { status, text } = await get('/health/ready');
    expect(performance.now() - begun).toBeLessThan(3_000);
    expect(status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({
      checks: { hangs: { ok: false, detail: 'no answer within 1000 ms' }, throws: { ok: false, detail: 'broken' } },
    });
  });

  it('R11 is live whatever the parts say', async () => {
    await serve({ one: () => ({ ok: false, detail: 'down' }) });
    expect((await get('/health/live')).status).toBe(200);
  });

  it('R11 serves the metrics as Prometheus reads them', async () => {
    await serve({});
    const { status, text, type } = await get('/metrics');
    expect(status).toBe(200);
    expect(type).toContain('text/plain');
    expect(text).toContain('# TYPE telegram_messages_received_total counter');
  });

  it('S5 counts, logs and survives what is no request, and goes on answering', async () => {
    await serve({});
    const before = (await metrics.badRequests.get()).values[0]?.value ?? 0;
    const hostile = [
      randomBytes(4_096),
      Buffer.from('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'latin1'),
      Buffer.from('GET /health/live HTTP/9.9\r\n\r\n'),
      Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n'),
      Buffer.from(`GET / HTTP/1.1\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`),
    ];
    for (const bytes of hostile) expect(await send(bytes)).toMatch(/^(HTTP\/1.1 400|$)/);
    const half = connect(server?.port ?? 0, '127.0.0.1');
    half.on('error', () => undefined);
    half.write('GET /health/li');
    expect((await get('/health/live')).status).toBe(200);
    half.destroy();
    expect((await metrics.badRequests.get()).values[0]?.value).toBeGreaterThanOrEqual(before + hostile.length);
    const told = lines.filter((line) => line.includes('"message":"no HTTP request"'));
    expect(told.length).toBeGreaterThanOrEqual(hostile.length);
    expect(told.join('')).toContain('"code":"HPE_');
    expect(told.join('')).not.toContain('health/live');
  });

  it('S5 lets a flood of silent clients have no more than its share, and answers again after it', async () => {
    await serve({});
    const silent = Array.from({ length: 400 }, () => {
      const socket = connect(server?.port ?? 0, '127.0.0.1');
      socket.on('error', () => undefined);
      return socket;
    });
    await Promise.all(silent.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])));
    await waitFor('some are turned away', () => silent.some(({ destroyed }) => destroyed));
    for (const socket of silent) socket.destroy();
    await waitFor('an answer', async () =>
      get('/health/live').then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
  });

  /** What is answered until the connection closes. */
  async function send(bytes: Buffer): Promise<string> {
    const socket = connect(server?.port ?? 0, '127.0.0.1');
    let answer = '';
    socket.on('error', () => undefined).on('data', (data: Buffer) => (answer += data.toString('latin1')));
    socket.write(bytes);
    await once(socket, 'close');
    return answer;
  }
});
