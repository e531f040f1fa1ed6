import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ask as askWith } from '../support/api.js';
import { control } from '../support/control.js';
import { waitFor } from '../support/services.js';
import { connection, must } from '../support/test-stack.js';

const MINUTE = 60_000;

interface Request {
  readonly requestId: string;
  readonly status: string;
  readonly channelId: string | null;
  readonly detail: string | null;
}

describe('joining a channel through the API', () => {
  let key: string;
  const address = () => {
    const { host, port } = connection('api');
    return { url: `http://${host}:${String(port)}`, key };
  };

  // Of its own: what others have asked within the minute counts for theirs.
  beforeAll(async () => {
    key = must('api-keys', ['create', 'joining']).stdout.trim();
    await waitFor('the key', async () => (await askWith(`${address().url}/v1/channels`, key)).status === 200);
  }, MINUTE);
  afterAll(() => {
    must('api-keys', ['revoke', 'joining']);
  });

  async function ask(username: string): Promise<Request> {
    const { url, key } = address();
    const response = await fetch(`${url}/v1/channels`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ username }),
      signal: AbortSignal.timeout(30_000),
    });
    expect(response.status).toBe(202);
    return (await response.json()) as Request;
  }

  const ended = (id: string) =>
    waitFor(
      'an end',
      async () => {
        const { url, key } = address();
        const { text } = await askWith(`${url}/v1/channel-requests`, key);
        const { requests } = JSON.parse(text) as { requests: Request[] };
        return requests.find(({ requestId, status }) => requestId === id && status !== 'open');
      },
      MINUTE,
    );

  it(
    'R8 a channel that was asked for by its name is joined, read and told of',
    async () => {
      const username = `joined_${String(Date.now())}`;
      const { id } = await control<{ id: string }>('POST', '/channels', { title: 'Joined', username });
      const accounts = await control<{ userId: string | number }[]>('GET', '/accounts');
      for (const { userId } of accounts)
        await control('PUT', `/channels/${id}/members/${String(userId)}`, { state: 'left' });
      const { requestId } = await ask(`@${username}`);
      expect(await ended(requestId)).toMatchObject({ status: 'done', channelId: id, detail: null });
      const { url, key } = address();
      await waitFor(
        'the channel',
        async () => {
          const { status, text } = await askWith(`${url}/v1/channels/${id}`, key);
          return status === 200 && text.includes('"active"');
        },
        MINUTE,
      );
      await control('POST', `/channels/${id}/messages`, { messages: [{ text: 'after the joining' }] });
      await waitFor(
        'the message',
        async () => (await askWith(`${url}/v1/messages?channel=${id}`, key)).text.includes('after the joining'),
        MINUTE,
      );
    },
    4 * MINUTE,
  );

  it(
    'R8 a name that nobody has is refused, in Telegram’s own words',
    async () => {
      const { requestId } = await ask(`nobody_${String(Date.now())}`);
      expect(await ended(requestId)).toMatchObject({ status: 'refused', detail: 'USERNAME_NOT_OCCUPIED' });
    },
    2 * MINUTE,
  );
});
