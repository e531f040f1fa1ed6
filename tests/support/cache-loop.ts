import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectCache, type CacheConnection } from '../../runtime/cache/client.js';
import { generateMessageKey } from '../../runtime/cache/keys.js';
import { RedisTelegramCache } from '../../runtime/cache/redis-telegram-cache.js';
import { SENTINEL_MASTER } from '../../runtime/contract.js';
import { CredentialStore } from '../../runtime/credentials.js';
import { storedEvent } from './messages.js';
import { silent, uniqueChannel } from './services.js';
import { connection, inside } from './test-stack.js';

const PAUSE_MS = 5;

interface Round {
  readonly at: number;
  /** All of its operations together. */
  readonly ms: number;
  /** Whether what it wrote was read. */
  readonly isCached: boolean;
}

/** A process that caches a message, reads the candidates and takes them out, round after round, through the real Sentinels. */
export class CacheLoop {
  readonly rounds: Round[] = [];
  readonly errors: unknown[] = [];
  readonly #channel = uniqueChannel();
  readonly #cache: RedisTelegramCache;
  #goesOn = true;
  readonly #ended: Promise<void>;

  private constructor(private readonly way: CacheConnection) {
    this.#cache = new RedisTelegramCache(way);
    this.#ended = this.#run();
  }

  static async start(): Promise<CacheLoop> {
    const [password = ''] = (await inside('redis-master', 'cat', '/credentials/admin')).split('\n');
    const sentinels = [1, 2, 3].map((number) => connection(`redis-sentinel-${String(number)}`));
    const folder = mkdtempSync(join(tmpdir(), 'cache-loop-'));
    const file = join(folder, 'credentials.json');
    const redis = { user: 'admin', password, sentinelPassword: sentinels[0]?.password ?? '' };
    writeFileSync(file, JSON.stringify({ redis }), { mode: 0o600 });
    const environment = {
      TELEGRAM_REDIS_SENTINELS: sentinels.map(({ host, port }) => ({ host, port })),
      TELEGRAM_REDIS_NAT_MAP: {},
      TELEGRAM_REDIS_MASTER_NAME: SENTINEL_MASTER,
      TELEGRAM_REDIS_TLS: false,
    };
    const way = connectCache(environment, new CredentialStore(file), silent);
    rmSync(folder, { recursive: true });
    if (!way) throw new Error('expected a connection');
    return new CacheLoop(way);
  }

  /** Rounds since a moment that read what they wrote. */
  cachedSince(moment: number): number {
    return this.rounds.filter(({ at, isCached }) => isCached && at > moment).length;
  }

  /** The longest time in which no round read what it had written, in ms. */
  get longestWithout(): number {
    const cached = this.rounds.filter(({ isCached }) => isCached).map(({ at }) => at);
    return Math.max(0, ...cached.map((at, n) => at - (cached[n - 1] ?? at)));
  }

  /** Key of the hot copy that was written last. */
  get lastKey(): string {
    return generateMessageKey(this.#channel, String(this.rounds.length));
  }

  async end(): Promise<void> {
    this.#goesOn = false;
    await this.#ended;
    await this.way.close();
  }

  async #run(): Promise<void> {
    for (let id = 1; this.#goesOn; id++) {
      const began = performance.now();
      const isCached = await this.#round(id).catch((error: unknown) => {
        this.errors.push(error);
        return false;
      });
      this.rounds.push({ at: began, ms: performance.now() - began, isCached });
      await delay(PAUSE_MS);
    }
  }

  async #round(id: number): Promise<boolean> {
    await this.#cache.cacheMessage(storedEvent(this.#channel, id).event);
    const ids = (await this.#cache.getUnprocessedMessages(this.#channel, 1_000)).map(({ messageId }) => messageId);
    await this.#cache.markAsProcessed(this.#channel, ids);
    return ids.includes(String(id));
  }
}
