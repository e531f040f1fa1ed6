/**
 * A consumer as a process of its own, to be killed: `TEST_CHILD` (JSON) says of which group, in which mode and on which
 * database and vhost. Its effect is not idempotent on purpose: whatever is done twice, shows.
 */
import { RedisTelegramCache } from '../../runtime/cache/redis-telegram-cache.js';
import { Consumer } from '../../runtime/consumer/consumer.js';
import type { BrokerOptions } from '../../runtime/queue/connection.js';
import { TelegramMessageQueue } from '../../runtime/queue/telegram-message-queue.js';
import { Database } from '../../runtime/store/database.js';
import { createLogger } from '../../runtime/logger.js';
import { openRedis } from './redis-client.js';

export interface ChildSettings {
  readonly group: string;
  readonly mode: 'queue' | 'poll' | 'dual';
  readonly database: { host: string; port: number; name: string; user: string; password: string };
  readonly broker: Omit<BrokerOptions, 'login'> & { readonly login: { user: string; password: string } };
  readonly redisUrl: string;
}

const { group, mode, database, broker, redisUrl } = JSON.parse(process.env['TEST_CHILD'] ?? '{}') as ChildSettings;
const logger = createLogger('child', process.env['TEST_LOG_LEVEL'] ?? 'silent');
const { user, password } = database;
const consumer = new Consumer({
  ...{ group, mode, logger, worker: `child:${String(process.pid)}`, intervalMs: 10, sweepMs: 500, visibilityMs: 1_000 },
  handle: async (event, tx) => {
    await tx.query('insert into telegram_gateway.effects (event_id) values ($1)', [event.id]);
  },
  database: new Database({
    ...{ host: database.host, port: database.port, name: database.name, poolSize: 2, tls: false },
    ...{ applicationName: 'child', login: () => ({ user, password }) },
  }),
  queue:
    mode === 'poll'
      ? null
      : new TelegramMessageQueue({ broker: { ...broker, login: () => broker.login }, logger, group, declare: true }),
  cache: mode === 'queue' ? null : new RedisTelegramCache(openRedis(new URL(redisUrl)), group),
});
void consumer.start();
