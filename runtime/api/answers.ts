/**
 * Answers with a copy in Redis and an `ETag`.
 *
 * Promised: a copy is at most `ANSWER_TTL_S` old; who has the answer already gets 304 without a body; equal questions that
 *   arrive together ask the database once. Redis away or slow means the database answers. However many ask for pages of the
 *   longest messages, and however slowly they read: so many answers are in hand as fit the memory, the others wait.
 * Not promised: that an answer is newer than that.
 */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CacheConnection } from '../cache/client.js';
import { GuardedRedis } from '../cache/guarded.js';
import { generateAnswerKey } from '../cache/keys.js';
import { metrics } from '../metrics.js';
import { Places } from './places.js';

/** Life of a copy, in seconds: short enough that nobody minds, long enough that a page that everybody reloads costs nothing. */
export const ANSWER_TTL_S = 2;

/** Answers in hand: being made, or long and not yet taken by their readers. */
const MOST_AT_ONCE = 8;
/** From so many characters on an answer counts until it is taken, and is not copied: a page of usual messages has a tenth. */
const LONG = 262_144;

const digest = (text: string) => createHash('sha256').update(text).digest('base64url').slice(0, 22);

export interface AnswerBounds {
  /** Longest wait for a turn, in milliseconds; then the API is busy. @default 5000 */
  readonly patienceMs?: number;
  /** A reader who takes nothing of a long answer for so long is gone. @default 10000 */
  readonly stalledMs?: number;
}

export class Answers {
  readonly #underWay = new Map<string, Promise<string>>();

  readonly #cache: GuardedRedis | null;
  readonly #places = new Places(MOST_AT_ONCE, 'long answers under way');

  /** Without a cache every answer is computed. */
  constructor(
    cache: Pick<CacheConnection, 'redis'> | null,
    private readonly bounds: AnswerBounds = {},
  ) {
    this.#cache = cache && new GuardedRedis(cache);
  }

  /** Sends what `compute` gives. Its result must depend on the URL alone, not on who asks. */
  async send(request: FastifyRequest, reply: FastifyReply, compute: () => Promise<object>): Promise<FastifyReply> {
    const giveBack = await this.#places.wait(this.bounds.patienceMs ?? 5_000);
    try {
      const body = await this.#body(request, reply, compute);
      if (body.length >= LONG && !reply.raw.destroyed) {
        reply.raw.setTimeout(this.bounds.stalledMs ?? 10_000, () => reply.raw.destroy());
        reply.raw.once('close', giveBack);
      } else giveBack();
      return await answer(request, reply, body);
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  async #body(request: FastifyRequest, reply: FastifyReply, compute: () => Promise<object>): Promise<string> {
    const key = generateAnswerKey(digest(request.url));
    const copy = await this.#read(key);
    if (copy !== null) return copy;
    let computed = this.#underWay.get(key);
    if (!computed) {
      computed = compute()
        .then((value) => reply.serialize(value) as string)
        .finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, computed);
    }
    const body = await computed;
    if (body.length < LONG)
      this.#cache?.run((redis) => redis.set(key, body, 'EX', ANSWER_TTL_S)).catch(() => undefined);
    return body;
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

/** The body, or 304 where the reader has it. */
function answer(request: FastifyRequest, reply: FastifyReply, body: string): FastifyReply {
  const etag = `"${digest(body)}"`;
  reply.headers({ etag, 'cache-control': 'private, no-cache' });
  const known = request.headers['if-none-match'];
  if (known !== undefined && knows(known, etag)) return reply.code(304).serializer(String).send();
  return reply
    .type('application/json; charset=utf-8')
    .serializer((text: string) => text)
    .send(body);
}

/** A list of tags, each perhaps marked as weak. */
function knows(header: string, etag: string): boolean {
  return header.split(',').some((part) => ['*', etag, `W/${etag}`].includes(part.trim()));
}
