import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { askStack } from '../support/api.js';
import { rowsOf } from '../support/database.js';
import { uniqueChannel } from '../support/services.js';
import { connection, container, docker } from '../support/test-stack.js';

const MINUTE = 60_000;
const COUNT = 6_000;
const PAGE = 200;
const channel = uniqueChannel();

const inspected = (format: string) => docker('inspect', '-f', format, container('gateway-api'));
/** Changes when the container is killed for want of memory. */
const life = () => inspected('{{.RestartCount}} {{.State.StartedAt}}');
const limitBytes = async () => Number(await inspected('{{.HostConfig.Memory}}'));

/** A page of the longest messages, another one for each `n`: no copy of one answers the next. */
const page = (n: number) =>
  `/v1/messages?channel=${channel}&limit=${String(PAGE)}&to=${new Date(Date.now() + n * 1_000).toISOString()}`;

/** Reads an export to its end, and keeps nothing of it. */
async function drain(): Promise<{ readonly lines: number; readonly bytes: number }> {
  const { host, port, key = '' } = connection('api');
  const response = await fetch(`http://${host}:${String(port)}/v1/export?channel=${channel}`, {
    headers: { authorization: `Bearer ${key}` },
  });
  let lines = 0;
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines += 1;
  }
  return { lines, bytes };
}

describe('readers of the longest messages', () => {
  let before: string;

  beforeAll(async () => {
    // A text of Telegram's 4,096 characters, and as many entities as make 16 kB.
    await rowsOf(
      `insert into telegram_gateway.messages (channel_id, message_id, posted_at, account_id, received_at, source, kind, text,
                                              metadata, raw)
       select $1, n, date_trunc('second', now()) - make_interval(secs => n), 'test', now(), 'push', 'message',
              repeat('€', 4096), jsonb_build_object('entities', repeat('é', 8000)), decode(repeat('ab', 12000), 'hex')
         from generate_series(1, $2::integer) n`,
      [channel, COUNT],
    );
    before = await life();
  }, MINUTE);

  afterAll(async () => {
    await rowsOf('delete from telegram_gateway.messages where channel_id = $1', [channel]);
  });

  it(
    'R8 eight exports at once, each to its end, fit the memory of the container',
    async () => {
      const exports = await Promise.all(Array.from({ length: 8 }, () => drain()));
      expect(exports.map(({ lines }) => lines)).toEqual(exports.map(() => COUNT));
      expect(exports.reduce((sum, { bytes }) => sum + bytes, 0)).toBeGreaterThan(2 * (await limitBytes()));
      expect(await life()).toBe(before);
    },
    3 * MINUTE,
  );

  it(
    'R8 a hundred pages at once fit it: whose turn does not come in five seconds is told that the API is busy',
    async () => {
      const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => askStack(page(n))));
      const whole = answers.filter(({ status }) => status === 200);
      expect(whole.map(({ body }) => body.messages?.length)).toEqual(whole.map(() => PAGE));
      expect(whole.length).toBeGreaterThan(16);
      expect(answers.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)).toBeGreaterThan(40e6);
      for (const { status, body, headers } of answers.filter(({ status }) => status !== 200))
        expect([status, body.error?.code, headers.get('retry-after')]).toEqual([503, 'API_BUSY', '5']);
      expect(await life()).toBe(before);
    },
    2 * MINUTE,
  );
});
