import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../../ops/stack-folder.js';
import { ConsumerBench, kill } from '../support/consumer-bench.js';
import { freePort } from '../support/free-port.js';
import { ingestMessage } from '../support/messages.js';
import { describeOnEachEngine, waitFor } from '../support/services.js';

const EXAMPLE = join(ROOT, 'examples', 'count-words.ts');

describeOnEachEngine('the example of an own handler', (engine) => {
  let bench: ConsumerBench;
  let folder: string;
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    bench = await ConsumerBench.open(engine);
    folder = mkdtempSync(join(tmpdir(), 'example-'));
    await bench.database.query('create table public.words (event_id text, words integer)');
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map(kill));
    rmSync(folder, { recursive: true });
    await bench.close();
  });

  async function start(mode: string): Promise<ChildProcess> {
    const { host = '', port = 0, database } = bench.database.config;
    const broker = bench.broker.options();
    const credentials = join(folder, 'credentials.json');
    writeFileSync(credentials, JSON.stringify({ database: bench.database.login, rabbitmq: broker.login() }));
    const child = spawn(process.execPath, ['--import', 'tsx', EXAMPLE], {
      env: {
        PATH: process.env['PATH'] ?? '',
        TELEGRAM_CREDENTIALS_FILE: credentials,
        TELEGRAM_DB_HOST: host,
        TELEGRAM_PGBOUNCER_PORT: String(port),
        TELEGRAM_DB_NAME: database,
        TELEGRAM_RABBITMQ_HOST: broker.host,
        TELEGRAM_RABBITMQ_PORT: String(broker.port),
        TELEGRAM_RABBITMQ_VHOST: broker.vhost,
        TELEGRAM_CONSUMER_GROUP: bench.group,
        TELEGRAM_CONSUMER_MODE: mode,
        TELEGRAM_LISTEN_HOST: '127.0.0.1',
        TELEGRAM_LISTEN_PORT: String(await freePort()),
        TELEGRAM_LOG_LEVEL: 'error',
      },
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: 120_000,
      killSignal: 'SIGKILL',
    });
    children.push(child);
    return child;
  }

  it('R7 counts the words of each message once, and stops when it is asked to', async () => {
    await bench.addGroup('dual');
    const texts = ['one', 'one two', ' one  two\nthree '];
    await bench.commit(
      texts.map((text, n) => ingestMessage(bench.channel, n + 1, { text })),
      [],
      { publish: true },
    );
    const child = await start('dual');
    const rows = () => bench.database.query<{ words: number }>('select words from public.words order by words');
    const counted = await waitFor(
      'words',
      async () => {
        const found = await rows();
        return found.length >= 3 ? found : undefined;
      },
      90_000,
    );
    expect(counted).toEqual([{ words: 1 }, { words: 2 }, { words: 3 }]);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(await rows()).toHaveLength(3);
  }, 150_000);

  it('R7 is what the README shows', () => {
    const example = readFileSync(EXAMPLE, 'utf8').split('\n').slice(1).join('\n').trim();
    expect(readFileSync(join(ROOT, 'README.md'), 'utf8')).toContain(example);
  });
});
