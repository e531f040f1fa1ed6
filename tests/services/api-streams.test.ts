import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { LIVE_STREAM_KEY } from '../../runtime/cache/keys.js';
import { appendLive } from '../../runtime/cache/live-stream.js';
import { ApiBench, KEY } from '../support/api.js';
import { range, storedEvent } from '../support/messages.js';
import { uniqueChannel, waitFor } from '../support/services.js';

let bench: ApiBench;
beforeAll(async () => {
  bench = await ApiBench.start();
});
afterAll(() => bench.close());

const open: ClientRequest[] = [];
afterEach(() => {
  bench.toDatabase.heal();
  bench.toRedis.heal();
  for (const each of open.splice(0)) each.destroy();
});

/** A response whose body is read when the test likes. */
async function stream(path: string, headers: Record<string, string> = {}, url = bench.url): Promise<IncomingMessage> {
  const each = request(url + path, { headers: { authorization: `Bearer ${KEY}`, ...headers }, agent: false });
  each.on('error', () => undefined);
  open.push(each);
  each.end();
  const [response] = (await once(each, 'response')) as [IncomingMessage];
  response.on('error', () => undefined);
  return response;
}

describe('the export', () => {
  const channel = uniqueChannel();
  const COUNT = 12_000;
  beforeAll(async () => {
    await bench.store.query(
      `insert into telegram_gateway.messages (channel_id, message_id, posted_at, account_id, received_at, source, kind, text, raw)
       select $1, n, to_timestamp(1763596800 + n / 10), 'test', now(), 'push', 'message', repeat('x', 4000), ''
         from generate_series(1, $2::integer) n`,
      [channel, COUNT],
    );
  });

  it('R8 waits for a slow reader with a few pages in hand, outlives a database that goes away, and misses nothing', async () => {
    const before = bench.queries;
    const response = await stream(`/v1/export?channel=${channel}`);
    expect(response.headers['content-type']).toBe('application/x-ndjson');
    // Nobody reads: what fits the buffers on the way is taken, and then no page more.
    let pages = -1;
    await waitFor('reading to pause', async () => {
      const earlier = pages;
      await new Promise((resolve) => setTimeout(resolve, 500));
      pages = bench.queries - before;
      return pages === earlier;
    });
    // Of 120.
    expect(pages).toBeLessThan(30);
    bench.toDatabase.cut();
    const ids: string[] = [];
    for await (const line of createInterface({ input: response })) {
      ids.push((JSON.parse(line) as { messageId: string }).messageId);
      if (ids.length === 500)
        setTimeout(() => {
          bench.toDatabase.heal();
        }, 300);
    }
    expect(ids).toEqual(range(COUNT).map(String));
    expect(response.complete).toBe(true);
  }, 120_000);

  it('R8 is empty for what is not there, and refuses a wrong filter', async () => {
    const empty = await bench.get(`/v1/export?channel=${channel}&text=nowhere`);
    expect([empty.status, empty.text]).toEqual([200, '']);
    expect((await bench.get('/v1/export?channel=x')).body.error?.code).toBe('API_INPUT');
  });

  it('R8 takes so many at once and says when to come back', async () => {
    const streams = await Promise.all(range(8).map(() => stream(`/v1/export?channel=${channel}`)));
    expect(streams.map(({ statusCode }) => statusCode)).toEqual(Array(8).fill(200));
    const ninth = await bench.get(`/v1/export?channel=${channel}`);
    expect([ninth.status, ninth.body.error?.code, ninth.headers.get('retry-after')]).toEqual([503, 'API_BUSY', '5']);
    streams[0]?.destroy();
    await waitFor(
      'a free place',
      async () => (await stream(`/v1/export?channel=${channel}&text=no`)).statusCode === 200,
    );
  });
});

describe('the live feed', () => {
  interface Received {
    readonly id: string;
    readonly event: string;
    readonly data: { readonly messageId: string; readonly channelId: string };
  }

  /** Reads server-sent events as they come. */
  function collect(response: IncomingMessage): Received[] {
    const received: Received[] = [];
    let text = '';
    response.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const fields = Object.fromEntries(
          block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
        );
        if (fields['event'] !== undefined)
          received.push({
            id: fields['id'] ?? '',
            event: fields['event'],
            data: JSON.parse(fields['data'] ?? '{}') as Received['data'],
          });
      }
    });
    return received;
  }
  const publish = (channel: string, ...ids: number[]) =>
    appendLive(
      bench,
      ids.map((id) => storedEvent(channel, id).event),
    );
  const idsOf = (received: readonly Received[]) => received.map(({ data }) => data.messageId).join();
  const until = (received: readonly Received[], ids: string) =>
    waitFor(`events ${ids}`, () => Promise.resolve(idsOf(received) === ids));

  it('R8 tells events as they come, of one channel or all, and goes on after the last one seen', async () => {
    const [one, other] = [uniqueChannel(), uniqueChannel()];
    await publish(one, 1);
    const all = collect(await stream('/v1/live'));
    const filtered = collect(await stream(`/v1/live?channel=${other}`));
    await publish(one, 2, 3);
    await publish(other, 4);
    await until(all, '2,3,4');
    await until(filtered, '4');
    expect(all[0]).toMatchObject({ event: 'message.created', data: { channelId: one } });
    const again = collect(await stream('/v1/live', { 'last-event-id': all[0]?.id ?? '' }));
    await until(again, '3,4');
    await publish(one, 5);
    await until(again, '3,4,5');
  });

  it('R8 says that it is interrupted while Redis is away, and goes on where it was', async () => {
    const channel = uniqueChannel();
    const received = collect(await stream('/v1/live'));
    await publish(channel, 1);
    await until(received, '1');
    bench.toRedis.cut();
    await waitFor('the interruption', () => Promise.resolve(received.at(-1)?.event === 'interrupted'));
    const refused = await bench.get('/v1/live');
    expect([refused.status, refused.body.error?.code]).toEqual([503, 'SERVICE_UNREACHABLE']);
    bench.toRedis.heal();
    await waitFor('the resumption', () => Promise.resolve(received.at(-1)?.event === 'resumed'));
    await publish(channel, 2);
    await waitFor('the next event', () => Promise.resolve(received.at(-1)?.data.messageId === '2'));
  });

  it('R8 lets go of a reader that takes nothing any more, and keeps one that reads', async () => {
    const channel = uniqueChannel();
    const impatient = await ApiBench.start({ stalledMs: 3_000 });
    try {
      const gone: string[] = [];
      const names = ['stalled', 'reading'];
      impatient.app.server.on('connection', (socket) => {
        const name = names.shift() ?? 'another';
        socket.once('close', () => gone.push(name));
      });
      (await stream(`/v1/live?channel=${channel}`, {}, impatient.url)).pause();
      collect(await stream(`/v1/live?channel=${channel}`, {}, impatient.url));
      const text = 'x'.repeat(4_000);
      // More than the buffers on the way hold; a page is read when the one before was taken.
      for (let first = 1; gone.length === 0; first += 200) {
        if (first > 100_000) throw new Error('it is still there');
        const events = range(200, first).map((id) => ({ ...storedEvent(channel, id).event, text }));
        await appendLive(impatient, events);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(gone).toEqual(['stalled']);
    } finally {
      await impatient.close();
    }
  }, 90_000);

  it('R8 leaves out what it cannot read, and goes on', async () => {
    const channel = uniqueChannel();
    const received = collect(await stream(`/v1/live?channel=${channel}`));
    await bench.redis.xadd(LIVE_STREAM_KEY, '*', 'event', 'not JSON');
    await publish(channel, 1);
    await until(received, '1');
  });

  it('R8 leaves out history that is read later', async () => {
    const channel = uniqueChannel();
    const received = collect(await stream(`/v1/live?channel=${channel}`));
    await appendLive(bench, [{ ...storedEvent(channel, 1).event, source: 'backfill' }, storedEvent(channel, 2).event]);
    await until(received, '2');
  });
});
