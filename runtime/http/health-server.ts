import fastify, { type FastifyInstance } from 'fastify';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../logger.js';
import { metrics, registry } from '../metrics.js';
import { refuseNoRequest } from './no-request.js';

/** A client that says nothing, or not the whole of its request, is hung up on after this, in milliseconds. */
const PATIENCE_MS = 10_000;
/** Clients at once: a flood of them must not take the sockets of the process itself. */
const MOST_CLIENTS = 256;
/** Longest wait for one check; a probe that hangs is a part that is down. */
const PROBE_MS = 1_000;

export interface CheckResult {
  readonly ok: boolean;
  /** One line for the operator, without secrets. */
  readonly detail: string;
}

export type Check = () => CheckResult | Promise<CheckResult>;

export interface HealthServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly logger: Logger;
  /** All of them must be well for the process to be ready. */
  readonly checks: Readonly<Record<string, Check>>;
  /** See `CredentialReload`. @default none: a process without credentials */
  readonly credentials?: CredentialUse;
}

/** Tells which credentials the process uses. */
export interface CredentialUse {
  readonly epoch: number | null;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** What `/health/ready` says of one part. */
export interface ReadyPart extends CheckResult {
  /** Since when it is as it is, ISO 8601. */
  readonly since: string;
}

/**
 * Health and metrics of one process, the same everywhere:
 *
 * - `/health/live`: 200 while the event loop runs;
 * - `/health/ready`: 200 if every check is well, else 503; `{ready, checks: {name: {ok, since, detail}}}`;
 * - `/health/credentials/<epoch>`: 200 once every connection uses the credentials of that epoch, else 503; `{epoch}`;
 * - `/metrics`: Prometheus text.
 *
 * Promised: an answer within about a second, whatever the parts do; what is no request is counted, logged and hung up on.
 * Resolves when it listens.
 */
export async function createHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const app = fastify({
    logger: false,
    connectionTimeout: PATIENCE_MS,
    requestTimeout: PATIENCE_MS,
    http: { connectionsCheckingInterval: PATIENCE_MS / 4 },
    clientErrorHandler: refuseNoRequest(options.logger, () => {
      metrics.badRequests.inc();
    }),
  });
  app.server.maxConnections = MOST_CLIENTS;
  registerHealthRoutes(app, options);
  const port = await listen(app, options);
  return { port, close: () => closeServer(app) };
}

/**
 * Like `app.listen`, which would also list the machine's network interfaces in order to log them: that takes a netlink
 * socket, which the hardened unit denies.
 */
export async function listen(
  app: FastifyInstance,
  at: { readonly host: string; readonly port: number },
): Promise<number> {
  await app.ready();
  app.server.listen({ host: at.host, port: at.port });
  await once(app.server, 'listening');
  return (app.server.address() as AddressInfo).port;
}

/** Ends keep-alive connections too: a scraper's would otherwise hold the stop up. */
export async function closeServer(app: FastifyInstance): Promise<void> {
  app.server.closeAllConnections();
  await app.close();
}

/** The same routes on a server that also serves others. */
export function registerHealthRoutes(
  app: FastifyInstance,
  { checks, credentials }: Pick<HealthServerOptions, 'checks' | 'credentials'>,
): void {
  const observed = new Map<string, { ok: boolean; since: Date }>();
  app.get('/health/live', () => ({ live: true }));
  app.get('/health/ready', async (_request, reply) => {
    const parts = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, stamp(observed, name, await probe(check))] as const),
    );
    const ready = parts.every(([, part]) => part.ok);
    return reply.code(ready ? 200 : 503).send({ ready, checks: Object.fromEntries(parts) });
  });
  if (credentials)
    app.get<{ Params: { epoch: string } }>('/health/credentials/:epoch', async ({ params }, reply) => {
      const { epoch } = credentials;
      return reply.code(String(epoch) === params.epoch ? 200 : 503).send({ epoch });
    });
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()));
}

/** Asks, for a second at the most; whatever goes wrong is a result. */
export async function probe(check: Check): Promise<CheckResult> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<CheckResult>((resolve) => {
    timer = setTimeout(() => {
      resolve({ ok: false, detail: `no answer within ${String(PROBE_MS)} ms` });
    }, PROBE_MS);
  });
  try {
    return await Promise.race([Promise.resolve().then(check), late]);
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** `since` moves only when the part changes between well and not well. */
function stamp(observed: Map<string, { ok: boolean; since: Date }>, name: string, result: CheckResult): ReadyPart {
  let last = observed.get(name);
  if (last?.ok !== result.ok) observed.set(name, (last = { ok: result.ok, since: new Date() }));
  return { ok: result.ok, since: last.since.toISOString(), detail: result.detail };
}
