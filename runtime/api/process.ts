import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectCache } from '../cache/client.js';
import type { CredentialStore } from '../credentials.js';
import { closeServer, listen, registerHealthRoutes, type Check } from '../http/health-server.js';
import { runScheduler } from '../maintenance/scheduler.js';
import { CredentialReload, type ChangeOver } from '../reload.js';
import type { ProcessContext } from '../start.js';
import { Database, databaseOptions } from '../store/database.js';
import { brokerCheck, cacheCheck } from './checks.js';
import { createApi } from './server.js';
import { StatusBoard } from './status/board.js';
import { sourceUrls } from './status/sources.js';

/** Longer than the database lets a statement of the API run; whoever waits longer than that has gone. */
const QUERY_TIMEOUT_MS = 8_000;
/** The status page lies beside the bundle, as the build makes it. */
const PAGE_FILE = join(__dirname, 'status.html');

/**
 * The API process: REST API, status page, health, readiness of every part it stands on, metrics; and the scheduler, because of
 * all processes it is the one that every stack has, and whose absence loses nothing. Resolves when it listens.
 *
 * Promised: `/health/live` answers whatever the parts do; a part that is away makes the process not ready, never dead.
 */
export async function runApi(context: ProcessContext & { readonly credentials: CredentialStore }): Promise<void> {
  const { environment, credentials, logger, shutdown } = context;
  const database = new Database({
    ...databaseOptions(environment, credentials, 'telegram-api'),
    queryTimeoutMs: QUERY_TIMEOUT_MS,
  });
  shutdown.onClose('database', () => database.close());
  const cache = connectCache(environment, credentials, logger);
  if (cache) shutdown.onClose('cache', () => cache.close());
  const parts: ChangeOver[] = [(newer) => database.changeOver(newer)];
  if (cache) parts.push((newer) => cache.changeOver(newer));
  const reload = new CredentialReload({ credentials, parts, logger }).listen();

  const checks: Record<string, Check> = { database: () => database.check() };
  if (cache) checks['cache'] = cacheCheck(cache);
  const { TELEGRAM_RABBITMQ_HOST: host, TELEGRAM_RABBITMQ_PORT: port } = environment;
  if (host !== '') checks['broker'] = brokerCheck({ host, port });

  const board = new StatusBoard({ urls: sourceUrls(environment), checks }).start();
  shutdown.onClose('status', () => board.close());
  const rateLimit = environment.TELEGRAM_API_RATE_LIMIT;
  const page = readFileSync(PAGE_FILE, 'utf8');
  const app = await createApi({ database, cache, credentials, logger, rateLimit, board, page });
  registerHealthRoutes(app, { checks, credentials: reload });
  await listen(app, { host: environment.TELEGRAM_LISTEN_HOST, port: environment.TELEGRAM_LISTEN_PORT });
  shutdown.onClose('http', () => closeServer(app));
  const { TELEGRAM_RETENTION_MESSAGES_DAYS: messagesDays, TELEGRAM_RETENTION_OUTCOMES_DAYS: outcomesDays } =
    environment;
  const retention = { messagesDays, outcomesDays };
  const scheduler = runScheduler({ database, retention, logger, signal: shutdown.signal });
  shutdown.onClose('scheduler', () => scheduler);
  logger.info({ port: environment.TELEGRAM_LISTEN_PORT }, 'API listening');
}
