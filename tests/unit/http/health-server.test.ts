import { afterEach, describe, expect, it } from '@jest/globals';
import { createHealthServer, type Check, type HealthServer } from '../../../runtime/http/health-server.js';

describe('health server', () => {
  let server: HealthServer | undefined;

  afterEach(async () => {
    await server?.close();
  });

  async function get(path: string) {
    const response = await fetch(`http://127.0.0.1:${String(server?.port)}${path}`);
    return { status: response.status, text: await response.text(), type: response.headers.get('content-type') };
  }

  async function serve(checks: Record<string, Check>): Promise<void> {
    server = await createHealthServer({ host: '127.0.0.1', port: 0, checks });
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
});
