import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectCache, type CacheConnection } from '../../runtime/cache/client.js';
import { SENTINEL_MASTER } from '../../runtime/contract.js';
import { CredentialStore } from '../../runtime/credentials.js';
import { hearing } from '../support/heard.js';
import { openSentinel } from '../support/redis-pair.js';
import { uniqueName, waitFor } from '../support/services.js';
import { connection } from '../support/test-stack.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const BACK = 'cache connected';
const CLOSED = 'cache connection closed';
const AWAY = 'cache is away, the database answers';
const never = new AbortController().signal;

/** The way to a real Redis, which real Sentinels name; a proxy stands before it. */
describe('CacheConnection', () => {
  const url = new URL(process.env['TEST_REDIS_URL'] ?? '');
  const good = { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  let file: string;
  const key = `telegram:${uniqueName('test')}`;
  let proxy: TcpProxy;
  let credentials: CredentialStore;
  let cache: CacheConnection;
  let said: string[];

  const write = (password: string) => {
    const { password: sentinelPassword = '' } = connection('redis-sentinel-1');
    writeFileSync(file, JSON.stringify({ redis: { ...good, password, sentinelPassword } }));
  };
  const ready = () => waitFor('Redis', () => Promise.resolve(cache.redis.status === 'ready'), 30_000);
  const told = (message: string) => said.filter((one) => one === message).length;

  beforeEach(async () => {
    proxy = await TcpProxy.start(url.hostname, Number(url.port));
    file = join(mkdtempSync(join(tmpdir(), 'cache-')), 'credentials.json');
  });
  afterEach(async () => {
    await cache.redis.del(key).catch(() => undefined);
    await cache.close();
    await proxy.close();
    rmSync(join(file, '..'), { recursive: true });
  });

  async function open(password = good.password): Promise<void> {
    write(password);
    credentials = new CredentialStore(file);
    const heard = hearing();
    said = heard.said;
    const { host, port } = connection('redis-sentinel-1');
    const environment = {
      TELEGRAM_REDIS_SENTINELS: [{ host, port }],
      TELEGRAM_REDIS_NAT_MAP: { [await namedMaster()]: { host: '127.0.0.1', port: proxy.port } },
      TELEGRAM_REDIS_MASTER_NAME: SENTINEL_MASTER,
      TELEGRAM_REDIS_TLS: false,
    };
    const opened = connectCache(environment, credentials, heard.logger);
    if (!opened) throw new Error('expected a connection');
    cache = opened;
  }

  it('R5 says once that Redis went away, and once that it is back', async () => {
    await open();
    await ready();
    proxy.cut();
    await waitFor('the end of the connection', () => Promise.resolve(cache.redis.status !== 'ready'));
    await waitFor('a try', () => Promise.resolve(cache.redis.status === 'reconnecting'));
    await expect(cache.redis.get(key)).rejects.toThrow();
    proxy.heal();
    await ready();
    await waitFor('the word of it', () => Promise.resolve(told(BACK) >= 2));
    // However often a busy machine breaks it: never the same twice in a row.
    const words = said.filter((one) => [BACK, CLOSED, AWAY].includes(one)).map((one) => one === BACK);
    expect(words.filter((back, n) => back === words[n - 1])).toEqual([]);
  });

  it('R5 says once that Redis does not let it in, however often that is tried', async () => {
    await open('wrong');
    let tries = 0;
    cache.redis.on('error', () => (tries += 1));
    await waitFor('several tries', () => Promise.resolve(tries >= 3), 30_000);
    expect(said).toEqual([AWAY]);
  });

  it('O5 goes over to another login, and no command that was given before or meanwhile is lost to it', async () => {
    await open();
    await ready();
    const former = cache.redis;
    const given: Promise<unknown>[] = [];
    for (let round = 0; round < 3; round++) {
      const state = { done: false };
      void cache.changeOver(never).then(() => (state.done = true));
      while (!state.done) {
        given.push(cache.redis.incr(key));
        await delay(1);
      }
    }
    const answers = await Promise.allSettled(given);
    // On a busy machine an answer may come too late for its caller; it is carried out all the same.
    const failed = answers.flatMap((answer) => (answer.status === 'rejected' ? [String(answer.reason)] : []));
    expect(failed.filter((reason) => reason !== 'Error: Command timed out')).toEqual([]);
    expect(answers.length - failed.length).toBeGreaterThan(0);
    await waitFor('all of them', async () => (await cache.redis.get(key)) === String(given.length));
    expect(cache.redis).not.toBe(former);
    expect(former.status).toBe('end');
    expect(told('cache client gave up, starting it again')).toBe(0);
  });

  it('O5 stays with the former login while the new one is refused, until there is a newer one', async () => {
    await open();
    await ready();
    write('not yet known');
    credentials.reload();
    const newer = new AbortController();
    const former = cache.redis;
    const change = cache.changeOver(newer.signal);
    for (let n = 0; n < 20; n++) expect(await cache.redis.incr(key)).toBe(n + 1);
    newer.abort();
    await change;
    expect(cache.redis).toBe(former);
  });

  it('O5 does not come back through another login once it was closed', async () => {
    await open();
    await ready();
    const change = cache.changeOver(never);
    await cache.close();
    await change;
    await waitFor('the end', () => Promise.resolve(cache.redis.status === 'end'));
    expect(told(BACK)).toBe(1);
  });
});

/** Address of the master as the Sentinels know it, `host:port`. */
async function namedMaster(): Promise<string> {
  const sentinel = openSentinel(1);
  try {
    const [host = '', port = ''] = (await sentinel.call(
      'SENTINEL',
      'GET-MASTER-ADDR-BY-NAME',
      SENTINEL_MASTER,
    )) as string[];
    return `${host}:${port}`;
  } finally {
    sentinel.disconnect();
  }
}
