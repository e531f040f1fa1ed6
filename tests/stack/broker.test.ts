import { describe, expect, it } from '@jest/globals';
import { connect } from 'amqplib';
import { connection, inside } from '../support/test-stack.js';

interface Login {
  readonly user: string;
  readonly password: string;
}

/** Answers of the management interface, as the reader sees it. */
async function list(what: string): Promise<Record<string, unknown>[]> {
  const { host, port, user, password } = connection('rabbitmq-management');
  const authorization = `Basic ${Buffer.from(`${user ?? ''}:${password ?? ''}`).toString('base64')}`;
  const response = await fetch(`http://${host}:${String(port)}/api/${what}/telegram`, { headers: { authorization } });
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, unknown>[];
}

const RETRIES = ['telegram.retry.1000', 'telegram.retry.30000', 'telegram.retry.5000'];

describe('R6 topology of the broker', () => {
  it('R6 D6 exchanges and quorum queues have the agreed names', async () => {
    const exchanges = (await list('exchanges')).map(({ name, type }) => `${String(name)} ${String(type)}`);
    expect(exchanges.filter((name) => name.startsWith('telegram.')).sort()).toEqual([
      'telegram.messages topic',
      'telegram.messages.dlx topic',
      'telegram.retry headers',
    ]);
    const queues = (await list('queues')).map(({ name, type }) => `${String(name)} ${String(type)}`);
    expect(queues.sort()).toEqual(
      ['telegram.consumer.default', 'telegram.messages.dlq', ...RETRIES].map((name) => `${name} quorum`),
    );
  });

  it('R6 the default group takes every channel, dead letters go to the dead letter queue', async () => {
    const bindings = (await list('bindings'))
      .filter(({ source }) => String(source) !== '')
      .map(({ source, destination, routing_key: key }) => [source, destination, key].map(String).join(' '));
    expect(bindings.sort()).toEqual(
      [
        'telegram.messages telegram.consumer.default telegram.channel.*',
        'telegram.messages.dlx telegram.messages.dlq #',
        ...RETRIES.map((name) => `telegram.retry ${name} `),
      ].sort(),
    );
  });

  it('D6 no client of the stack can declare or delete anything', async () => {
    const gateway = JSON.parse(
      await inside('gateway-host', 'cat', '/opt/telegram-gateway/credentials/credentials.json'),
    ) as { rabbitmq: Login };
    const consumer = JSON.parse(await inside('consumer', 'cat', '/credentials/credentials.json')) as {
      rabbitmq: Login;
    };
    const { host, port, user = '', password = '' } = connection('rabbitmq');
    for (const login of [gateway.rabbitmq, consumer.rabbitmq, { user, password }]) {
      const broker = await connect({
        hostname: host,
        port,
        vhost: 'telegram',
        username: login.user,
        password: login.password,
      });
      broker.on('error', () => undefined);
      for (const attempt of ['declare', 'delete'] as const) {
        const channel = await broker.createChannel();
        channel.on('error', () => undefined);
        const outcome =
          attempt === 'declare'
            ? channel.assertQueue('telegram.consumer.mine')
            : channel.deleteQueue('telegram.messages.dlq');
        await expect(outcome).rejects.toThrow(/ACCESS_REFUSED/);
      }
      await broker.close();
    }
  });
});
