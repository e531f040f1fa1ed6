import type { Redis } from 'ioredis';
import { CircuitBreaker } from './circuit-breaker.js';

/** The client of now is another one after a change of credentials. */
export type CacheClientSource = Redis | { readonly redis: Redis };

/**
 * Asks Redis for as long as it answers.
 *
 * Promised: a call fails at once while there is no connection, or while Redis has it and has not answered lately; else it
 *   waits for the client's command timeout at the most.
 */
export class GuardedRedis {
  readonly #client: () => Redis;
  readonly #breaker = new CircuitBreaker({ isFailure: (error) => !isReply(error) });

  constructor(source: CacheClientSource) {
    this.#client = 'redis' in source ? () => source.redis : () => source;
  }

  get client(): Redis {
    return this.#client();
  }

  /** False while a call would fail at once. */
  get available(): boolean {
    return this.client.status === 'ready' && !this.#breaker.open;
  }

  /** Rejects with whatever went wrong. */
  run<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = this.client;
    // A connection that is not there costs nobody time: it is no reason to doubt the next one.
    if (redis.status !== 'ready') return Promise.reject(new Error(`no connection to Redis: ${redis.status}`));
    return this.#breaker.run(() => work(redis));
  }
}

/** Redis that says no has answered. */
export function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}
