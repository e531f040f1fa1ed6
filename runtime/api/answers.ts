/**
 * Answers with a copy in Redis and an `ETag`.
 *
 * Promised: a copy is at most `ANSWER_TTL_S` old; who has the answer already gets 304 without a body; equal questions that
 *   arrive together ask the database once. Redis away or slow means the database answers. However many ask for pages of the
 *   longest messages, and however slowly they read: so many answers are in hand as fit the memory, the others wait, and are
 *   refused when it takes too long.
 * Not promised: that an answer is newer than that.
 */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CacheConnection } from '../cache/client.js';
import { GuardedRedis } from '../cache/guarded.js';
import { generateAnswerKey } from '../cache/keys.js';
import { RuntimeError } from '../errors.js';
import { metrics } from '../metrics.js';
import { Places, type GiveBack } from './places.js';

/** Life of a copy, in seconds: short enough that nobody minds, long enough that a page that everybody reloads costs nothing. */
export const ANSWER_TTL_S = 2;

/** Answers in hand: being made, or long and on their way. */
const MOST_AT_ONCE = 8;
/** From so many characters on an answer counts until it is taken, and is not copied: a page of usual messages has a tenth. */
const LONG = 262_144;

const digest = (text: string) => createHash('sha256').update(text).digest('base64url').slice(0, 22);

export interface AnswerBounds {
  /** Longest wait for a turn, in milliseconds; then the API is busy. @default 5000 */
  readonly patienceMs?: number;
  /** A reader to whom nothing of a long answer goes out for so long (at the most twice as long) is gone. @default 30000 */
  readonly stalledMs?: number;
}

/** An answer that is being made for the first who asked, and for everybody who asks the same meanwhile. */
interface UnderWay {
  readonly body: PromiseWithResolvers<string>;
  /** Who has not gone away. */
  readers: number;
}

export class Answers {
  readonly #underWay = new Map<string, UnderWay>();
  readonly #cache: GuardedRedis | null;
  readonly #places = new Places(MOST_AT_ONCE, 'answers in hand');

  /** Without a cache every answer is computed. */
  constructor(
    cache: Pick<CacheConnection, 'redis'> | null,
    private readonly bounds: AnswerBounds = {},
  ) {
    this.#cache = cache && new GuardedRedis(cache);
  }

  /** Sends what `compute` gives. Its result must depend on the URL alone, not on who asks. */
  async send(request: FastifyRequest, reply: FastifyReply, compute: () => Promise<object>): Promise<FastifyReply> {
    const key = generateAnswerKey(digest(request.url));
    const body = (await this.#read(key)) ?? (await this.#made(key, reply, compute));
    return answer(request, reply, body);
  }

  /** With a long one goes a place, which its reader holds. */
  async #made(key: string, reply: FastifyReply, compute: () => Promise<object>): Promise<string> {
    const present = this.#underWay.get(key);
    if (present) {
      count(present, reply);
      const body = await present.body.promise;
      if (body.length >= LONG) this.#holdUntilTaken(reply, await this.#place());
      return body;
    }
    const underWay: UnderWay = { body: Promise.withResolvers(), readers: 0 };
    this.#underWay.set(key, underWay);
    count(underWay, reply);
    // Where nobody else asks, nobody waits for it either.
    underWay.body.promise.catch(() => undefined);
    const making = this.#make(underWay, async () => reply.serialize(await compute()) as string);
    const { body, giveBack } = await making.finally(() => this.#underWay.delete(key));
    if (body.length >= LONG) this.#holdUntilTaken(reply, giveBack);
    else {
      giveBack();
      this.#cache?.run((redis) => redis.set(key, body, 'EX', ANSWER_TTL_S)).catch(() => undefined);
    }
    return body;
  }

  /** Keeps its place, as the answer may be long. */
  async #make(
    underWay: UnderWay,
    compute: () => Promise<string>,
  ): Promise<{ readonly body: string; readonly giveBack: GiveBack }> {
    let giveBack: GiveBack | undefined;
    try {
      giveBack = await this.#place();
      if (underWay.readers === 0) throw new RuntimeError('API_BUSY', 'nobody waits for the answer any more');
      const body = await compute();
      underWay.body.resolve(body);
      return { body, giveBack };
    } catch (error) {
      giveBack?.();
      underWay.body.reject(error);
      throw error;
    }
  }

  #place(): Promise<GiveBack> {
    return this.#places.wait(this.bounds.patienceMs ?? 5_000);
  }

  #holdUntilTaken({ raw }: FastifyReply, giveBack: GiveBack): void {
    if (raw.destroyed) {
      giveBack();
      return;
    }
    raw.setTimeout(this.bounds.stalledMs ?? 30_000, () => raw.destroy());
    raw.once('close', giveBack);
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

function count(underWay: UnderWay, { raw }: FastifyReply): void {
  if (raw.destroyed) return;
  underWay.readers += 1;
  raw.once('close', () => (underWay.readers -= 1));
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
