import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { control, during, figure } from '../support/control.js';
import { property } from '../support/gateway-host.js';
import { waitFor } from '../support/services.js';
import { container, docker, ready } from '../support/test-stack.js';
import { WatchedChannel } from '../support/watched-channel.js';

const MINUTES = 60_000;
/** What the process may grow by, in bytes: its own bound for waiting updates is 64 MiB. */
const GROWTH = 160 * 2 ** 20;

let channel: WatchedChannel;
let pid: string;
const connected = async () => figure('gateway', 'telegram_connection_state');
const memory = async () => figure('gateway', 'process_resident_memory_bytes');

function say(outage: string, seconds: number, [before, after]: readonly number[]): void {
  const mib = (bytes = 0) => `${String(Math.round(bytes / 2 ** 20))} MiB`;
  process.stderr.write(
    `    R2 ${outage}: caught up in ${seconds.toFixed(1)} s, memory ${mib(before)} → ${mib(after)}\n`,
  );
}

/** When the last outage was over, by `performance.now()`. */
let overAt = 0;

/** Stops every process of a container for as long as `work` takes; its connections stay open and say nothing. */
async function hanging(part: string, work: () => Promise<void>): Promise<void> {
  await docker('pause', container(part));
  await work().finally(() => {
    overAt = performance.now();
    return docker('unpause', container(part));
  });
}

/** The simulator has a fault for as long as `work` takes. */
async function faulty(fault: object, work: () => Promise<void>): Promise<void> {
  await during(fault, () =>
    work().finally(() => {
      overAt = performance.now();
    }),
  );
}

/** From the end of an outage until nothing is missing. The gateway goes through it as one process of bounded size. */
async function survives(outage: string, work: () => Promise<void>): Promise<void> {
  const before = await memory();
  await work();
  await channel.caughtUp(120_000);
  const seconds = (performance.now() - overAt) / 1_000;
  const after = await memory();
  say(outage, seconds, [before, after]);
  expect(after).toBeLessThan(before + GROWTH);
  expect(await property('MainPID')).toBe(pid);
}

beforeAll(async () => {
  await waitFor('the gateway is ready', async () => ready('gateway'), 90_000);
  channel = await WatchedChannel.make('outages');
  await channel.post(1);
  await channel.caughtUp();
  pid = await property('MainPID');
}, 3 * MINUTES);

afterAll(async () => {
  await control('DELETE', '/faults');
  await channel.close();
  await waitFor('the gateway is ready', async () => ready('gateway'), 90_000);
}, 3 * MINUTES);

describe('outages', () => {
  it(
    'R2 N6 the database hangs: the connection to Telegram stays, nothing is lost',
    async () => {
      await survives('1000 messages while the database hung', async () => {
        await hanging('timescaledb', async () => {
          await channel.post(1_000, 200);
          expect(await connected()).toBe(1);
        });
      });
    },
    4 * MINUTES,
  );

  it(
    'R2 N6 the database is killed while messages flow: what was committed stands, the rest is read again',
    async () => {
      await survives('500 messages, and the database killed among them', async () => {
        const posting = channel.post(500, 50);
        await waitFor('some are stored', async () => (await channel.kept()).length > 50, 60_000);
        await docker('kill', container('timescaledb'));
        overAt = performance.now();
        await docker('start', container('timescaledb'));
        await posting;
      });
    },
    4 * MINUTES,
  );

  it(
    'R2 R3 the broker hangs: messages are stored, the outbox grows, and is emptied later',
    async () => {
      await survives('200 messages while the broker hung', async () => {
        await hanging('rabbitmq', async () => {
          const ids = new Set(await channel.post(200, 100));
          await waitFor(
            'all are stored',
            async () => (await channel.kept()).filter(({ messageId }) => ids.has(messageId)).length === ids.size,
            60_000,
          );
        });
      });
    },
    4 * MINUTES,
  );

  it(
    'R2 R5 Redis is away: messages are stored, published and handled meanwhile, and nothing changes but speed',
    async () => {
      const failed = await figure('gateway', 'telegram_messages_failed_total');
      await survives('200 messages while all of Redis hung', async () => {
        // The master comes back first, so that there is nobody to fail over to.
        await hanging('redis-replica', () =>
          hanging('redis-master', async () => {
            await channel.post(200, 100);
            say('meanwhile, without Redis', await channel.caughtUp(90_000), [await memory(), await memory()]);
            expect(await connected()).toBe(1);
          }),
        );
      });
      expect(await figure('gateway', 'telegram_messages_failed_total')).toBe(failed);
    },
    4 * MINUTES,
  );

  it(
    'R2 Telegram refuses connections: the gateway comes back by itself',
    async () => {
      await survives('100 messages while Telegram was cut off', async () => {
        await faulty({ kind: 'refuse' }, async () => {
          await control('POST', '/faults', { kind: 'kick' });
          await waitFor('the cut is noticed', async () => (await connected()) === 0, 60_000);
          await channel.post(100, 50);
        });
      });
    },
    4 * MINUTES,
  );

  it(
    'R2 Telegram says nothing on an open connection: noticed in seconds',
    async () => {
      await survives('100 messages on a half-open connection', async () => {
        await faulty({ kind: 'mute' }, async () => {
          const began = performance.now();
          await channel.post(100);
          await waitFor('the silence is noticed', async () => (await connected()) === 0, 60_000);
          const seconds = (performance.now() - began) / 1_000;
          process.stderr.write(`    R2 half-open noticed in ${seconds.toFixed(1)} s\n`);
          // A ping every 4 s, 4 s for its answer; the rest is a busy machine's.
          expect(seconds).toBeLessThan(14);
        });
      });
    },
    4 * MINUTES,
  );
});
