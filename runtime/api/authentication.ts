import type { FastifyInstance, FastifyRequest } from 'fastify';
import rateLimit from '@fastify/rate-limit';
import { RuntimeError } from '../errors.js';
import type { ApiKeys } from './keys.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Name of the key that asks. */
    apiKey: string;
  }
}

const WINDOW_MS = 60_000;
const BEARER = /^Bearer ([\x21-\x7e]{1,200})$/i;

/**
 * Asks everybody in this scope for a key, and lets each ask only so often: `ratelimit-limit`, `-remaining` and `-reset`
 * (seconds) tell how often still. Counted in this process.
 */
export async function requireKey(scope: FastifyInstance, keys: ApiKeys, perMinute: number): Promise<void> {
  await scope.register(rateLimit, { global: false });
  const count = scope.createRateLimit({
    max: perMinute,
    timeWindow: WINDOW_MS,
    keyGenerator: (request) => request.apiKey,
  });
  scope.decorateRequest('apiKey', '');
  scope.addHook('onRequest', async (request, reply) => {
    request.apiKey = await identify(keys, request);
    const result = await count(request);
    if (result.isAllowed) return;
    reply.headers({
      'ratelimit-limit': result.max,
      'ratelimit-remaining': result.remaining,
      'ratelimit-reset': result.ttlInSeconds,
    });
    if (!result.isExceeded) return;
    reply.header('retry-after', result.ttlInSeconds);
    throw new RuntimeError('API_RATE', `this key may ask ${String(perMinute)} times a minute`);
  });
}

async function identify(keys: ApiKeys, { headers }: FastifyRequest): Promise<string> {
  const key = BEARER.exec(headers.authorization ?? '')?.[1];
  if (key === undefined) throw new RuntimeError('API_KEY', 'authorization: expected `Bearer <key>`');
  const name = await keys.nameOf(key);
  if (name === null) throw new RuntimeError('API_KEY', 'authorization: the key is unknown or revoked');
  return name;
}
