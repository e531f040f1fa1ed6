import { hostname } from 'node:os';
import type { Environment } from '../config.js';
import type { CredentialStore } from '../credentials.js';
import { RuntimeError } from '../errors.js';
import { createHealthServer } from '../http/health-server.js';
import type { Logger } from '../logger.js';
import { brokerOptions } from '../queue/connection.js';
import { TelegramMessageQueue } from '../queue/telegram-message-queue.js';
import { CredentialReload } from '../reload.js';
import type { Shutdown } from '../shutdown.js';
import { Database, databaseOptions } from '../store/database.js';
import { EventProcessor } from './event-processor.js';
import { createExampleHandler, type Handle } from './handler.js';
import { consumeFromQueue } from './queue.js';

/**
 * The consumer process. Resolves when it serves health and is on its way to the broker; it then runs until `shutdown`.
 *
 * Promised: it starts with database and broker away, says so in `/health/ready`, and begins when they are there; on
 * shutdown it takes no more deliveries, finishes what it has begun, and leaves the rest to the next consumer.
 */
export async function runConsumer(
  environment: Environment,
  credentials: CredentialStore,
  logger: Logger,
  shutdown: Shutdown,
  handle: Handle = createExampleHandler(logger),
): Promise<void> {
  requireQueueMode(environment);
  const group = environment.TELEGRAM_CONSUMER_GROUP;
  const worker = `${hostname()}:${String(process.pid)}`;
  const database = new Database(databaseOptions(environment, credentials, `telegram-consumer-${group}`));
  shutdown.onClose('database', () => database.close());
  const queue = new TelegramMessageQueue({
    broker: brokerOptions(environment, credentials, `telegram-consumer-${group}`),
    logger,
    group,
    prefetch: environment.TELEGRAM_CONSUMER_PREFETCH,
  });
  shutdown.onClose('broker', () => queue.close());

  const parts = [(newer: AbortSignal) => database.changeOver(newer), (newer: AbortSignal) => queue.changeOver(newer)];
  const reload = new CredentialReload({ credentials, parts, logger }).listen();
  const health = await createHealthServer({
    host: environment.TELEGRAM_LISTEN_HOST,
    port: environment.TELEGRAM_LISTEN_PORT,
    checks: {
      database: () => database.check(),
      broker: () => ({ ok: queue.connected, detail: queue.connected ? 'connected' : 'not connected' }),
    },
    credentials: reload,
  });
  shutdown.onClose('health', () => health.close());
  const { signal } = shutdown;
  const processor = new EventProcessor({ database, group, worker, mode: 'queue', handle, logger, signal });
  await consumeFromQueue(queue, processor);
  // Rejects only when the queue is closed before the broker was found.
  queue.initialize().catch((error: unknown) => {
    logger.debug({ err: error }, 'stopped before the broker was found');
  });
  logger.info({ group, worker }, 'consumer started');
}

function requireQueueMode(environment: Environment): void {
  const mode = environment.TELEGRAM_CONSUMER_MODE;
  if (mode !== 'queue')
    throw new RuntimeError('CONFIG_INVALID', `TELEGRAM_CONSUMER_MODE: expected "queue" in this release, got "${mode}"`);
  if (environment.TELEGRAM_RABBITMQ_HOST === '')
    throw new RuntimeError('CONFIG_INVALID', 'TELEGRAM_RABBITMQ_HOST: expected the broker, "queue" mode needs one');
}
