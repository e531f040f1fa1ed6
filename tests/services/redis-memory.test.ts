import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { renderRedisConf } from '../../components/redis/render.js';
import { uniqueName, waitFor } from '../support/services.js';
import { docker, inspect } from '../support/test-stack.js';

const MINUTES = 60_000;
const NAME = uniqueName('redis-memory');
/** Of each key's value, in bytes; together about 40 MB of the 64 MB that the limit of the container allows. */
const VALUE = 800;
const KEYS = 45_000;

/** The stack's own image and settings with a small limit, without roles and without logins. */
async function start(): Promise<void> {
  const { Image } = await inspect('redis-master');
  const script = `umask 077
echo 'user default on nopass ~* &* +@all' >/credentials/users.acl
: >/credentials/replication.conf
printf %s "$CONF" >/tmp/redis.conf
exec redis-server /tmp/redis.conf --enable-debug-command local`;
  await docker(
    ...['run', '-d', '--name', NAME, '--network', 'none', '--user', '999:999', '--cap-drop', 'ALL'],
    ...['--security-opt', 'no-new-privileges', '--memory', '64m', '--memory-swap', '64m'],
    ...['--tmpfs', '/credentials:uid=999,mode=0700', '--tmpfs', '/tmp', '--tmpfs', '/data:uid=999'],
    ...['-e', `CONF=${renderRedisConf({ address: '127.0.0.1', maxMemoryMb: 56 })}`],
    ...['--entrypoint', 'sh', Image, '-c', script],
  );
}

const redis = (...words: string[]) => docker('exec', NAME, 'redis-cli', ...words);
const persistence = async (name: string) =>
  new RegExp(`^${name}:(\\S+)`, 'm').exec(await redis('info', 'persistence'))?.[1];

beforeAll(async () => {
  await start();
  await waitFor(
    'Redis',
    () =>
      redis('ping').then(
        (answer) => answer === 'PONG',
        () => false,
      ),
    MINUTES,
  );
}, 2 * MINUTES);
afterAll(async () => {
  await docker('rm', '-f', '-v', NAME);
}, MINUTES);

it(
  'D3 where the rewrite of the log does not fit beside the data, the kernel ends the rewrite, and the server lives on',
  async () => {
    // What was written so far is not in the log that the rewrite replaces; it takes its time with each key.
    await redis('debug', 'populate', String(KEYS), 'key', String(VALUE));
    await redis('config', 'set', 'rdb-key-save-delay', '1000');
    await redis('bgrewriteaof');
    expect(await persistence('aof_rewrite_in_progress')).toBe('1');
    // Each page that is written meanwhile is there twice.
    const write = `for n = 0, ${String(KEYS - 1)} do redis.call('setrange', 'key:' .. n, 0, 'again') end`;
    await redis('eval', write, '0');
    await waitFor(
      'the end of the rewrite',
      async () => (await persistence('aof_rewrite_in_progress')) === '0',
      2 * MINUTES,
    );
    expect(await persistence('aof_last_bgrewrite_status')).toBe('err');
    expect(await docker('inspect', '--format', '{{.State.Status}} {{.RestartCount}}', NAME)).toBe('running 0');
    expect(Number(await redis('dbsize'))).toBe(KEYS);
  },
  4 * MINUTES,
);
