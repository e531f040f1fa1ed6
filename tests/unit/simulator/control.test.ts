import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { PostReceipt } from '../../../runtime/simulator/editor.js';
import type { Simulator } from '../../../runtime/simulator/simulator.js';
import { startSimulator } from '../../support/simulator.js';

let simulator: Simulator;
beforeEach(async () => {
  simulator = await startSimulator({ channels: 2 });
});
afterEach(async () => {
  await simulator.close();
});

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://127.0.0.1:${String(simulator.controlPort)}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text,
  };
}

interface Truth {
  readonly complete: boolean;
}

const MESSAGES = '/channels/1000000001/messages';

describe('R10 control API', () => {
  it('R10 says that it lives and is ready, and gives metrics', async () => {
    expect((await call('GET', '/health/live')).status).toBe(200);
    expect((await call('GET', '/health/ready')).status).toBe(200);
    const { body } = await call('GET', '/metrics');
    const names = [...String(body).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(3);
    expect(names.every((name) => name?.startsWith('telegram_simulator_'))).toBe(true);
  });

  it('R10 lists and makes channels', async () => {
    const made = await call('POST', '/channels', { title: 'Mine', username: 'mine' });
    expect(made).toMatchObject({ status: 201, body: { id: '1000000003', title: 'Mine', username: 'mine', pts: 1 } });
    const { body } = await call('GET', '/channels');
    expect((body as { id: string }[]).map(({ id }) => id)).toEqual(['1000000001', '1000000002', '1000000003']);
  });

  it('R10 posts one message, or several of several kinds', async () => {
    const one = await call('POST', MESSAGES, { text: 'a\u0000b' });
    expect(one).toEqual({
      status: 200,
      body: [{ channelId: '1000000001', messageId: '2', pts: 2, pushedAt: null }],
    });
    const many = await call('POST', MESSAGES, {
      messages: [
        { text: '', media: 'photo' },
        { text: 'x', count: 3 },
      ],
    });
    expect((many.body as PostReceipt[]).map(({ messageId }) => messageId)).toEqual(['3', '4', '5', '6']);
    expect(simulator.world.channel(1_000_000_001).messages.get(2)?.text).toBe('a\u0000b');
  });

  it('R10 shows the whole truth of a channel, from any pts on', async () => {
    await call('POST', MESSAGES, { messages: [{ text: 'a' }, { text: 'b', media: 'document' }] });
    await call('PATCH', `${MESSAGES}/2`, { text: 'A' });
    await call('DELETE', MESSAGES, { ids: [2, 3] });
    const all = await call('GET', '/channels/1000000001/events');
    const number: unknown = expect.any(Number);
    const base = {
      ...{ at: number, pushedAt: null, date: number, editDate: null, editHide: false },
      ...{ groupedId: null, service: null, views: 1, reactions: 0 },
    };
    expect(all.body).toEqual({
      channelId: '1000000001',
      pts: 6,
      complete: true,
      events: [
        { ...base, type: 'new', pts: 2, ptsCount: 1, messageId: '2', text: 'a', media: null },
        { ...base, type: 'new', pts: 3, ptsCount: 1, messageId: '3', text: 'b', media: 'document' },
        {
          ...base,
          type: 'edit',
          pts: 4,
          ptsCount: 1,
          messageId: '2',
          text: 'A',
          media: null,
          editDate: number,
        },
        { type: 'delete', pts: 6, ptsCount: 2, at: base.at, pushedAt: null, messageIds: ['2', '3'] },
      ],
    });
    const some = await call('GET', '/channels/1000000001/events?after=3&limit=1');
    expect(some.body).toMatchObject({ complete: false, events: [{ pts: 4 }] });
  });

  it('R10 says that some messages were forgotten to whoever asks from before them, and not to others', async () => {
    const channel = simulator.world.channel(1_000_000_001);
    await call('POST', MESSAGES, { messages: [{ text: 'x', count: 6 }] });
    await call('PATCH', `${MESSAGES}/6`, { text: 'X' });
    const complete = async (after: number) =>
      ((await call('GET', `${MESSAGES}?after=${String(after)}`)).body as Truth).complete;
    expect(await complete(1)).toBe(true);
    channel.forget(3);
    expect([channel.forgottenMessageId, await complete(1), await complete(3)]).toEqual([4, false, false]);
    const { body } = await call('GET', `${MESSAGES}?after=4`);
    expect(body).toMatchObject({
      complete: true,
      next: null,
      messages: [{ messageId: '5' }, { messageId: '6' }, { messageId: '7' }],
    });
  });

  it('R10 shows every message with its versions and its tombstone, page by page', async () => {
    await call('POST', MESSAGES, { messages: [{ text: 'a' }, { text: 'b' }, { text: 'c' }] });
    await call('PATCH', `${MESSAGES}/2`, { text: 'A' });
    await call('PATCH', `${MESSAGES}/2`, { views: 5, reactions: 2 });
    await call('DELETE', MESSAGES, { ids: [3] });
    const first = (await call('GET', `${MESSAGES}?limit=2`)).body;
    expect(first).toMatchObject({ complete: true, next: 3, pts: 7 });
    expect((first as { messages: unknown[] }).messages).toMatchObject([
      {
        messageId: '2',
        versions: [
          { text: 'a', editDate: null, pts: 2 },
          { text: 'A', pts: 5 },
        ],
        deletedPts: null,
      },
      { messageId: '3', versions: [{ text: 'b' }], deletedPts: 7 },
    ]);
    expect((await call('GET', `${MESSAGES}?after=3`)).body).toMatchObject({
      next: null,
      messages: [{ messageId: '4' }],
    });
  });

  it('R10 posts albums and service messages', async () => {
    const album = await call('POST', '/channels/1000000001/albums', { media: ['photo', 'video'], caption: 'two' });
    expect(album.body).toMatchObject([{ messageId: '2' }, { messageId: '3' }]);
    const service = { service: 'title', title: 'Other' };
    expect((await call('POST', '/channels/1000000001/service-messages', service)).body).toMatchObject({
      messageId: '4',
    });
    expect((await call('POST', '/channels/1000000001/albums', { media: ['photo'] })).status).toBe(400);
  });

  it('R10 closes and opens channels, and changes who is in them', async () => {
    const closed = { private: true, pushed: false, left: [], banned: [] };
    const path = '/channels/1000000001';
    expect((await call('PATCH', path, { private: true, pushed: false })).body).toMatchObject({ access: closed });
    expect((await call('PATCH', path, { private: false })).body).toMatchObject({
      access: { ...closed, private: false },
    });
    expect((await call('PUT', `${path}/members/778`, { state: 'banned' })).body).toMatchObject({
      access: { banned: [778] },
    });
    expect((await call('PUT', `${path}/members/1`, { state: 'left' })).status).toBe(404);
  });

  it('R10 changes how differences are answered', async () => {
    const wanted = { maxPtsAge: 10, tooLongRule: 'limit', sliceSize: 5, pollTimeoutS: 1 };
    expect((await call('PUT', '/limits', wanted)).body).toEqual(wanted);
    expect((await call('PUT', '/limits', { maxPtsAge: null })).body).toEqual({ ...wanted, maxPtsAge: null });
    expect(simulator.world).toMatchObject({ maxPtsAge: Infinity, sliceSize: 5 });
    expect((await call('GET', '/limits')).body).toMatchObject({ tooLongRule: 'limit' });
  });

  it('R10 shows accounts, writes to them, changes their secrets and ends their sessions', async () => {
    expect((await call('GET', '/accounts')).body).toMatchObject([
      { userId: '777', hasPassword: false },
      { userId: '778', hasPassword: true, code: '22222' },
    ]);
    expect((await call('POST', '/accounts/777/messages', { text: 'psst' })).body).toEqual({ pts: 2 });
    const changed = await call('PATCH', '/accounts/778', { code: '123456', password: null });
    expect(changed.body).toMatchObject({ code: '123456', hasPassword: false });
    expect((await call('DELETE', '/accounts/777/sessions')).body).toEqual({ revoked: 1 });
    expect((await call('GET', '/accounts/1')).status).toBe(404);
  });

  it('R10 paces a batch by itself and answers when it is done', async () => {
    const start = performance.now();
    const { body } = await call('POST', MESSAGES, { text: 'x', count: 50, ratePerSecond: 200 });
    expect(performance.now() - start).toBeGreaterThan(240);
    expect(body).toHaveLength(50);
    const { events } = (await call('GET', '/channels/1000000001/events')).body as { events: { at: number }[] };
    expect((events.at(-1)?.at ?? 0) - (events[0]?.at ?? 0)).toBeGreaterThan(240);
  });

  it('R10 injects, lists and removes faults', async () => {
    const made = await call('POST', '/faults', { kind: 'dropPushes', channelId: '1000000001', count: 3 });
    expect(made).toMatchObject({ status: 201, body: { id: 1, remaining: 3 } });
    await call('POST', '/faults', { kind: 'mute' });
    expect((await call('GET', '/faults')).body).toHaveLength(2);
    expect((await call('DELETE', '/faults/1')).status).toBe(200);
    expect((await call('DELETE', '/faults/1')).status).toBe(404);
    expect((await call('DELETE', '/faults')).status).toBe(200);
    expect((await call('GET', '/faults')).body).toEqual([]);
  });

  it('R10 sets the rate of the generator and counts what it made', async () => {
    expect((await call('PUT', '/generator', { ratePerSecond: 500 })).body).toEqual({ ratePerSecond: 500 });
    for (let tries = 0; simulator.stats.generatedPosts < 5 && tries < 500; tries++) await call('GET', '/health/live');
    await call('PUT', '/generator', { ratePerSecond: 0 });
    const { body } = await call('GET', '/stats');
    expect(body).toMatchObject({ generatorRate: 0, connections: 0, unimplemented: [], calls: {} });
    expect((body as { generated: number }).generated).toBeGreaterThanOrEqual(5);
  });

  it.each([
    ['POST', '/channels', { title: '' }, 400],
    ['POST', '/channels', { title: 'x', username: 'simulated_news_1' }, 400],
    ['POST', MESSAGES, { text: '' }, 400],
    ['POST', MESSAGES, { messages: [{ text: 'a' }, { text: '' }] }, 400],
    ['POST', MESSAGES, { text: 'x'.repeat(4_097) }, 400],
    ['POST', MESSAGES, { text: 'x', count: 100_001 }, 400],
    [
      'POST',
      MESSAGES,
      {
        messages: [
          { text: 'x', count: 60_000 },
          { text: 'y', count: 60_000 },
        ],
      },
      400,
    ],
    ['POST', MESSAGES, { text: 'x', unknown: 1 }, 400],
    ['POST', '/channels/5/messages', { text: 'x' }, 404],
    ['PATCH', `${MESSAGES}/99`, { text: 'x' }, 404],
    ['DELETE', MESSAGES, { ids: [99] }, 404],
    ['GET', '/channels/nonsense/events', undefined, 400],
    ['POST', '/faults', { kind: 'earthquake' }, 400],
    ['PUT', '/generator', { ratePerSecond: -1 }, 400],
  ])(
    'R10 %s %s with a wrong body or address (case %#) is refused, and nothing is posted',
    async (method, path, body, status) => {
      const answer = await call(method, path, body);
      expect(answer.status).toBe(status);
      expect(answer.body).toHaveProperty('error');
      expect(simulator.world.eventCount).toBe(0);
    },
  );
});
