import * as pulumi from '@pulumi/pulumi';
import { addressFor } from '../components/endpoint.js';
import { GatewayHost } from '../components/gateway-host/index.js';
import { sshConnection } from '../components/gateway-service/connection.js';
import { GatewayService } from '../components/gateway-service/index.js';
import type { NamedAccount } from '../components/gateway-service/named-accounts.js';
import { RuntimeService } from '../components/runtime-service/index.js';
import { HOST_NUMBERS, type StackContext } from '../components/stack-context.js';
import { PORTS } from '../runtime/contract.js';
import { createBackup, sealingKeyOf } from './backup.js';
import { clientSettings } from './clients.js';
import type { LoadedConfig } from './config.js';
import type { StackConfig } from './config-schema.js';
import { allReady, Grounds } from './context.js';
import { EpochRecord } from './epoch-record.js';
import { createDataLayer, type DataLayer } from './data-layer.js';
import { allAccounts, DEFAULT_ACCOUNT, furtherAccounts } from './gateway-accounts.js';
import { machineLogin } from './gateway-login.js';
import { createMonitoring, hasGrafana } from './monitoring.js';
import type { HostCheck } from './host-check.js';
import { stackOutputs, type StackOutputInputs } from './outputs.js';
import { readRelease, type Release } from './release.js';
import { Secrets } from './secrets.js';
import { placeOf } from './sites.js';
import { simulatorPublicKey, simulatorSession } from './simulator-session.js';
import { ed25519KeyPair } from './ssh-keys.js';

/** What the parts below share. */
interface Parts {
  /** The home host, on which everything stands that is not placed elsewhere. */
  readonly stack: StackContext;
  readonly grounds: Grounds;
  readonly config: StackConfig;
  readonly secrets: Secrets;
  readonly data: DataLayer;
  readonly release: Release;
}

/** The whole stack in the order of what needs what. */
export function buildPlatform({ config }: LoadedConfig, host: HostCheck): StackOutputInputs {
  const release = readRelease();
  const grounds = new Grounds(config, host, release);
  const stack = grounds.home;
  const record = new EpochRecord(stack, config.credentialEpoch);
  const simulated = config.telegram.kind === 'simulator';
  const grafana = hasGrafana(stack, config);
  const secrets = new Secrets(config.credentialEpoch, {
    simulator: simulated,
    grafana,
    backupKey: config.backup.enabled && config.backup.key === undefined,
    begun: record.begun,
  });
  const data = createDataLayer(grounds, config, secrets);
  const parts: Parts = { stack, grounds, config, secrets, data, release };
  const backup = createBackup({ ...parts, stack: grounds.at(placeOf(config, 'timescale')) });
  const simulator = createSimulator(parts);
  const place = gatewayPlace(parts);
  const clients = [createGateway(parts, place, simulator), createConsumer(parts), createApi(parts)];
  const monitoring = createMonitoring({ ...parts, further: grounds.further, backup });
  const { migrations, pgbouncer, redis, rabbitmq, external } = data;
  record.complete(allReady(migrations, pgbouncer, redis, rabbitmq, external, backup, ...clients, monitoring));
  return stackOutputs({ config, host, secrets, data, gatewayLogin: sshConnection(place.target) });
}

function createSimulator({ stack, config, secrets }: Parts): RuntimeService | null {
  if (config.telegram.kind !== 'simulator' || !secrets.simulator) return null;
  const { mtprotoPort, controlPort, rate, channels, cpus, memoryMb } = config.telegram;
  const keys = pulumi.secret(
    pulumi.jsonStringify({
      rsaPrivateKeyPem: secrets.simulator.rsaPrivateKey,
      authKeyHex: secrets.simulator.authKeyHex,
    }),
  );
  return new RuntimeService('simulator', {
    stack,
    containerName: 'telegram-simulator',
    process: 'simulator',
    host: HOST_NUMBERS.simulator,
    healthPort: { internal: PORTS.simulatorControl, external: controlPort },
    ports: [{ internal: PORTS.simulatorMtproto, external: mtprotoPort }],
    cpus,
    memoryMb,
    environment: {
      TELEGRAM_SIMULATOR_RATE: String(rate),
      TELEGRAM_SIMULATOR_CHANNELS: String(channels),
      TELEGRAM_SIMULATOR_KEY_FILE: '/credentials/keys.json',
    },
    secretFiles: { 'keys.json': keys },
    dataVolume: 'telegram-simulator-data',
  });
}

function createGateway(parts: Parts, place: GatewayPlace, simulator: RuntimeService | null): GatewayService {
  const { config, release } = parts;
  const settings = clientSettings('gateway', place.viewer, parts);
  return new GatewayService('gateway', {
    ...place,
    release,
    environment: { ...settings.environment, ...simulatorEnvironment(parts), ...backupEnvironment(parts) },
    credentials: settings.credentials,
    credentialEpoch: config.credentialEpoch,
    accounts: furtherAccounts(config),
    ...(parts.secrets.simulator && { session: parts.secrets.simulator.authKeyHex.apply(simulatorSession) }),
    after: allReady(parts.data.pgbouncer, parts.data.redis, parts.data.rabbitmq, parts.data.external, simulator),
  });
}

type GatewayPlace = ReturnType<typeof gatewayPlace>;

/** The machine reached over SSH, or the container that plays it. */
function gatewayPlace({ stack, grounds, config, secrets, data }: Parts) {
  const { gateway } = config;
  if (gateway.kind === 'machine')
    return {
      target: machineLogin(gateway),
      hostId: gateway.host,
      ...(gateway.allowedNetworks && { allowedNetworks: gateway.allowedNetworks }),
      viewer: gateway.viewpoint === 'inNetwork' ? stack : ('outside' as const),
      memoryMb: gateway.memoryMb,
      healthPort: gateway.healthPort,
      healthAddress: gateway.healthAddress,
    };
  const key = (seed: pulumi.Output<string>) => seed.apply((text) => ed25519KeyPair(Buffer.from(text, 'base64')));
  const hostKey = key(secrets.sshHostSeed);
  const clientKey = key(secrets.sshClientSeed);
  const host = new GatewayHost('gateway-host', {
    stack,
    sshPort: gateway.sshPort,
    healthPort: gateway.healthPort,
    cpus: gateway.cpus,
    memoryMb: gateway.memoryMb,
    hostPrivateKey: hostKey.apply(({ privateKeyOpenSsh }) => privateKeyOpenSsh),
    clientPublicKey: clientKey.apply(({ publicKeyLine }) => publicKeyLine),
  });
  return {
    target: {
      host: stack.publishedAddress,
      port: gateway.sshPort,
      user: 'root',
      hostKey: hostKey.apply(({ publicKeyLine }) => publicKeyLine),
      privateKey: clientKey.apply(({ privateKeyOpenSsh }) => privateKeyOpenSsh),
    },
    hostId: host.hostId,
    host: host.container,
    // All that it talks to, the simulator among it, is in the stack's network or on its Docker hosts, unless an engine is somebody else's.
    ...(!data.external && {
      allowedNetworks: [config.subnet, ...grounds.further.map(({ publishedAddress }) => publishedAddress)],
    }),
    viewer: stack,
    memoryMb: gateway.memoryMb - HOST_MEMORY_MB,
    healthPort: PORTS.gatewayHealth,
    // The container publishes it on loopback.
    healthAddress: '0.0.0.0',
  };
}

/** What systemd and sshd of the dev gateway host need, in MiB. */
const HOST_MEMORY_MB = 96;

function simulatorEnvironment({ stack, secrets }: Parts): Record<string, pulumi.Input<string>> {
  if (!secrets.simulator) return {};
  return {
    TELEGRAM_SIMULATOR_ADDRESS: `${stack.address(HOST_NUMBERS.simulator)}:${String(PORTS.simulatorMtproto)}`,
    TELEGRAM_SIMULATOR_PUBLIC_KEY: secrets.simulator.rsaPrivateKey.apply(simulatorPublicKey),
  };
}

/** A public key: what the gateway seals with it, only the key of the backups opens. */
function backupEnvironment({ config, secrets }: Parts): Record<string, pulumi.Input<string>> {
  const key = sealingKeyOf(config, secrets);
  return key ? { TELEGRAM_BACKUP_SEALING_KEY: key } : {};
}

function createConsumer(parts: Parts): RuntimeService {
  const { stack, config, data } = parts;
  const { port, mode, cpus, memoryMb } = config.consumer;
  const settings = clientSettings('consumer', stack, parts);
  return new RuntimeService('consumer', {
    stack,
    containerName: 'telegram-consumer',
    process: 'consumer',
    host: HOST_NUMBERS.consumer,
    healthPort: { internal: PORTS.consumerHealth, external: port },
    cpus,
    memoryMb,
    environment: { ...settings.environment, TELEGRAM_CONSUMER_MODE: mode },
    credentials: settings.credentials,
    credentialEpoch: config.credentialEpoch,
    after: allReady(data.pgbouncer, data.redis, data.rabbitmq, data.external),
  });
}

function createApi(parts: Parts): RuntimeService {
  const { stack, config, data } = parts;
  const settings = clientSettings('api', stack, parts);
  return new RuntimeService('gateway-api', {
    stack,
    containerName: 'telegram-gateway-api',
    process: 'api',
    host: HOST_NUMBERS.api,
    healthPort: { internal: PORTS.api, external: config.api.port },
    cpus: config.api.cpus,
    memoryMb: config.api.memoryMb,
    environment: {
      ...settings.environment,
      ...statusSources(parts),
      TELEGRAM_RETENTION_MESSAGES_DAYS: String(config.retention.messagesDays),
      TELEGRAM_RETENTION_OUTCOMES_DAYS: String(config.retention.outcomesDays),
    },
    credentials: settings.credentials,
    credentialEpoch: config.credentialEpoch,
    after: allReady(data.pgbouncer, data.redis, data.external),
  });
}

/** Where the API asks the others for their metrics. A gateway that listens on its own loopback alone cannot be asked. */
function statusSources({ stack, data, config }: Parts): Record<string, string> {
  const { gateway } = config;
  const inside = (host: number, port: number) => `${stack.address(host)}:${String(port)}`;
  const broker = data.rabbitmq && addressFor(stack, data.rabbitmq.metricsEndpoint);
  const machine = gateway.kind === 'machine' ? gateway : null;
  const heard = machine?.healthAddress === '0.0.0.0' ? machine.host : machine?.healthAddress;
  const reachable = !heard?.startsWith('127.');
  const host = heard ?? stack.address(HOST_NUMBERS.gatewayHost);
  const at = ({ name, port }: NamedAccount) => `${name === DEFAULT_ACCOUNT ? '' : `${name}=`}${host}:${String(port)}`;
  return {
    TELEGRAM_STATUS_CONSUMER: inside(HOST_NUMBERS.consumer, PORTS.consumerHealth),
    ...(reachable && { TELEGRAM_STATUS_GATEWAY: allAccounts(config).map(at).join(',') }),
    ...(broker && { TELEGRAM_STATUS_BROKER: `${broker.host}:${String(broker.port)}` }),
  };
}
