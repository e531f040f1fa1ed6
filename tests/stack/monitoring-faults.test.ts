import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'amqplib';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXCHANGE, groupQueue, VHOST } from '../../runtime/contract.js';
import { ROOT } from '../../ops/stack-folder.js';
import { askStack } from '../support/api.js';
import {
  emptyDisk,
  fillDisk,
  PACE,
  RUN,
  startFastPrometheus,
  startSmallPrometheus,
  stopPrometheus,
} from '../support/fast-prometheus.js';
import { askPooler, credentialsOf } from '../support/logins.js';
import { settled, type Prometheus } from '../support/prometheus.js';
import { settledPair } from '../support/redis-pair.js';
import { waitFor } from '../support/services.js';
import { connection, container, docker, inside } from '../support/test-stack.js';
import { Traffic } from '../support/traffic.js';
import { Webhook } from '../support/webhook.js';

const MINUTES = 60_000;
const SLOWEST = 'LowCacheHitRate';
const FLOOD = groupQueue('flood');

let prometheus: Prometheus;
const misses = new Traffic();
let missesSince = 0;
const webhook = new Webhook();
const table: string[] = [];

/** What fires, but for the hit rate: its fault begins before all others, because it takes longest. */
const others = async () => (await prometheus.firing()).filter((name) => name !== SLOWEST);
const is = (wanted: string) => (names: readonly string[]) => names.join() === wanted;
const none = is('');

interface Fault {
  readonly damage: () => Promise<unknown>;
  readonly mend: () => Promise<unknown>;
  /** What is looked at while the alert fires. @default nothing */
  readonly meanwhile?: () => Promise<void>;
  /** When it began, where that is not the moment after `damage`. */
  readonly since?: number;
}

/** Does the damage; the alert fires, alone; mends it; the alert clears. */
async function fault(
  name: string,
  alert: string,
  { damage, mend, meanwhile, since }: Fault,
  firing = others,
): Promise<void> {
  let started = Date.now();
  let fired = '';
  const seconds = () => ((Date.now() - started) / 1000).toFixed(0);
  try {
    await damage();
    started = since ?? Date.now();
    expect(await settled(firing, is(alert))).toEqual([alert]);
    fired = seconds();
    await meanwhile?.();
  } finally {
    await mend();
  }
  started = Date.now();
  expect(await settled(firing, none)).toEqual([]);
  table.push(`${alert} × ${name}: fired after ${fired} s, cleared after ${seconds()} s`);
}

/** A Prometheus that nobody else feels: its fault goes on beside the others. */
async function fullDisk(): Promise<void> {
  const small = await startSmallPrometheus();
  await fault('the disk of Prometheus is full', 'PrometheusFailing', { damage: fillDisk, mend: emptyDisk }, () =>
    small.firing(),
  ).finally(() => stopPrometheus('small'));
}
/** How the one that began with the first test ended; a second try begins another. */
let diskWasFull: Promise<void> | undefined;

/** A question to the API that was never asked before, or always the same. */
const question = (text: string) => askStack(`/v1/messages?limit=1&text=${text}`);

beforeAll(async () => {
  await webhook.listen();
  prometheus = await startFastPrometheus();
  expect(await settled(others, none)).toEqual([]);
  diskWasFull = fullDisk();
  // Told by the test that waits for it.
  diskWasFull.catch(() => undefined);
  missesSince = Date.now();
  let n = 0;
  misses.client('misses', 500, () => question(`miss${String(Date.now())}x${String(++n)}`));
}, 4 * MINUTES);

afterAll(async () => {
  await misses.stop();
  for (const which of ['fast', 'small'] as const) await stopPrometheus(which);
  await webhook.close();
  process.stderr.write(table.map((line) => `    M12 at ${String(PACE)} times the pace: ${line}\n`).join(''));
}, 2 * MINUTES);

describe('an alert for each fault', () => {
  it(
    'M10 M12 M9 a gateway that stops, which then stands in the incidents timeline',
    async () => {
      const unit = (verb: string) => inside('gateway-host', 'systemctl', verb, 'telegram-gateway');
      await fault('the gateway stops', 'TelegramGatewayDown', {
        damage: () => unit('stop'),
        mend: () => unit('start'),
        // Told only after a pause, in which an alert could be over again.
        meanwhile: async () => {
          expect(await told('TelegramGatewayDown', 'firing')).toMatchObject({ status: 'firing' });
        },
      });
      const { panels } = JSON.parse(readFileSync(join(ROOT, 'dashboards', 'slo.json'), 'utf8')) as {
        panels: readonly { title: string; targets: readonly { expr: string }[] }[];
      };
      const [timeline] = panels.filter(({ title }) => title === 'Incidents timeline');
      const past = `last_over_time((${timeline?.targets[0]?.expr ?? ''})[10m:1s])`;
      const names = (await prometheus.query(past)).map(({ metric }) => metric['alertname']);
      expect(names).toContain('TelegramGatewayDown');
    },
    6 * MINUTES,
  );

  it(
    'M12 a target that does not answer, which is an alert and no empty panel',
    async () => {
      await fault('the consumer stops', 'ScrapeTargetDown', {
        damage: () => docker('stop', container('consumer')),
        mend: () => docker('start', container('consumer')),
      });
    },
    6 * MINUTES,
  );

  it(
    'M10 M12 a pool whose connections are all taken',
    async () => {
      const { user = '', password = '' } = connection('pgbouncer');
      const busy = new Traffic();
      await fault('the pool is exhausted', 'DatabaseConnectionPoolExhausted', {
        damage: () => {
          const sleep = () => askPooler('reader', { user, password }, 'select pg_sleep(1)');
          for (let n = 0; n < 10; n++) busy.client(`reader ${String(n)}`, 0, sleep);
          return Promise.resolve();
        },
        mend: () => busy.stop(),
      });
    },
    6 * MINUTES,
  );

  it(
    'M10 M12 a queue that nobody reads',
    async () => {
      const definitions = {
        queues: [{ name: FLOOD, vhost: VHOST, durable: true, auto_delete: false, arguments: {} }],
        bindings: [
          { source: EXCHANGE, vhost: VHOST, destination: FLOOD, destination_type: 'queue', routing_key: 'flood' },
        ].map((binding) => ({ ...binding, arguments: {} })),
      };
      await fault('a queue fills', 'MessageQueueBuilding', {
        damage: async () => {
          const text = JSON.stringify(definitions);
          const load = 'rabbitmqctl --quiet import_definitions /tmp/flood.json </dev/null';
          await inside('rabbitmq', 'sh', '-c', `echo '${text}' >/tmp/flood.json && ${load}`);
          await publish(1_500);
        },
        mend: () => inside('rabbitmq', 'rabbitmqctl', '--quiet', 'delete_queue', FLOOD, '--vhost', VHOST),
      });
    },
    6 * MINUTES,
  );

  it(
    'M10 M11 M12 a Redis master that is killed, and then the replica that took over',
    async () => {
      const { master, replica } = await settledPair();
      const both = [container(master), container(replica)];
      const mend = () => docker('start', ...both);
      await fault('the Redis master is killed', 'RedisReplicaMissing', {
        damage: () => docker('kill', container(master)),
        mend: () => docker('start', container(master)),
      });
      await settledPair();
      await fault('both Redis nodes are killed', 'RedisClusterDown', { damage: () => docker('kill', ...both), mend });
      await settledPair();
    },
    8 * MINUTES,
  );

  it(
    'M10 M12 a hit rate that drops',
    async () => {
      const hits = new Traffic();
      await fault(
        'the hit rate drops',
        SLOWEST,
        {
          damage: () => Promise.resolve(),
          since: missesSince,
          mend: async () => {
            await misses.stop();
            hits.client('hits', 150, () => question('always-the-same'));
          },
        },
        () => prometheus.firing(),
      ).finally(() => hits.stop());
    },
    6 * MINUTES,
  );

  it(
    'M10 M12 a Prometheus whose disk is full, and which goes on once there is room',
    async () => {
      const beside = diskWasFull ?? fullDisk();
      diskWasFull = undefined;
      await beside;
    },
    6 * MINUTES,
  );

  it(
    'M10 M12 a webhook that is away, of which nobody could be told',
    async () => {
      const { host, port } = connection('alertmanager');
      const body = JSON.stringify([{ labels: { alertname: 'ToNobody', run: RUN } }]);
      await fault('the webhook is away', 'AlertsNotDelivered', {
        damage: async () => {
          await webhook.close();
          const headers = { 'content-type': 'application/json' };
          const answer = await fetch(`http://${host}:${String(port)}/api/v2/alerts`, { method: 'POST', headers, body });
          expect(answer.status).toBe(200);
        },
        mend: () => webhook.listen(),
      });
      expect(await told('ToNobody', 'firing')).toMatchObject({ status: 'firing' });
    },
    6 * MINUTES,
  );

  it(
    'M10 the webhook of Alertmanager is told of the gateway, and that it is back',
    async () => {
      expect(await told('TelegramGatewayDown', 'resolved')).toMatchObject({
        labels: { severity: 'critical', subject: 'gateway' },
        annotations: { runbook_url: 'docs/guides/monitoring.md#telegramgatewaydown' },
      });
    },
    4 * MINUTES,
  );
});

/** What the webhook was told of an alert in this state. */
async function told(name: string, wanted: 'firing' | 'resolved') {
  return settled(
    () => Promise.resolve(webhook.find(name, RUN, wanted)),
    (found) => found !== undefined,
    3 * MINUTES,
  );
}

/** Events to the exchange with the gateway's own login, under a key that only the flooded queue takes. */
async function publish(count: number): Promise<void> {
  const { rabbitmq } = await credentialsOf('gateway');
  const { host, port } = connection('rabbitmq');
  const { user = '', password = '' } = rabbitmq ?? {};
  const broker = await connect({ hostname: host, port, vhost: VHOST, username: user, password });
  broker.on('error', () => undefined);
  try {
    const channel = await broker.createConfirmChannel();
    for (let n = 0; n < count; n++) channel.publish(EXCHANGE, 'flood', Buffer.from(String(n)));
    await waitFor('confirms', async () => channel.waitForConfirms().then(() => true), MINUTES);
  } finally {
    await broker.close();
  }
}
