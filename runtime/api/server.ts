import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from '@fastify/type-provider-zod';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify';
import { randomUUID } from 'node:crypto';
import type { CacheConnection } from '../cache/client.js';
import type { CredentialStore } from '../credentials.js';
import { RuntimeError } from '../errors.js';
import type { Logger } from '../logger.js';
import { cursorSecret } from '../store/api-keys.js';
import type { Queryable } from '../store/database.js';
import { Answers } from './answers.js';
import { requireKey } from './authentication.js';
import { Cursors } from './cursor.js';
import { ApiKeys } from './keys.js';
import { describeApi } from './openapi.js';
import { answerProblem } from './problems.js';
import { channelCommandRoutes } from './routes/channel-commands.js';
import { channelRoutes } from './routes/channels.js';
import { exportRoute } from './routes/export.js';
import { liveRoute } from './routes/live.js';
import { messageRoutes } from './routes/messages.js';
import { pageRoute } from './routes/page.js';
import { statisticsRoute } from './routes/statistics.js';
import { statusRoute } from './routes/status.js';
import type { StatusBoard } from './status/board.js';

export interface ApiOptions {
  readonly database: Queryable;
  /** Null: no copies of answers, and no live feed. */
  readonly cache: Pick<CacheConnection, 'redis'> | null;
  readonly credentials: Pick<CredentialStore, 'current'>;
  readonly logger: Logger;
  /** Requests a minute of one key. */
  readonly rateLimit: number;
  readonly board: Pick<StatusBoard, 'view'>;
  /** The status page, as the build makes it. */
  readonly page: string;
  /** @default 5000 */
  readonly keyRefreshMs?: number;
  /** A request that has not arrived by then is given up; answers may take as long as they like. @default 10000 */
  readonly requestTimeoutMs?: number;
  /** A reader of a stream that takes nothing for so long is gone. @default 60000 */
  readonly stalledMs?: number;
}

/** What the routes share. */
export interface ApiParts extends ApiOptions {
  readonly stalledMs: number;
  readonly answers: Answers;
  readonly cursors: Cursors;
}

/** Where routes are added. */
export type ApiInstance = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** No command needs more. */
const BODY_LIMIT_BYTES = 16_384;
const REQUEST_TIMEOUT_MS = 10_000;
const STALLED_MS = 60_000;
const KEEP_ALIVE_MS = 15_000;
const MAX_CONNECTIONS = 4_000;

/**
 * The REST API, ready to listen.
 *
 * Promised: each answer is one that `/v1/openapi.json` describes; a failure is a `problem` with a code of the closed table;
 *   a part that is away is 503 with `Retry-After`, and the request holds nothing afterwards.
 */
export async function createApi(options: ApiOptions): Promise<FastifyInstance> {
  const { database, logger, requestTimeoutMs = REQUEST_TIMEOUT_MS, stalledMs = STALLED_MS } = options;
  const parts: ApiParts = {
    ...options,
    stalledMs,
    answers: new Answers(options.cache),
    cursors: new Cursors(() => cursorSecret(database)),
  };
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: { headersTimeout: requestTimeoutMs, connectionsCheckingInterval: 1_000 },
    genReqId: () => randomUUID(),
    frameworkErrors: (error, request, reply) => {
      answerProblem(logger, error, request, reply);
    },
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error, request, reply) => {
    answerProblem(logger, error, request, reply);
  });
  app.setNotFoundHandler((request, reply) => {
    const error = new RuntimeError('API_NOT_FOUND', `there is no ${request.method} ${request.url.split('?')[0] ?? ''}`);
    answerProblem(logger, error, request, reply);
  });
  await describeApi(app);
  const open = app.withTypeProvider<ZodTypeProvider>();
  statusRoute(open, parts);
  pageRoute(open, parts);
  await app.register(async (closed) => {
    const keys = new ApiKeys({
      ...options,
      ...(options.keyRefreshMs !== undefined && { refreshMs: options.keyRefreshMs }),
    });
    await requireKey(closed, keys, options.rateLimit);
    const scope = closed.withTypeProvider<ZodTypeProvider>();
    for (const addTo of [messageRoutes, channelRoutes, channelCommandRoutes, statisticsRoute, exportRoute, liveRoute])
      addTo(scope, parts);
  });
  return app;
}
