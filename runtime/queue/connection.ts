import { connect, type ChannelModel, type RecoveringChannelModel } from 'amqplib';
import type { Writable } from 'node:stream';
import type { Environment } from '../config.js';
import type { CredentialStore } from '../credentials.js';
import { gatherWrites } from '../gathered-writes.js';
import type { Logger } from '../logger.js';
import { trust } from '../tls.js';

export interface BrokerOptions {
  readonly host: string;
  readonly port: number;
  readonly vhost: string;
  readonly tls: boolean;
  /** PEM certificates of the authorities to verify with. @default the well-known ones */
  readonly authorities?: () => string | undefined;
  /** Shown in the broker's list of connections. */
  readonly name: string;
  /** Read at each connect, so that a rotation needs no restart. */
  readonly login: () => { readonly user: string; readonly password: string };
}

/** The broker of a process, as its environment and credentials name it. */
export function brokerOptions(environment: Environment, credentials: CredentialStore, name: string): BrokerOptions {
  return {
    host: environment.TELEGRAM_RABBITMQ_HOST,
    port: environment.TELEGRAM_RABBITMQ_PORT,
    vhost: environment.TELEGRAM_RABBITMQ_VHOST,
    tls: environment.TELEGRAM_RABBITMQ_TLS,
    authorities: () => credentials.current.tlsAuthorities,
    name,
    login: () => credentials.need('rabbitmq'),
  };
}

const HEARTBEAT_S = 10;
const CONNECT_TIMEOUT_MS = 5_000;
const RECOVERY = { initialDelay: 100, maxDelay: 5_000, factor: 2, jitter: 0.2 };

/**
 * A connection that comes back by itself. `setup` makes the channels of each new connection; while it fails, the next
 * attempt follows. Returns at once: the broker may be away.
 */
export async function openBroker(
  options: BrokerOptions,
  logger: Logger,
  setup: (model: ChannelModel) => Promise<void>,
): Promise<RecoveringChannelModel> {
  const { host, port } = options;
  const broker = await connect(addressOf(options), {
    ...socketOf(options),
    recovery: {
      ...RECOVERY,
      waitForConnect: false,
      setup: async (model: ChannelModel) => {
        // Until `setup` is done nobody else listens, and an unheard error ends the process.
        model.on('error', () => undefined);
        gatherWrites(socketBehind(model));
        await setup(model);
      },
    },
  });
  broker.on('error', () => undefined);
  broker.on('connect', () => {
    logger.info({ host, port }, 'broker connected');
  });
  broker.on('disconnect', (error) => {
    logger.warn({ err: error }, 'broker disconnected');
  });
  broker.on('connect-failed', (error: Error) => {
    logger.warn({ err: error }, 'broker cannot be used yet');
  });
  broker.on('blocked', (reason: string) => {
    logger.warn({ reason }, 'broker takes no messages');
  });
  return broker;
}

/** One connection that does not come back; rejects where there is none to be had. */
export async function openBrokerOnce(options: BrokerOptions): Promise<ChannelModel> {
  const model = await connect(addressOf(options), socketOf(options));
  // The call that fails tells of it.
  model.on('error', () => undefined);
  return model;
}

/** Of amqplib 2.3: its types leave it out. */
function socketBehind(model: ChannelModel): Writable {
  return (model.connection as unknown as { readonly stream: Writable }).stream;
}

function addressOf({ tls, host, port, vhost }: BrokerOptions) {
  return { protocol: tls ? 'amqps' : 'amqp', hostname: host, port, vhost, heartbeat: HEARTBEAT_S };
}

function socketOf(options: BrokerOptions) {
  return {
    ...trust(options.authorities?.()),
    noDelay: true,
    timeout: CONNECT_TIMEOUT_MS,
    clientProperties: { connection_name: options.name },
    credentials: { mechanism: 'PLAIN', response: () => plainResponse(options.login()) },
  };
}

/** SASL PLAIN: NUL, user, NUL, password. */
function plainResponse({ user, password }: { readonly user: string; readonly password: string }): Buffer {
  return Buffer.from(`\0${user}\0${password}`);
}
