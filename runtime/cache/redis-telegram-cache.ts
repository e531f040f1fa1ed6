/**
 * Hot copies and hints in Redis. The database decides everything; the cache makes the usual case fast.
 *
 * Promised: one round trip an operation; no method rejects and none waits longer than the client's command timeout; while
 *   Redis is away a read is an empty answer and counts as a fallback, a write is dropped. One that hangs is left alone
 *   after three waits in a row, but for one trial a second.
 * Not promised: that anything is there. Keys expire, are evicted, and a failover loses the last writes.
 * On failure: the caller asks the database.
 */
import type { Redis } from 'ioredis';
import { DEDUP_TTL_S, DEFAULT_GROUP, HOT_TTL_S } from '../contract.js';
import type { TelegramEvent } from '../events.js';
import { metrics } from '../metrics.js';
import { parseEvent } from '../queue/envelope.js';
import { closeRedis } from './client.js';
import { GuardedRedis, isReply, type CacheClientSource } from './guarded.js';
import { POLLING_GROUPS_KEY, generateChannelKey, generateDedupKey, generateMessageKey } from './keys.js';

/** Entries a channel's recent set holds at most: in a group that reads from its queue nobody takes them out. */
const RECENT_MAX = 10_000;
/** Events that one read gives at most. */
const MAX_READ = 1_000;
/** A group that was not announced for so long polls no more, in ms. */
const GROUP_LIFE_MS = 600_000;

/**
 * A recent set's first entries with their hot copies; entries without one are taken out. In a script, because the names of
 * the copies follow from the entries.
 *
 *   KEYS  the set; what the name of each copy begins with
 *   ARGV  rank of the last entry
 */
const READ_RECENT = `
local ids = redis.call('ZRANGE', KEYS[1], 0, ARGV[1])
if #ids == 0 then return {ids, ids} end
local names = {}
for n, id in ipairs(ids) do names[n] = KEYS[2] .. id end
local copies = redis.call('MGET', unpack(names))
local gone = {}
for n, id in ipairs(ids) do if not copies[n] then gone[#gone + 1] = id end end
if #gone > 0 then redis.call('ZREM', KEYS[1], unpack(gone)) end
return {ids, copies}`;

export interface CacheStats {
  readonly connected: boolean;
  /** Hot copies that a read found, and did not find, in this process. */
  readonly hits: number;
  readonly misses: number;
  /** Reads that failed, so that the database had to answer. */
  readonly fallbacks: number;
  /** Share of hits, 0 to 1; 0 before the first read. */
  readonly hitRate: number;
  /** Keys in Redis; null when it cannot be told. */
  readonly keys: number | null;
}

export class RedisTelegramCache {
  #hits = 0;
  #misses = 0;
  #fallbacks = 0;
  /** Channels that this process has cached messages of. */
  readonly #channels = new Set<string>();
  /** Groups whose recent sets this process fills. */
  #groups: readonly string[] = [DEFAULT_GROUP];

  readonly #guarded: GuardedRedis;

  /** `redis`: the client, or what tells the client of now. `group`: whose recent sets this process reads. */
  constructor(
    redis: CacheClientSource,
    private readonly group: string = DEFAULT_GROUP,
  ) {
    this.#guarded = new GuardedRedis(redis);
  }

  /** False while Redis is away or hangs: whatever is asked then has an empty answer. */
  get connected(): boolean {
    return this.#guarded.available;
  }

  /** One pipeline, so one round trip: hot copy, duplicate hint, entry in the channel's recent set of each group. */
  async cacheMessage(event: TelegramEvent): Promise<void> {
    await this.cacheMessages([event]);
  }

  /**
   * The same for a batch, with one entry a channel. History that is read later is left out: it would take the place of what is new.
   * Those who poll find it in the database.
   */
  async cacheMessages(events: readonly TelegramEvent[]): Promise<void> {
    const fresh = events.filter(({ source }) => source !== 'backfill');
    if (fresh.length === 0) return;
    const byChannel = Map.groupBy(fresh, ({ channelId }) => channelId);
    for (const channelId of byChannel.keys()) this.#channels.add(channelId);
    await this.#write((redis) => [
      ...fresh.flatMap((event) => {
        const { channelId, messageId } = event;
        return [
          redis.set(generateMessageKey(channelId, messageId), JSON.stringify(event), 'EX', HOT_TTL_S),
          redis.set(generateDedupKey(channelId, messageId), '1', 'EX', DEDUP_TTL_S),
        ];
      }),
      ...[...byChannel].flatMap(([channelId, events]) => {
        const entries = events.flatMap(({ receivedAt, messageId }) => [Date.parse(receivedAt), messageId]);
        return this.#recentKeys(channelId).flatMap((key) => [
          redis.zadd(key, ...entries),
          redis.zremrangebyrank(key, 0, -RECENT_MAX - 1),
          redis.expire(key, HOT_TTL_S),
        ]);
      }),
    ]);
  }

  /** True when the message was stored within the last two hours; false also when nobody knows. */
  async isDuplicate(channelId: string, messageId: string): Promise<boolean> {
    // Not counted as hit or miss: nearly every message is new, which says nothing about the cache.
    const found = await this.#read((redis) => redis.exists(generateDedupKey(channelId, messageId)));
    return found === 1;
  }

  /**
   * Oldest first: candidates to claim, 1,000 at the most. Whose hot copy is gone or cannot be read is left out, now and from
   * here on; the database finds it.
   */
  async getUnprocessedMessages(channelId: string, limit: number): Promise<readonly TelegramEvent[]> {
    const last = Math.min(limit, MAX_READ) - 1;
    if (last < 0) return [];
    const key = generateChannelKey(channelId, this.group);
    const names = generateMessageKey(channelId, '');
    const answer = await this.#read((redis) => redis.eval(READ_RECENT, 2, key, names, last));
    const [ids, copies] = (answer ?? [[], []]) as [readonly string[], readonly (string | null)[]];
    const events: TelegramEvent[] = [];
    const broken: string[] = [];
    for (const [index, id] of ids.entries()) {
      const copy = copies[index] ?? null;
      if (copy === null) continue;
      try {
        events.push(parseEvent(copy));
      } catch {
        broken.push(id);
      }
    }
    this.#count(events.length, ids.length - events.length);
    if (broken.length > 0) await this.#forget(channelId, broken);
    return events;
  }

  /** Takes messages out of the channel's recent set; their hot copies stay until they expire. */
  async markAsProcessed(channelId: string, messageIds: readonly string[]): Promise<void> {
    if (messageIds.length === 0) return;
    await this.#write((redis) => [redis.zrem(generateChannelKey(channelId, this.group), ...messageIds)]);
  }

  /** Says that this process's group polls, so that whoever caches messages fills its recent sets too. To be said again and again. */
  async announceGroup(now = Date.now()): Promise<void> {
    await this.#write((redis) => [redis.zadd(POLLING_GROUPS_KEY, now, this.group)]);
  }

  /** Learns which groups poll. */
  async learnGroups(now = Date.now()): Promise<void> {
    const groups = await this.#read((redis) =>
      redis.zrange(POLLING_GROUPS_KEY, now - GROUP_LIFE_MS, '+inf', 'BYSCORE'),
    );
    if (groups) this.#groups = [...new Set([DEFAULT_GROUP, ...groups])];
  }

  /** Drops the entries whose hot copies have expired. Returns how many; sets of idle channels expire by themselves. */
  async cleanupExpired(now = Date.now()): Promise<number> {
    const keys = [...this.#channels].flatMap((channelId) => this.#recentKeys(channelId));
    const replies = await this.#write((redis) =>
      keys.map((key) => redis.zremrangebyscore(key, '-inf', now - HOT_TTL_S * 1_000)),
    );
    return replies.reduce<number>((sum, reply) => sum + (typeof reply === 'number' ? reply : 0), 0);
  }

  async getStats(): Promise<CacheStats> {
    const keys = await this.#guarded.run((redis) => redis.dbsize()).catch(() => null);
    const reads = this.#hits + this.#misses;
    return {
      connected: this.connected,
      hits: this.#hits,
      misses: this.#misses,
      fallbacks: this.#fallbacks,
      hitRate: reads === 0 ? 0 : this.#hits / reads,
      keys,
    };
  }

  async disconnect(): Promise<void> {
    await closeRedis(this.#guarded.client);
  }

  #recentKeys(channelId: string): readonly string[] {
    return this.#groups.map((group) => generateChannelKey(channelId, group));
  }

  #count(hits: number, misses: number): void {
    this.#hits += hits;
    this.#misses += misses;
    metrics.cacheHits.inc(hits);
    metrics.cacheMisses.inc(misses);
  }

  /** A copy that cannot be read is worth nothing to anybody. */
  async #forget(channelId: string, messageIds: readonly string[]): Promise<void> {
    await this.#write((redis) => [
      redis.del(...messageIds.map((id) => generateMessageKey(channelId, id))),
      redis.zrem(generateChannelKey(channelId, this.group), ...messageIds),
    ]);
  }

  async #read<T>(read: (redis: Redis) => Promise<T>): Promise<T | null> {
    try {
      return await this.#guarded.run(read);
    } catch {
      this.#fallbacks += 1;
      metrics.cacheFallbacks.inc();
      return null;
    }
  }

  /** Sends all that `commands` makes before the first answer comes. The replies of those that succeeded. */
  async #write(commands: (redis: Redis) => readonly Promise<unknown>[]): Promise<readonly unknown[]> {
    const run = async (redis: Redis) => {
      const replies = await Promise.allSettled(commands(redis));
      for (const reply of replies) if (reply.status === 'rejected' && !isReply(reply.reason)) throw reply.reason;
      return replies;
    };
    const replies = await this.#guarded.run(run).catch(() => []);
    return replies.map((reply) => (reply.status === 'fulfilled' ? reply.value : null));
  }
}
