import { careForCache } from '../cache/care.js';
import { connectCache } from '../cache/client.js';
import { appendLive } from '../cache/live-stream.js';
import { RedisTelegramCache } from '../cache/redis-telegram-cache.js';
import type { AfterCommitSink } from '../ingest/commit.js';
import { brokerOptions } from '../queue/connection.js';
import { OutboxRelay } from '../queue/outbox.js';
import { TelegramMessageQueue } from '../queue/telegram-message-queue.js';
import type { CredentialStore } from '../credentials.js';
import { Database, databaseOptions } from '../store/database.js';
import { claimOutbox, outboxStats, removeFromOutbox } from '../store/outbox.js';
import { releaseLease, renewLease, takeLease } from '../store/lease.js';
import { channelRequests } from '../store/channel-requests.js';
import { saveSessionCopy } from '../store/session-copies.js';
import { TelegramStore } from '../store/telegram-store.js';
import type { ChangeOver } from '../reload.js';
import type { ProcessContext } from '../start.js';
import { LeaseKeeper } from './lease-keeper.js';
import { endWithLeaseLost, type GatewayParts } from './process.js';
import { SessionCopy } from './session-copy.js';

/**
 * The gateway's adapters: store, relay to the broker, cache. Nothing here waits: each may be away when the gateway starts.
 * They close in reverse order, after the gateway itself, so that what was committed last is still published.
 */
export function createGatewayParts(context: ProcessContext & { readonly credentials: CredentialStore }): GatewayParts {
  const { environment, credentials, logger, shutdown } = context;
  const database = new Database(databaseOptions(environment, credentials, 'telegram-gateway'));
  shutdown.onClose('database', () => database.close());

  // Given back after everything else has stopped but the database.
  const lease = new LeaseKeeper({
    accountId: environment.TELEGRAM_ACCOUNT,
    store: {
      take: (accountId, owner, ttlMs) => takeLease(database, accountId, owner, ttlMs),
      renew: (fence, ttlMs) => renewLease(database, fence, ttlMs),
      release: (fence) => releaseLease(database, fence),
    },
    logger,
    signal: shutdown.signal,
    onLost: (error) => {
      endWithLeaseLost(error, environment, logger, shutdown);
    },
  });
  shutdown.onClose('lease', () => lease.release());

  const connection = connectCache(environment, credentials, logger);
  const cache = connection && new RedisTelegramCache(connection);
  if (connection && cache) {
    const stopCaring = careForCache(cache);
    shutdown.onClose('cache', () => {
      stopCaring();
      return connection.close();
    });
  }

  const queue = createQueue(context);
  if (queue) shutdown.onClose('queue', () => queue.close());
  const relay = new OutboxRelay({
    accountId: environment.TELEGRAM_ACCOUNT,
    store: {
      claim: (options) => claimOutbox(database, options),
      remove: (ids) => removeFromOutbox(database, ids),
      stats: (accountId) => outboxStats(database, accountId),
    },
    queue,
    logger,
  });
  shutdown.onClose('outbox', () => relay.stop());

  const sealingKey = environment.TELEGRAM_BACKUP_SEALING_KEY;
  const sessionCopy =
    sealingKey === ''
      ? null
      : new SessionCopy({
          sealingKey,
          save: (sealed) => saveSessionCopy(database, environment.TELEGRAM_ACCOUNT, sealed),
          logger,
          signal: shutdown.signal,
        });

  const changeOver: ChangeOver[] = [(newer) => database.changeOver(newer)];
  if (connection) changeOver.push((newer) => connection.changeOver(newer));
  if (queue) changeOver.push((newer) => queue.changeOver(newer));
  const sinks: AfterCommitSink[] = [
    (stored) => {
      relay.offer(stored);
    },
  ];
  if (cache) sinks.push((stored) => void cache.cacheMessages(stored.map(({ event }) => event)));
  if (connection)
    sinks.push(
      (stored) =>
        void appendLive(
          connection,
          stored.map(({ event }) => event),
        ),
    );
  return {
    store: new TelegramStore(database, () => lease.fence),
    requests: channelRequests(database),
    lease,
    sinks,
    start: () => {
      relay.start();
    },
    checks: {
      database: () => database.check(),
      ...(queue && {
        broker: () => ({ ok: queue.connected, detail: queue.connected ? 'connected' : 'not connected' }),
      }),
    },
    ...(sessionCopy && {
      onSession: (session: string) => {
        sessionCopy.offer(session);
      },
    }),
    changeOver,
  };
}

/** Null without a broker: consumers then poll, and the relay only empties the outbox. */
function createQueue({
  environment,
  credentials,
  logger,
}: ProcessContext & { readonly credentials: CredentialStore }): TelegramMessageQueue | null {
  if (environment.TELEGRAM_RABBITMQ_HOST === '') return null;
  const queue = new TelegramMessageQueue({
    broker: brokerOptions(environment, credentials, 'telegram-gateway'),
    logger,
  });
  queue.initialize().catch((error: unknown) => {
    logger.error({ err: error }, 'the broker cannot be used');
  });
  return queue;
}
