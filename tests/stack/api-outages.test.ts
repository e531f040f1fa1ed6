import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, type Answer } from '../support/api.js';
import { range } from '../support/messages.js';
import { settledPair } from '../support/redis-pair.js';
import { uniqueName, waitFor } from '../support/services.js';
import { connection, container, docker, TEST_PREFIX } from '../support/test-stack.js';
import { WatchedChannel } from '../support/watched-channel.js';

const MINUTES = 60_000;
const CLIENTS = 4;
/** Between two requests of a client, so that the limit of a key is not what is tested. */
const PAUSE_MS = 60;
/** What nobody outside is to read: addresses, statements, places in the code, names of the parts behind. */
const INSIDE =
  /172\.28\.|127\.0\.0\.1|ECONN|EPIPE|select |insert |telegram_gateway\.|node_modules|\bat .*:\d+:\d+|pgbouncer|redis|postgres/i;

let channel: WatchedChannel;
let message: string;

const request = (path: string, init: RequestInit = {}): Promise<Answer> => {
  const { host, port, key = '' } = connection('api');
  return ask(`http://${host}:${String(port)}${path}`, key, init);
};

/** Clients that read and wish all the time, each as fast as it is answered; they end with `end`, at the latest with the test. */
class Asking {
  readonly answers: Answer[] = [];
  /** Wishes that were accepted. */
  readonly accepted: string[] = [];
  /** The longest that anybody waited, in ms. */
  slowest = 0;
  #goesOn = true;
  readonly #clients = range(CLIENTS).map((client) => this.#client(client));

  count(status: number): number {
    return this.answers.filter((answer) => answer.status === status).length;
  }

  /** So many more answers of a status. */
  async more(status: number, count: number): Promise<void> {
    const wanted = this.count(status) + count;
    const what = `${String(wanted)} answers ${String(status)}`;
    await waitFor(what, () => Promise.resolve(this.count(status) >= wanted), MINUTES);
  }

  async end(): Promise<void> {
    this.#goesOn = false;
    await Promise.all(this.#clients);
  }

  async #client(client: number): Promise<void> {
    const paths = [
      `/v1/messages/${channel.id}/${message}`,
      `/v1/messages?channel=${channel.id}&limit=${String(client)}`,
      '/v1/channels',
      '/v1/stats',
    ];
    for (let n = 0; this.#goesOn; n++) {
      const began = performance.now();
      const wishes = client === CLIENTS && n % 10 === 0;
      const answer = await (wishes ? this.#wish() : request(paths[n % paths.length] ?? ''));
      this.slowest = Math.max(this.slowest, performance.now() - began);
      this.answers.push(answer);
      await delay(PAUSE_MS);
    }
  }

  /** Nobody has the name: the gateway finds that out, and the wish stays in the list. */
  async #wish(): Promise<Answer> {
    const username = uniqueName('nobody');
    const answer = await request('/v1/channels', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username }),
    });
    if (answer.status === 202) this.accepted.push(username);
    return answer;
  }
}

/** What holds through every outage: closed codes and no word of the inside, what was accepted is there, nothing is missing. */
async function expectWell(asking: Asking, codes: readonly number[]): Promise<void> {
  expect([...new Set(asking.answers.map(({ status }) => status))].sort()).toEqual(codes);
  for (const { status, body, text, headers } of asking.answers.filter((answer) => answer.status >= 300)) {
    expect([status, body.error?.code, headers.get('retry-after')]).toEqual([503, 'SERVICE_UNREACHABLE', '5']);
    expect(text).not.toMatch(INSIDE);
  }
  const { text } = await request('/v1/channel-requests?limit=500');
  const known = new Set((JSON.parse(text) as { requests: { username: string }[] }).requests.map((one) => one.username));
  expect(asking.accepted.length).toBeGreaterThan(0);
  expect(asking.accepted.filter((username) => !known.has(username))).toEqual([]);
  await channel.caughtUp(MINUTES);
}

describe('the REST API of the stack while a part is away', () => {
  beforeAll(async () => {
    channel = await WatchedChannel.make('api outages');
    [message = ''] = await channel.post(5);
    await channel.caughtUp();
    await settledPair();
  }, 3 * MINUTES);
  afterAll(async () => {
    const left = await docker('ps', '-q', '--filter', 'status=paused', '--filter', `name=^${TEST_PREFIX}telegram-`);
    if (left !== '') await docker('unpause', ...left.split('\n'));
    await docker('start', container('pgbouncer'));
    await channel.close();
  });

  let asking: Asking;
  beforeEach(() => {
    asking = new Asking();
  });
  afterEach(() => asking.end());

  it(
    'R8 R5 Redis hanging during requests: each is answered by the database, soon, and again from the cache later',
    async () => {
      await asking.more(200, 20);
      // The master comes back first, so that there is nobody to fail over to.
      const parts = ['redis-replica', 'redis-master'];
      for (const part of parts) await docker('pause', container(part));
      try {
        await Promise.all([asking.more(200, 80), channel.post(20, 10)]);
        await asking.more(202, 1);
      } finally {
        for (const part of parts.toReversed()) await docker('unpause', container(part));
      }
      await asking.more(200, 20);
      await asking.end();
      process.stderr.write(`    R8 Redis hanging: slowest answer ${asking.slowest.toFixed(0)} ms\n`);
      await expectWell(asking, [200, 202]);
      // A command to Redis waits for 300 ms at the most, and a request gives it one or two.
      expect(asking.slowest).toBeLessThan(5_000);
      await settledPair();
    },
    4 * MINUTES,
  );

  it(
    'R8 R2 PgBouncer killed during requests: 503 until it is back, and no message and no accepted wish is lost',
    async () => {
      await asking.more(200, 20);
      const posting = channel.post(60, 10);
      await docker('kill', container('pgbouncer'));
      try {
        await asking.more(503, 2 * CLIENTS);
      } finally {
        await docker('start', container('pgbouncer'));
      }
      const back = performance.now();
      await asking.more(200, 40);
      process.stderr.write(
        `    R8 PgBouncer killed: 40 answers ${(performance.now() - back).toFixed(0)} ms after its start\n`,
      );
      await asking.more(202, 1);
      await asking.end();
      await posting;
      await expectWell(asking, [200, 202, 503]);
    },
    4 * MINUTES,
  );
});
