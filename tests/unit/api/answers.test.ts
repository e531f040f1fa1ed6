import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fastify, { type FastifyInstance } from 'fastify';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Answers } from '../../../runtime/api/answers.js';

const PATIENCE_MS = 400;
const STALLED_MS = 4_000;
/** Longer than anybody waits for a place. */
const SLOW_MS = 2 * PATIENCE_MS;
/** More than the kernel takes of an answer that nobody reads. */
const MANY = 'x'.repeat(10 * 2 ** 20);

describe('answers in hand', () => {
  let app: FastifyInstance;
  let port: number;
  let made: number;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    made = 0;
    const answers = new Answers(null, { patienceMs: PATIENCE_MS, stalledMs: STALLED_MS });
    app = fastify();
    app.get('/long', (request, reply) =>
      answers.send(request, reply, async () => {
        made += 1;
        await delay(100);
        return { text: MANY };
      }),
    );
    app.get('/slow', (request, reply) =>
      answers.send(request, reply, async () => {
        made += 1;
        await delay(SLOW_MS);
        return { text: 'x' };
      }),
    );
    app.get('/short', (request, reply) => answers.send(request, reply, () => Promise.resolve({ text: 'x' })));
    app.get('/failing', (request, reply) => answers.send(request, reply, () => Promise.reject(new Error('no'))));
    await app.listen({ host: '127.0.0.1', port: 0 });
    ({ port } = app.server.address() as { port: number });
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await app.close();
  });

  const ask = (path: string) => fetch(`http://127.0.0.1:${String(port)}${path}`);
  const statusOf = async (path: string) => (await ask(path)).status;

  /** Asks, and never takes a byte of the answer. */
  function askAndWait(path: string): void {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.pause();
    socket.write(`GET ${path} HTTP/1.1\r\nHost: api\r\n\r\n`);
    sockets.push(socket);
  }

  /** Eight of them, as many as there are places; the questions differ, or they would share one answer. */
  async function fill(): Promise<void> {
    for (let n = 0; n < 8; n++) askAndWait(`/long?${String(n)}`);
    while (made < 8) await delay(5);
  }

  it('R8 readers that take nothing hold the places for the time that a stalled one has, and no longer', async () => {
    const startedAt = Date.now();
    await fill();
    expect(await statusOf('/short')).toBe(503);
    while ((await statusOf('/short')) !== 200) expect(Date.now() - startedAt).toBeLessThan(10 * STALLED_MS);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(STALLED_MS);
    const answers = await Promise.all(Array.from({ length: 8 }, () => statusOf('/short')));
    expect(answers).toEqual(Array(8).fill(200));
  });

  it('R8 readers that go away give their places back', async () => {
    await fill();
    const waiting = [statusOf('/short'), statusOf('/short?2')];
    await delay(50);
    for (const socket of sockets.splice(0)) socket.destroy();
    expect(await Promise.all(waiting)).toEqual([200, 200]);
  });

  it('R8 long answers reach who reads them, one after the other, and failures hold no place', async () => {
    for (let n = 0; n < 20; n++) expect(await statusOf('/failing')).toBe(500);
    for (let n = 0; n < 12; n++) {
      const response = await ask(`/long?${String(n)}`);
      expect((await response.text()).length).toBe(MANY.length + '{"text":""}'.length);
    }
    expect(await statusOf('/short')).toBe(200);
  });

  it('R8 equal questions that arrive together are one answer, however many ask', async () => {
    expect(await Promise.all(Array.from({ length: 30 }, () => statusOf('/slow')))).toEqual(Array(30).fill(200));
    expect(made).toBe(1);
    const long = await Promise.all(Array.from({ length: 8 }, async () => (await ask('/long')).text()));
    expect(long.map(({ length }) => length)).toEqual(long.map(() => MANY.length + '{"text":""}'.length));
    expect(made).toBe(2);
  });

  it('R8 what nobody waits for any more is not made', async () => {
    await fill();
    const held = sockets.splice(0);
    for (let n = 0; n < 16; n++) askAndWait(`/slow?${String(n)}`);
    await delay(PATIENCE_MS / 4);
    for (const socket of sockets.splice(0)) socket.destroy();
    await delay(PATIENCE_MS / 4);
    for (const socket of held) socket.destroy();
    expect(await statusOf('/short')).toBe(200);
    expect(made).toBe(8);
  });
});
