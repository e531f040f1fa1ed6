import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { ZodError } from 'zod';
import { refuseNoRequest } from '../../http/no-request.js';
import type { Logger } from '../../logger.js';
import type { Simulator } from '../simulator.js';
import { WorldError } from '../world-error.js';
import { accountRoutes } from './accounts.js';
import { channelRoutes } from './channels.js';
import { faultRoutes } from './faults.js';
import { messageRoutes } from './messages.js';
import type { Route } from './routes.js';
import { stateRoutes } from './state.js';
import { truthRoutes } from './truth.js';

const BODY_LIMIT = 128 * 1_024 * 1_024;
/** Longest wait for a request to arrive, in ms: a client that trickles holds nothing up. */
const REQUEST_TIMEOUT_MS = 60_000;
const MAX_CONNECTIONS = 200;

export const ROUTES: readonly Route[] = [
  ...stateRoutes,
  ...channelRoutes,
  ...messageRoutes,
  ...truthRoutes,
  ...accountRoutes,
  ...faultRoutes,
];

/** The HTTP side of the simulator: change the world, read the truth, inject faults. Not secured: for tests only. */
export function createControl(simulator: Simulator, logger: Logger): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    clientErrorHandler: refuseNoRequest(logger, () => {
      simulator.stats.badRequests++;
    }),
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  app.setErrorHandler(sendError);
  for (const { method, path, run } of ROUTES)
    app.route({ method, url: path, handler: async (request, reply) => run(request, reply, simulator) });
  return app;
}

function sendError(error: unknown, _request: unknown, reply: FastifyReply): FastifyReply {
  if (error instanceof ZodError)
    return reply.code(400).send({ error: error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) });
  if (error instanceof WorldError) return reply.code(error.status).send({ error: [error.message] });
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  return reply.code(status).send({ error: [error instanceof Error ? error.message : 'failed'] });
}
