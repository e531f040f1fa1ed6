import { afterAll, describe, expect, it } from '@jest/globals';
import { ask as askWith, type Answer } from '../support/api.js';
import { waitFor } from '../support/services.js';
import { connection, container, docker, flawless, must, run, smoke, TEST_PREFIX } from '../support/test-stack.js';

const MINUTE = 60_000;

/** The API of the stack, through its real PgBouncer, Redis and credentials. */
async function ask(path: string, key?: string): Promise<Answer> {
  const { host, port, key: own = '' } = connection('api');
  const now = () => askWith(`http://${host}:${String(port)}${path}`, key ?? own);
  // A kept connection may have been closed while a command blocked this process.
  return now().catch(now);
}

describe('the REST API of the stack', () => {
  it(
    'R8 finds what came through the whole path, page by page, with every filter, over PgBouncer',
    async () => {
      expect(smoke(20)).toMatchObject(flawless(20));
      const { body } = await ask('/v1/messages?limit=20');
      expect(body.messages).toHaveLength(20);
      const { channelId = '', messageId = '', postedAt = '' } = body.messages?.[0] ?? {};
      const from = new Date(Date.parse(postedAt) - 60_000).toISOString();
      // More often than PostgreSQL plans anew, and on more connections than one: prepared statements have to follow.
      const filters = [`channel=${channelId}`, `from=${from}`, `channel=${channelId}&from=${from}&text=message`];
      const asked = Array.from(
        { length: 60 },
        (_, n) => `/v1/messages?limit=${String(1 + (n % 9))}&${filters[n % 3] ?? ''}`,
      );
      const answers = await Promise.all(asked.map((path) => ask(path)));
      expect(answers.filter(({ status, body: page }) => status !== 200 || page.messages?.length === 0)).toEqual([]);
      const second = await ask(`/v1/messages?limit=20&cursor=${String(body.next)}`);
      expect([200, 400]).toContain(second.status);
      expect((await ask(`/v1/messages/${channelId}/${messageId}`)).body.versions).toHaveLength(1);
      expect((await ask('/v1/channels')).body.channels?.length).toBeGreaterThan(0);
      expect((await ask('/v1/stats')).body.lastHour?.messages).toBeGreaterThanOrEqual(20);
      const lines = (await ask(`/v1/export?from=${from}`)).text.trim().split('\n');
      expect(lines.length).toBeGreaterThanOrEqual(20);
    },
    3 * MINUTE,
  );

  it(
    'R8 tells events live, without the broker',
    async () => {
      const { host, port, key = '' } = connection('api');
      const response = await fetch(`http://${host}:${String(port)}/v1/live`, {
        headers: { authorization: `Bearer ${key}` },
        signal: AbortSignal.timeout(2 * MINUTE),
      });
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      const reading = (async () => {
        while ((text.match(/^event: message\.created$/gm) ?? []).length < 10)
          text += (await reader?.read())?.value ?? '';
      })();
      expect(smoke(10)).toMatchObject(flawless(10));
      await reading;
      await reader?.cancel();
      expect(text).toMatch(/^id: \d+-\d+\nevent: message\.created\ndata: \{"v":1,/m);
    },
    3 * MINUTE,
  );

  it(
    'R8 keys are made, listed and revoked by a command, and shown once',
    async () => {
      const { stdout, stderr } = must('api-keys', ['create', 'reports']);
      const key = stdout.trim();
      expect(key).toMatch(/^\w{40}$/);
      expect(stderr).not.toContain(key);
      await waitFor('the key', async () => (await ask('/v1/channels', key)).status === 200);
      expect(must('api-keys', ['list', '--json']).stdout).not.toContain(key);
      expect(must('api-keys', ['list']).stdout).toMatch(/^reports {2}made \S+Z$/m);
      const twice = run('api-keys', ['create', 'reports']);
      expect([twice.code, twice.stdout]).toEqual([1, '']);
      expect(twice.stderr).toContain('fix:  npm run api-keys -- revoke reports');
      must('api-keys', ['revoke', 'reports']);
      await waitFor('the revocation', async () => (await ask('/v1/channels', key)).status === 401);
      expect(run('api-keys', ['revoke', 'reports']).code).toBe(1);
    },
    3 * MINUTE,
  );

  it(
    'R8 PgBouncer hanging during requests is 503, and over when it goes on',
    async () => {
      const before = await ask('/v1/channels');
      expect(before.status).toBe(200);
      await docker('pause', container('pgbouncer'));
      try {
        const answers = await Promise.all(Array.from({ length: 6 }, () => ask('/v1/channels')));
        expect(answers.map(({ status, body }) => [status, body.error?.code])).toEqual(
          answers.map(() => [503, 'SERVICE_UNREACHABLE']),
        );
        expect(answers[0]?.headers.get('retry-after')).toBe('5');
      } finally {
        await docker('unpause', container('pgbouncer'));
      }
      await waitFor('an answer', async () => (await ask('/v1/channels')).status === 200, MINUTE);
    },
    2 * MINUTE,
  );
  afterAll(async () => {
    const paused = await docker('ps', '-q', '--filter', 'status=paused', '--filter', `name=^${TEST_PREFIX}telegram-`);
    if (paused !== '') await docker('unpause', ...paused.split('\n'));
  });
});
