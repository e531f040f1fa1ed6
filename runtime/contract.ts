/**
 * Everything that both halves of the project must agree on: the infrastructure that declares it and the
 * runtime that uses it. Nothing else crosses between them.
 */

/** Schema that holds every table of the product. */
export const SCHEMA = 'telegram_gateway';
/** Database that holds the schema. */
export const DATABASE = 'telegram_gateway';
/** NOLOGIN role that owns the schema. */
export const OWNER_ROLE = 'telegram_owner';

/** One NOLOGIN group role a client; the login roles `<client>_a` and `<client>_b` are its members. */
export const DATABASE_CLIENTS = ['gateway', 'consumer', 'api', 'reader', 'monitor'] as const;
export type DatabaseClient = (typeof DATABASE_CLIENTS)[number];

/** RabbitMQ users, each as the pair `<client>_a`, `<client>_b`. */
export const BROKER_CLIENTS = ['gateway', 'consumer', 'reader', 'monitor'] as const;
export type BrokerClient = (typeof BROKER_CLIENTS)[number];

/** Redis users; each carries two passwords during a rotation. */
export const CACHE_CLIENTS = ['gateway', 'consumer', 'api', 'reader', 'replication', 'sentinel', 'admin'] as const;
export type CacheClient = (typeof CACHE_CLIENTS)[number];

export const VHOST = 'telegram';

export const EXCHANGE = 'telegram.messages';
export const DEAD_LETTER_EXCHANGE = 'telegram.messages.dlx';
export const DEAD_LETTER_QUEUE = 'telegram.messages.dlq';
export const RETRY_EXCHANGE = 'telegram.retry';

/** Delays of the three retries, in milliseconds; one queue `telegram.retry.{delay}` each. */
export const RETRY_DELAYS_MS = [1_000, 5_000, 30_000] as const;

export const DEFAULT_GROUP = 'default';

/** Name of a consumer group, which is part of names of queues and keys. */
export const GROUP_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
export const EXPECTED_GROUP_NAME = 'expected lower-case letters, digits, "_" and "-", at most 63';

/** Routing key of every event of one channel. */
export function routingKey(channelId: string): string {
  return `telegram.channel.${channelId}`;
}

/** Binding key that takes every channel. */
export const ALL_CHANNELS = 'telegram.channel.*';

/** Quorum queue of one consumer group. */
export function groupQueue(group: string): string {
  return `telegram.consumer.${group}`;
}

/** Queue in which a failed message waits for its next try. */
export function retryQueue(delayMs: number): string {
  return `telegram.retry.${String(delayMs)}`;
}

/** Header that selects the retry queue; a string on both sides, because a headers exchange compares types too. */
export const RETRY_DELAY_HEADER = 'telegram-retry-delay-ms';
/** Header that counts the tries of one event in one group: absent on the first delivery, then 1, 2, 3. */
export const ATTEMPT_HEADER = 'x-telegram-attempt';

/**
 * Arguments of a group's queue. The delivery limit is a safety net for consumers that crash: ordinary retries are
 * counted by `ATTEMPT_HEADER`. Dead-lettering at least once needs `reject-publish`, else it is silently at most once.
 */
export const GROUP_QUEUE_ARGUMENTS = {
  'x-queue-type': 'quorum',
  'x-dead-letter-exchange': DEAD_LETTER_EXCHANGE,
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
  'x-delivery-limit': 20,
} as const;

/** Looking at a letter and putting it back must never use it up. */
export const DEAD_LETTER_QUEUE_ARGUMENTS = { 'x-queue-type': 'quorum', 'x-delivery-limit': -1 } as const;

/**
 * Arguments of a retry queue: what expires goes to the default exchange under its own routing key, which is the name
 * of the group's queue, so that one queue a delay serves every group.
 */
export function retryQueueArguments(delayMs: number) {
  return {
    'x-queue-type': 'quorum',
    'x-message-ttl': delayMs,
    'x-dead-letter-exchange': '',
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  } as const;
}

/** Binding of a retry queue to the headers exchange `RETRY_EXCHANGE`. */
export function retryBindingArguments(delayMs: number) {
  return { 'x-match': 'all', [RETRY_DELAY_HEADER]: String(delayMs) } as const;
}

/** Name under which the Sentinels know the Redis master. */
export const SENTINEL_MASTER = 'telegram';

/** Life of the hot copy of a message in Redis, in seconds. */
export const HOT_TTL_S = 3_600;
/** Life of the duplicate hint of a message in Redis, in seconds. */
export const DEDUP_TTL_S = 7_200;

/** Version of the event envelope on the exchange; raised when a field changes its meaning. */
export const ENVELOPE_VERSION = 1;

/** Port inside its container (or on the gateway host) of everything that listens. */
export const PORTS = {
  postgres: 5432,
  pgbouncer: 6432,
  redis: 6379,
  sentinel: 26379,
  amqp: 5672,
  rabbitManagement: 15672,
  rabbitMetrics: 15692,
  gatewayHealth: 4006,
  api: 4010,
  consumerHealth: 4011,
  simulatorControl: 4020,
  simulatorMtproto: 4443,
  ssh: 22,
} as const;

/** Exit codes of the runtime; the unit file names the fatal ones in `RestartPreventExitStatus`. */
export const EXIT = { ok: 0, failure: 1, config: 64, telegramAuth: 65, sessionInUse: 66, leaseLost: 67 } as const;

/** Where things live on the gateway host. */
export const GATEWAY_PATHS = {
  root: '/opt/telegram-gateway',
  releases: '/opt/telegram-gateway/releases',
  current: '/opt/telegram-gateway/current',
  sessions: '/opt/telegram-gateway/.session',
  credentials: '/opt/telegram-gateway/credentials/credentials.json',
  environment: '/etc/telegram-gateway/environment',
  unit: '/etc/systemd/system/telegram-gateway.service',
  /** Template of the units of further accounts. */
  accountUnit: '/etc/systemd/system/telegram-gateway@.service',
} as const;
export const GATEWAY_UNIT = 'telegram-gateway.service';
/** Pattern of the units of further accounts: one each, `telegram-gateway@<account>.service`. */
export const ACCOUNT_UNITS = 'telegram-gateway@*.service';
export const GATEWAY_USER = 'telegram-gateway';

/**
 * Settings of PostgreSQL under which nothing keeps the text of a statement, and with it a verifier: neither the statistics, which
 * the monitor reads, nor the log, also when one fails.
 */
export const UNRECORDED = {
  'pg_stat_statements.track': 'none',
  log_min_error_statement: 'panic',
  log_min_duration_statement: '-1',
  log_statement: 'none',
} as const;

/** Form of a sealed copy of a session: public key of the sender, nonce, ciphertext, tag. */
export const SESSION_SEAL = {
  purpose: 'telegram session copy',
  publicBytes: 32,
  nonceBytes: 12,
  tagBytes: 16,
} as const;
