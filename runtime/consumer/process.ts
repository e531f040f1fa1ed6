import { hostname } from 'node:os';
import { connectCache } from '../cache/client.js';
import { RedisTelegramCache } from '../cache/redis-telegram-cache.js';
import { RuntimeError } from '../errors.js';
import { createHealthServer } from '../http/health-server.js';
import { brokerOptions } from '../queue/connection.js';
import { TelegramMessageQueue } from '../queue/telegram-message-queue.js';
import { CredentialReload, type ChangeOver } from '../reload.js';
import type { CredentialedContext } from '../start.js';
import { Database, databaseOptions } from '../store/database.js';
import { Consumer } from './consumer.js';
import { createExampleHandler, type Handle } from './handler.js';

/**
 * The consumer process. Resolves when it serves health and is on its way to its services; it then runs until `shutdown`.
 *
 * Promised: it starts with database, broker and cache away, says so in `/health/ready`, and begins when they are there; on
 * shutdown it takes nothing more, finishes what it has begun, and leaves the rest to the next consumer.
 */
export async function runConsumer(context: CredentialedContext, handle?: Handle): Promise<void> {
  const { environment, credentials, logger, shutdown } = context;
  const { TELEGRAM_CONSUMER_GROUP: group, TELEGRAM_CONSUMER_MODE: mode } = environment;
  const worker = `${hostname()}:${String(process.pid)}`;
  const database = new Database(databaseOptions(environment, credentials, `telegram-consumer-${group}`));
  shutdown.onClose('database', () => database.close());
  const changeOver: ChangeOver[] = [(newer) => database.changeOver(newer)];
  const queue = mode === 'poll' ? null : createQueue(context);
  if (queue) changeOver.push((newer) => queue.changeOver(newer));
  const connection = mode === 'queue' ? null : connectCache(environment, credentials, logger);
  if (connection) {
    shutdown.onClose('cache', () => connection.close());
    changeOver.push((newer) => connection.changeOver(newer));
  }
  const consumer = new Consumer({
    ...{ group, worker, mode, database, queue, logger },
    handle: handle ?? createExampleHandler(logger),
    cache: connection && new RedisTelegramCache(connection, group),
    limit: environment.TELEGRAM_CONSUMER_PREFETCH,
    intervalMs: environment.TELEGRAM_CONSUMER_POLL_INTERVAL_MS,
    sweepMs: environment.TELEGRAM_CONSUMER_SWEEP_INTERVAL_MS,
    visibilityMs: environment.TELEGRAM_CONSUMER_VISIBILITY_MS,
  });
  shutdown.onClose('consumer', () => consumer.close());

  const reload = new CredentialReload({ credentials, parts: changeOver, logger }).listen();
  const health = await createHealthServer({
    host: environment.TELEGRAM_LISTEN_HOST,
    port: environment.TELEGRAM_LISTEN_PORT,
    logger,
    checks: {
      database: () => database.check(),
      ...(queue && {
        broker: () => ({ ok: queue.connected, detail: queue.connected ? 'connected' : 'not connected' }),
      }),
    },
    credentials: reload,
  });
  shutdown.onClose('health', () => health.close());
  await consumer.start();
  logger.info({ group, worker, mode }, 'consumer started');
}

function createQueue({ environment, credentials, logger }: CredentialedContext): TelegramMessageQueue {
  const { TELEGRAM_CONSUMER_GROUP: group, TELEGRAM_CONSUMER_MODE: mode } = environment;
  if (environment.TELEGRAM_RABBITMQ_HOST === '')
    throw new RuntimeError('CONFIG_INVALID', `TELEGRAM_RABBITMQ_HOST: expected the broker, "${mode}" mode needs one`);
  return new TelegramMessageQueue({
    broker: brokerOptions(environment, credentials, `telegram-consumer-${group}`),
    logger,
    group,
    prefetch: environment.TELEGRAM_CONSUMER_PREFETCH,
  });
}
