import type { Redis } from 'ioredis';
import type { Logger } from '../../runtime/logger.js';
import type { BrokerOptions } from '../../runtime/queue/connection.js';
import type { Database } from '../../runtime/store/database.js';
import type { UsageSource } from './usage.js';
import type { PoolerPair } from './with-and-without.js';

/** What a run measures on: a migrated database behind a pooler, a vhost that it may declare in, and a cache; all of its own. */
export interface Engines {
  readonly database: Database;
  readonly broker: BrokerOptions;
  readonly redis: Redis;
  readonly logger: Logger;
  /** What each engine has used so far. */
  readonly usage: UsageSource;
  /** Ways to the stack's own database through its pooler and past it; null without a pooler. */
  readonly pooler: PoolerPair | null;
}

/** How much is measured. */
export interface Size {
  /** Messages of each leg and pipeline. */
  readonly messages: number;
  /** Of the naive pipeline, which is slow. */
  readonly naiveMessages: number;
  /** Stored messages at which polling is measured. */
  readonly polling: readonly number[];
  /** Open-loop load: messages a second, and for how long. */
  readonly load: readonly { readonly rate: number; readonly seconds: number }[];
  /** Load under which the cache is compared with none. */
  readonly cacheLoad: { readonly rate: number; readonly seconds: number };
  /** Stored messages at which indexes and aggregates are compared with none. */
  readonly comparedRows: number;
}

export const FULL: Size = {
  messages: 20_000,
  naiveMessages: 1_000,
  polling: [10_000, 1_000_000, 10_000_000],
  load: [
    { rate: 50, seconds: 20 },
    { rate: 1_000, seconds: 20 },
  ],
  cacheLoad: { rate: 50, seconds: 20 },
  comparedRows: 1_000_000,
};

export const QUICK: Size = {
  messages: 4_000,
  naiveMessages: 200,
  polling: [10_000, 100_000],
  load: [{ rate: 50, seconds: 5 }],
  cacheLoad: { rate: 50, seconds: 5 },
  comparedRows: 100_000,
};
