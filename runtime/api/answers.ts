/**
 * Answers with a copy in Redis and an `ETag`.
 *
 * Promised: a copy is at most `ANSWER_TTL_S` old; who has the answer already gets 304 without a body; equal questions that
 *   arrive together ask the database once. Redis away or slow means the database answers.
 * Not promised: that an answer is newer than that.
 */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CacheConnection } from '../cache/client.js';
import { GuardedRedis } from '../cache/guarded.js';
import { generateAnswerKey } from '../cache/keys.js';
import { metrics } from '../metrics.js';

/** Life of a copy, in seconds: short enough that nobody minds, long enough that a page that everybody reloads costs nothing. */
export const ANSWER_TTL_S = 2;

const digest = (text: string) => createHash('sha256').update(text).digest('base64url').slice(0, 22);

export class Answers {
  readonly #underWay = new Map<string, Promise<string>>();

  readonly #cache: GuardedRedis | null;

  /** Without a cache every answer is computed. */
  constructor(cache: Pick<CacheConnection, 'redis'> | null) {
    this.#cache = cache && new GuardedRedis(cache);
  }

  /** Sends what `compute` gives. Its result must depend on the URL alone, not on who asks. */
  async send(request: FastifyRequest, reply: FastifyReply, compute: () => Promise<object>): Promise<FastifyReply> {
    const key = generateAnswerKey(digest(request.url));
    let body = await this.#read(key);
    if (body === null) {
      let computed = this.#underWay.get(key);
      if (!computed) {
        computed = compute()
          .then((value) => reply.serialize(value) as string)
          .finally(() => this.#underWay.delete(key));
        this.#underWay.set(key, computed);
      }
      body = await computed;
      const copy = body;
      this.#cache?.run((redis) => redis.set(key, copy, 'EX', ANSWER_TTL_S)).catch(() => undefined);
    }
    const etag = `"${digest(body)}"`;
    reply.headers({ etag, 'cache-control': 'private, no-cache' });
    const known = request.headers['if-none-match'];
    if (known !== undefined && knows(known, etag)) return reply.code(304).serializer(String).send();
    return reply
      .type('application/json; charset=utf-8')
      .serializer((text: string) => text)
      .send(body);
  }

  async #read(key: string): Promise<string | null> {
    if (!this.#cache) return null;
    try {
      const body = await this.#cache.run((redis) => redis.get(key));
      (body === null ? metrics.cacheMisses : metrics.cacheHits).inc();
      return body;
    } catch {
      metrics.cacheFallbacks.inc();
      return null;
    }
  }
}

/** A list of tags, each perhaps marked as weak. */
function knows(header: string, etag: string): boolean {
  return header.split(',').some((part) => ['*', etag, `W/${etag}`].includes(part.trim()));
}
