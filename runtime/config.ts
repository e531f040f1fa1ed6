import { z } from 'zod';
import { DEFAULT_GROUP, EXPECTED_GROUP_NAME, GROUP_NAME, PORTS, SENTINEL_MASTER } from './contract.js';
import { RuntimeError } from './errors.js';

const port = (fallback: number, what: string) =>
  z.coerce.number().int().min(1).max(65_535).default(fallback).describe(what);
const days = (fallback: number, what: string) => z.coerce.number().int().min(0).default(fallback).describe(what);
const flag = (what: string) =>
  z
    .enum(['true', 'false'])
    .default('false')
    .transform((value) => value === 'true')
    .describe(what);

/** `host:port,host:port` → addresses. */
const addresses = z.string().transform((text, context) =>
  text.split(',').map((part) => {
    const match = /^(.+):(\d+)$/.exec(part.trim());
    if (!match) context.addIssue({ code: 'custom', message: `expected host:port, got "${part}"` });
    return { host: match?.[1] ?? '', port: Number(match?.[2] ?? 0) };
  }),
);

/** `inside=outside,inside=outside` → map of addresses, for clients outside the container network. */
const natMap = z
  .string()
  .default('')
  .transform((text) =>
    Object.fromEntries(
      text
        .split(',')
        .filter(Boolean)
        .map((pair) => {
          const [inside = '', outside = ''] = pair.split('=');
          const cut = outside.lastIndexOf(':');
          return [inside, { host: outside.slice(0, cut), port: Number(outside.slice(cut + 1)) }];
        }),
    ),
  );

/** Every environment variable of the runtime, whichever process reads it. Secrets are in the credentials file. */
export const environmentSchema = z.object({
  TELEGRAM_ENVIRONMENT: z
    .enum(['development', 'production'])
    .default('development')
    .describe('What the deployment is for; `production` refuses the simulator.'),
  TELEGRAM_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('Least level that is logged.'),
  TELEGRAM_CREDENTIALS_FILE: z
    .string()
    .default('/credentials/credentials.json')
    .describe('JSON file (0600) with user names and passwords; read again on SIGHUP.'),
  TELEGRAM_LISTEN_HOST: z.string().default('0.0.0.0').describe('Address that health and metrics listen on.'),
  TELEGRAM_LISTEN_PORT: port(PORTS.gatewayHealth, 'Port of health and metrics.'),
  TELEGRAM_SHUTDOWN_DEADLINE_MS: z.coerce.number().int().default(15_000).describe('Longest graceful stop, in ms.'),

  TELEGRAM_DB_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('PgBouncer host; everything but migrations goes through it.'),
  TELEGRAM_PGBOUNCER_PORT: port(6_434, 'PgBouncer port.'),
  TELEGRAM_DB_NAME: z.string().default('telegram_gateway').describe('Database name.'),
  TELEGRAM_DB_POOL_SIZE: z.coerce.number().int().min(1).default(4).describe('Client connections of this process.'),
  TELEGRAM_DB_TLS: flag('Use TLS to the database and verify its certificate.'),

  TELEGRAM_REDIS_SENTINELS: addresses
    .default([])
    .describe('Sentinels as host:port,host:port. Empty: no cache, the database answers.'),
  TELEGRAM_REDIS_MASTER_NAME: z
    .string()
    .default(SENTINEL_MASTER)
    .describe('Name under which the Sentinels know the master.'),
  TELEGRAM_REDIS_NAT_MAP: natMap.describe(
    'For clients outside the container network: inside=outside pairs of every address the Sentinels name.',
  ),
  TELEGRAM_REDIS_TLS: flag('Use TLS to Redis and verify its certificate.'),

  TELEGRAM_RABBITMQ_HOST: z.string().default('').describe('Broker host. Empty: no broker, consumers poll.'),
  TELEGRAM_RABBITMQ_PORT: port(5_672, 'Broker port.'),
  TELEGRAM_RABBITMQ_VHOST: z.string().default('telegram').describe('Virtual host.'),
  TELEGRAM_RABBITMQ_TLS: flag('Use TLS to the broker and verify its certificate.'),

  TELEGRAM_ACCOUNT: z.string().default('default').describe('Name of the Telegram account that this gateway serves.'),
  TELEGRAM_SESSION_FILE: z
    .string()
    .default('/opt/telegram-gateway/.session/default.session')
    .describe('Session of the account (0600); made by `npm run login`.'),
  TELEGRAM_BACKUP_SEALING_KEY: z
    .string()
    .default('')
    .describe('Public key (base64, X25519) that the copy of the session for the backup is sealed for. Empty: no copy.'),
  TELEGRAM_BACKFILL_DEPTH: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('Messages before the newest that are read from the history of a channel seen for the first time.'),
  TELEGRAM_POLL_INTERVAL_S: z.coerce
    .number()
    .min(1)
    .default(30)
    .describe('A channel that was silent for so long is asked whether anything was missed, in seconds.'),
  TELEGRAM_RECONCILE_INTERVAL_S: z.coerce
    .number()
    .min(1)
    .default(600)
    .describe('How often the ids of a channel are compared with those that Telegram has, in seconds.'),
  TELEGRAM_SIMULATOR_ADDRESS: z.string().default('').describe('host:port of the Telegram simulator. Development only.'),
  TELEGRAM_SIMULATOR_PUBLIC_KEY: z.string().default('').describe('Public RSA key (base64 DER, SPKI) of the simulator.'),

  TELEGRAM_CONSUMER_GROUP: z
    .string()
    .regex(GROUP_NAME, EXPECTED_GROUP_NAME)
    .default(DEFAULT_GROUP)
    .describe('Consumer group of this process; groups read independently of each other.'),
  TELEGRAM_CONSUMER_MODE: z
    .enum(['queue', 'poll', 'dual'])
    .default('queue')
    .describe('How the consumer gets its events: from its queue, by polling cache and database, or both.'),
  TELEGRAM_CONSUMER_PREFETCH: z.coerce
    .number()
    .int()
    .min(1)
    .default(200)
    .describe('Unacknowledged messages at once; also the most that one polling round takes, up to 1000.'),
  TELEGRAM_CONSUMER_POLL_INTERVAL_MS: z.coerce
    .number()
    .int()
    .min(1)
    .default(50)
    .describe('Pause of a polling consumer that found nothing, in ms.'),
  TELEGRAM_CONSUMER_SWEEP_INTERVAL_MS: z.coerce
    .number()
    .int()
    .min(1)
    .default(2_000)
    .describe('How often a polling consumer with a cache asks the database itself, in ms.'),
  TELEGRAM_CONSUMER_VISIBILITY_MS: z.coerce
    .number()
    .int()
    .min(1_000)
    .default(30_000)
    .describe('How long work that a poller took from the database stays its own, in ms.'),

  TELEGRAM_API_RATE_LIMIT: z.coerce.number().int().min(1).default(600).describe('Requests a minute of one API key.'),
  TELEGRAM_STATUS_GATEWAY: z
    .string()
    .default('')
    .describe(
      'host:port where the gateway tells its metrics, for the status page; `,account=host:port` for each further account. Empty: left out.',
    ),
  TELEGRAM_STATUS_CONSUMER: z.string().default('').describe('The same of the consumer.'),
  TELEGRAM_STATUS_BROKER: z.string().default('').describe('The same of the broker (its metrics port).'),
  TELEGRAM_RETENTION_MESSAGES_DAYS: days(
    0,
    'Days after which messages, edits and deletions are forgotten; 0 keeps them for ever.',
  ),
  TELEGRAM_RETENTION_OUTCOMES_DAYS: days(30, 'Days after which the history of the work is forgotten; 0 is never.'),

  TELEGRAM_SIMULATOR_CONTROL_PORT: port(PORTS.simulatorControl, 'HTTP control port of the simulator.'),
  TELEGRAM_SIMULATOR_MTPROTO_PORT: port(PORTS.simulatorMtproto, 'MTProto port of the simulator.'),
  TELEGRAM_SIMULATOR_RATE: z.coerce
    .number()
    .min(0)
    .max(1_000)
    .default(2)
    .describe('Generated messages per second; 0 is off.'),
  TELEGRAM_SIMULATOR_CHANNELS: z.coerce
    .number()
    .int()
    .min(1)
    .max(100)
    .default(3)
    .describe('Channels of the simulated world.'),
  TELEGRAM_SIMULATOR_STATE_DIR: z
    .string()
    .default('/data')
    .describe('Where the simulator keeps its keys and its world.'),
  TELEGRAM_SIMULATOR_KEY_FILE: z
    .string()
    .default('')
    .describe('JSON file (0600) with the key pair and auth key of the simulator. Absent: it makes and keeps its own.'),
});

export type Environment = z.output<typeof environmentSchema>;

/** Reads and checks the environment; all errors at once, the result frozen. */
export function readEnvironment(env: NodeJS.ProcessEnv): Readonly<Environment> {
  const result = environmentSchema.safeParse(env);
  if (!result.success) {
    const lines = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new RuntimeError('CONFIG_INVALID', lines.join('\n'));
  }
  const config = result.data;
  if (config.TELEGRAM_ENVIRONMENT === 'production' && config.TELEGRAM_SIMULATOR_ADDRESS !== '')
    throw new RuntimeError('SIMULATOR_IN_PRODUCTION', 'TELEGRAM_SIMULATOR_ADDRESS is set in a production environment');
  return Object.freeze(config);
}
