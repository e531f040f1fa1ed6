/** What a change of each key of the configuration does to a stack that is up: the table of the tests of the graph. */
import { EXAMPLE_AUTHORITY } from './certificates/index.js';

/** Where a migration comes from. */
export const SOURCE = {
  host: 'old.example.org',
  user: 'reader',
  password: 'one',
  sessions: 'sessions',
  container: 'gateway',
};
const SOURCE_OPTIONAL = {
  port: 5433,
  database: 'other',
  schema: 'other',
  tls: true,
  session: 'other',
  connectionsFile: '/etc/other.env',
};

const all = (effect: string, ...names: string[]) => names.map((name) => `${effect} ${name}`);
const UNIT_STEPS = ['prepare', 'copy-node', 'copy-release', 'install', 'credentials', 'session', 'service'];
/** The gateway's unit on a new machine, or on a container that takes its place. */
const INSTALLED_ANEW = all('replace', ...UNIT_STEPS.map((step) => `gateway-${step}`));
/** The same steps again on the same machine: each finds its work done. */
const RUN_AGAIN = all('update', ...UNIT_STEPS.map((step) => `gateway-${step}`));
/** Broker users are kept in its volume; they are imported again into another container all the same. */
const BROKER = ['replace telegram-rabbitmq', 'update telegram-rabbitmq-users'];
const EVERYTHING = ['replace every Container', 'update telegram-rabbitmq-users', ...INSTALLED_ANEW];
const MIGRATIONS = ['update telegram-migrations-roles', 'update telegram-migrations-schema'];
/** Whoever has the database's own address. */
const OTHER_DATABASE = ['replace telegram-pgbouncer', 'replace telegram-postgres-exporter', ...MIGRATIONS];
const CREDENTIALS = ['update consumer-credentials', 'update gateway-api-credentials', 'update gateway-credentials'];
/** What asks the engines that somebody else runs, before anybody uses them. */
const ASK_CACHE = 'update telegram-external-cache';
const ASK_BROKER = 'update telegram-external-broker';
/** Prometheus has the addresses of what it asks in its configuration. */
const ASKED = 'replace telegram-prometheus';
const EXPORTERS = ['postgres', 'pgbouncer', 'node', 'redis'].map((name) => `telegram-${name}-exporter`);
/** Whoever has an address in its environment. The gateway's process restarts, its host does not. */
const CLIENTS = ['replace telegram-consumer', 'replace telegram-gateway-api', 'update gateway-service'];
const SENTINELS = ['telegram-redis-sentinel-1', 'telegram-redis-sentinel-2', 'telegram-redis-sentinel-3'];
const NODES = ['telegram-redis-master', 'telegram-redis-replica'];
/** All that there is only where Grafana can be had. */
const GRAFANA = [
  ...['telegram-grafana', 'telegram-grafana-data', 'telegram-grafana-credentials', 'image-grafana'],
  ...['monitoring-grafana-files', 'secrets-grafana-admin', 'secrets-grafana-key'],
];
/** Another store: in the environment of the one tool, in the configuration file of the other. */
const TARGET = ['replace telegram-backup', 'update telegram-backup-secrets'];
/** Volumes that the data policy is about. */
const DATA = [
  ...['timescaledb', 'rabbitmq', 'simulator', 'prometheus', 'alertmanager'].map((name) => `telegram-${name}-data`),
  ...[...NODES, ...SENTINELS].map((name) => `${name}-data`),
  'telegram-gateway-opt',
];

/** What a change of each key does to a stack that is up: key (see `configKeys`), new value, and what changes how. */
export const TABLE: readonly (readonly [key: string, value: unknown, changes: readonly string[]])[] = [
  ['environment', 'production', ['create telegram-pgbouncer-floor', ...CLIENTS]],
  ['bindAddress', '127.0.0.2', [...EVERYTHING, 'replace gateway-removal']],
  [
    'credentialEpoch',
    2,
    [
      'replace every secret of slot a',
      ...all('create', 'credential-epoch-2-begun', 'credential-epoch-2-completed'),
      ...all('delete', 'credential-epoch-1-begun', 'credential-epoch-1-completed'),
      ...MIGRATIONS,
      'update telegram-pgbouncer-userlist',
      'update telegram-rabbitmq-users',
      'update telegram-redis-credential-files',
      'update telegram-redis-reload',
      'update monitoring-credentials',
      ...CREDENTIALS,
    ],
  ],
  ['images', 'upstream', [...EVERYTHING, ...all('replace', 'image-timescaledb', 'image-redis', 'image-rabbitmq')]],
  ['dataPolicy', 'retain', all('protect', ...DATA)],
  // With the cache there: it binds anew, and whoever reaches it is told.
  [
    'dockerHosts.address',
    '10.0.0.13',
    [
      ...all('replace', ...NODES, ...SENTINELS, 'telegram-node-exporter-data'),
      ...CLIENTS,
      ASKED,
      'update monitoring-credentials',
    ],
  ],
  ['docker.address', 'stack.example.org', ['replace gateway-removal', ...RUN_AGAIN]],
  ['tlsAuthorities', EXAMPLE_AUTHORITY, [...OTHER_DATABASE, ...CREDENTIALS, ASK_CACHE, ASK_BROKER]],
  [
    'timescale.kind',
    'external',
    [
      ...all('delete', 'image-timescaledb', 'telegram-timescaledb', 'telegram-timescaledb-bootstrap-password'),
      ...all('delete', 'telegram-timescaledb-credentials', 'telegram-timescaledb-data'),
      ...OTHER_DATABASE,
    ],
  ],
  ['timescale(container).port', 5435, ['replace telegram-timescaledb']],
  ['timescale(container).cpus', 1, ['replace telegram-timescaledb']],
  ['timescale(container).memoryMb', 1024, ['replace telegram-timescaledb']],
  ['timescale(container).maxConnections', 80, ['replace telegram-timescaledb']],
  ['timescale(external).host', 'other.example.org', OTHER_DATABASE],
  ['timescale(external).port', 5433, OTHER_DATABASE],
  ['timescale(external).adminUser', 'other', MIGRATIONS],
  ['timescale(external).adminPassword', 'other', MIGRATIONS],
  ['timescale(external).tls', false, OTHER_DATABASE],
  ['timescale(external).maxConnections', 80, []],
  ['pgbouncer.port', 6435, ['replace telegram-pgbouncer']],
  ['pgbouncer.cpus', 1, ['replace telegram-pgbouncer']],
  ['pgbouncer.memoryMb', 128, ['update telegram-pgbouncer']],
  ['pgbouncer.maxServerConnections', 30, ['replace telegram-pgbouncer']],
  ['pgbouncer.maxClientConnections', 400, ['replace telegram-pgbouncer']],
  ['pgbouncer.acceptBelowFloor', true, []],
  [
    'redis.kind',
    'external',
    [
      ...all('delete', 'image-redis', 'telegram-redis-credential-files', 'telegram-redis-credentials'),
      ...all('delete', 'telegram-redis-reload', ...NODES, ...SENTINELS),
      ...all('delete', ...[...NODES, ...SENTINELS].map((name) => `${name}-data`), 'telegram-redis-exporter'),
      'update monitoring-credentials',
      ASKED,
      'create telegram-external-cache',
      ...CREDENTIALS,
      ...CLIENTS,
    ],
  ],
  ['redis(container).masterPort', 6390, ['replace telegram-redis-master']],
  ['redis(container).replicaPort', 6390, ['replace telegram-redis-replica']],
  ['redis(container).sentinelPort', 26_390, all('replace', ...SENTINELS)],
  [
    'redis(container).sentinels',
    1,
    [
      ...all('delete', 'telegram-redis-sentinel-2', 'telegram-redis-sentinel-2-data'),
      ...all('delete', 'telegram-redis-sentinel-3', 'telegram-redis-sentinel-3-data'),
      ...all('replace', ...NODES, 'telegram-redis-sentinel-1'),
      'update telegram-redis-reload',
      'update monitoring-credentials',
      ASKED,
      ...CLIENTS,
    ],
  ],
  ['redis(container).maxMemoryMb', 64, all('replace', ...NODES)],
  ['redis(container).cpus', 1, all('replace', ...NODES)],
  ['redis(container).memoryMb', 192, all('update', ...NODES)],
  ['redis(container).sentinelMemoryMb', 64, all('update', ...SENTINELS)],
  ['redis(external).sentinels', [{ host: 'other.example.org' }], [ASK_CACHE, ...CLIENTS]],
  ['redis(external).masterName', 'other', [ASK_CACHE, ...CLIENTS]],
  ['redis(external).user', 'other', [ASK_CACHE, ...CREDENTIALS]],
  ['redis(external).password', 'other', [ASK_CACHE, ...CREDENTIALS]],
  ['redis(external).sentinelPassword', 'other', [ASK_CACHE, ...CREDENTIALS]],
  ['redis(external).tls', false, [ASK_CACHE, ...CLIENTS]],
  [
    'rabbitmq.kind',
    'external',
    [
      ...all('delete', 'image-rabbitmq', 'telegram-rabbitmq', 'telegram-rabbitmq-cookie', 'telegram-rabbitmq-users'),
      ...all('delete', 'telegram-rabbitmq-credentials', 'telegram-rabbitmq-data'),
      ASKED,
      'create telegram-external-broker',
      ...CREDENTIALS,
      ...CLIENTS,
    ],
  ],
  ['rabbitmq(container).port', 5673, BROKER],
  ['rabbitmq(container).managementPort', 15_673, BROKER],
  ['rabbitmq(container).metricsPort', 15_693, BROKER],
  ['rabbitmq(container).cpus', 1, BROKER],
  ['rabbitmq(container).memoryMb', 768, BROKER],
  ['rabbitmq(external).host', 'other.example.org', [ASK_BROKER, ...CLIENTS]],
  ['rabbitmq(external).port', 5672, [ASK_BROKER, ...CLIENTS]],
  ['rabbitmq(external).vhost', 'other', [ASK_BROKER, ...CLIENTS]],
  ['rabbitmq(external).user', 'other', [ASK_BROKER, ...CREDENTIALS]],
  ['rabbitmq(external).password', 'other', [ASK_BROKER, ...CREDENTIALS]],
  ['rabbitmq(external).tls', false, [ASK_BROKER, ...CLIENTS]],
  [
    'gateway.kind',
    'machine',
    [
      ...all('delete', 'image-base-bookworm', 'image-gateway-host', 'telegram-gateway-host', 'gateway-host-keys'),
      ...all('delete', 'telegram-gateway-host-keys', 'telegram-gateway-opt'),
      'replace gateway-removal',
      ...INSTALLED_ANEW,
      // The status page no longer asks it: it listens on its own loopback.
      'replace telegram-gateway-api',
      ASKED,
    ],
  ],
  ['gateway(container).sshPort', 2223, ['replace telegram-gateway-host', 'replace gateway-removal', ...INSTALLED_ANEW]],
  ['gateway(container).healthPort', 4016, ['replace telegram-gateway-host', ...INSTALLED_ANEW]],
  ['gateway(container).cpus', 2, ['replace telegram-gateway-host', ...INSTALLED_ANEW]],
  ['gateway(container).memoryMb', 640, ['update telegram-gateway-host', 'update gateway-service']],
  ['gateway(container).accounts', ['second'], ['update gateway-service', ASKED, 'replace telegram-gateway-api']],
  ['gateway(machine).host', 'other.example.org', [ASKED, 'replace gateway-removal', ...INSTALLED_ANEW]],
  ['gateway(machine).port', 2022, ['replace gateway-removal', ...RUN_AGAIN]],
  ['gateway(machine).user', 'deploy', ['update gateway-removal', ...RUN_AGAIN]],
  ['gateway(machine).hostKey', 'ssh-ed25519 BBBB', ['update gateway-removal', ...RUN_AGAIN]],
  ['gateway(machine).privateKey', 'other', ['update gateway-removal', ...RUN_AGAIN]],
  [
    'gateway(machine).jump',
    { host: 'jump.example.org', hostKey: 'ssh-ed25519 CCCC' },
    ['update gateway-removal', ...RUN_AGAIN],
  ],
  ['gateway(machine).healthPort', 4016, [ASKED, 'update gateway-credentials', 'update gateway-service']],
  [
    'gateway(machine).healthAddress',
    '10.0.0.5',
    ['update gateway-credentials', 'update gateway-service', 'replace telegram-gateway-api'],
  ],
  ['gateway(machine).memoryMb', 640, ['update gateway-service']],
  ['gateway(machine).accounts', ['second'], ['update gateway-service', ASKED]],
  ['gateway(machine).allowedNetworks', ['10.0.0.0/8'], ['update gateway-service']],
  ['gateway(machine).viewpoint', 'inNetwork', ['update gateway-service']],
  [
    'telegram.kind',
    'real',
    [
      ...all('delete', 'secrets-simulator-auth-key', 'secrets-simulator-rsa', 'simulator-credentials'),
      ...all('delete', 'telegram-simulator', 'telegram-simulator-credentials', 'telegram-simulator-data'),
      'delete gateway-session',
      'update gateway-service',
      ASKED,
    ],
  ],
  ['telegram(simulator).mtprotoPort', 4444, ['replace telegram-simulator']],
  ['telegram(simulator).controlPort', 4021, ['replace telegram-simulator']],
  ['telegram(simulator).rate', 5, ['replace telegram-simulator']],
  ['telegram(simulator).channels', 5, ['replace telegram-simulator']],
  ['telegram(simulator).cpus', 2, ['replace telegram-simulator']],
  ['telegram(simulator).memoryMb', 320, ['replace telegram-simulator']],
  ['telegram(real).apiId', 2, ['update gateway-credentials']],
  ['telegram(real).apiHash', '1'.repeat(32), ['update gateway-credentials']],
  ['api.port', 4030, ['replace telegram-gateway-api']],
  ['api.cpus', 1, ['replace telegram-gateway-api']],
  ['api.memoryMb', 256, ['replace telegram-gateway-api']],
  ['consumer.port', 4031, ['replace telegram-consumer']],
  ['consumer.mode', 'dual', ['replace telegram-consumer']],
  ['consumer.groups', ['reports'], BROKER],
  ['consumer.cpus', 2, ['replace telegram-consumer']],
  ['consumer.memoryMb', 256, ['replace telegram-consumer']],
  ['retention.messagesDays', 90, ['replace telegram-gateway-api']],
  ['retention.outcomesDays', 7, ['replace telegram-gateway-api']],
  [
    'monitoring.enabled',
    false,
    [
      ...all(
        'delete',
        'image-prometheus',
        'image-exporters',
        'monitoring-credentials',
        'telegram-prometheus',
        'telegram-alertmanager',
        'monitoring-webhook',
        ...EXPORTERS,
      ),
      ...all('delete', 'telegram-exporter-credentials', 'telegram-node-exporter-textfiles', 'telegram-prometheus-data'),
      ...all('delete', 'telegram-alertmanager-credentials', 'telegram-alertmanager-data'),
    ],
  ],
  ['monitoring.prometheusPort', 9091, [ASKED]],
  ['monitoring.postgresExporterPort', 9188, ['replace telegram-postgres-exporter']],
  ['monitoring.redisExporterPort', 9122, ['replace telegram-redis-exporter']],
  ['monitoring.pgbouncerExporterPort', 9128, ['replace telegram-pgbouncer-exporter']],
  ['monitoring.nodeExporterPort', 9101, ['replace telegram-node-exporter']],
  ['monitoring.cpus', 1, [ASKED]],
  ['monitoring.memoryMb', 320, ['update telegram-prometheus']],
  ['monitoring.exporterCpus', 0.2, all('replace', ...EXPORTERS, 'telegram-alertmanager')],
  ['monitoring.exporterMemoryMb', 48, all('update', ...EXPORTERS)],
  [
    'monitoring.alertWebhook',
    undefined,
    [
      ...all('delete', 'monitoring-webhook', 'telegram-alertmanager', 'telegram-alertmanager-data'),
      ...all('delete', 'telegram-alertmanager-credentials'),
      ASKED,
    ],
  ],
  ['monitoring.alertmanagerPort', 9094, ['replace telegram-alertmanager']],
  ['monitoring.alertmanagerMemoryMb', 96, ['update telegram-alertmanager']],
  ['monitoring.grafana', false, [...all('delete', ...GRAFANA), ASKED]],
  ['monitoring.grafanaPort', 3101, ['replace telegram-grafana']],
  ['monitoring.grafanaCpus', 0.5, ['replace telegram-grafana']],
  ['monitoring.grafanaMemoryMb', 512, ['update telegram-grafana']],
  ['monitoring.retentionDays', 40, [ASKED]],
  ['monitoring.retentionMb', 512, [ASKED]],
  [
    'backup.enabled',
    false,
    [
      ...all('delete', 'image-backup', 'secrets-backup-key', 'telegram-backup', 'telegram-backup-secrets'),
      ...all('delete', ...['state', 'credentials', 'data'].map((part) => `telegram-backup-${part}`)),
      'create telegram-node-exporter-textfiles',
      ...all('replace', 'telegram-timescaledb', 'telegram-node-exporter'),
      'update gateway-service',
    ],
  ],
  ['backup.at', '04:00', ['replace telegram-backup']],
  ['backup.fullOn', 'monday', ['replace telegram-backup']],
  ['backup.keepDays', 60, ['replace telegram-backup', 'update telegram-backup-secrets']],
  ['backup.recoveryPointS', 30, ['replace telegram-timescaledb']],
  ['backup.waitingMb', 8192, ['replace telegram-timescaledb']],
  [
    'backup.key',
    'a key of the owner',
    ['delete secrets-backup-key', 'update telegram-backup-secrets', 'update gateway-service'],
  ],
  ['backup.cpus', 1, ['replace telegram-backup']],
  ['backup.memoryMb', 256, ['update telegram-backup']],
  [
    'backupTarget.kind',
    's3',
    ['delete telegram-backup-data', 'replace telegram-backup', 'update telegram-backup-secrets'],
  ],
  [
    'backupTarget(folder).path',
    '/mnt/backups',
    ['create telegram-backup-folder', 'delete telegram-backup-data', 'replace telegram-backup'],
  ],
  ['backupTarget(s3).endpoint', 'other.example.org', TARGET],
  ['backupTarget(s3).bucket', 'other', TARGET],
  ['backupTarget(s3).region', 'eu-central-1', TARGET],
  ['backupTarget(s3).prefix', 'stack', TARGET],
  ['backupTarget(s3).accessKey', 'other', ['update telegram-backup-secrets']],
  ['backupTarget(s3).secretKey', 'other', ['update telegram-backup-secrets']],
  ['backupTarget(s3).caCertificate', 'PEM', TARGET],
  // Read by `migrate` alone: the stack itself is not touched by where its data comes from.
  ...Object.entries({ ...SOURCE, ...SOURCE_OPTIONAL }).map(([key, value]) => [`source.${key}`, value, []] as const),
];

/** Keys that a stack that is up keeps; what refuses each change is tested beside it. */
export const FIXED: Readonly<Record<string, string>> = {
  instanceId: 'preflight: the containers belong to the stack of the old id',
  namePrefix: 'preflight: this stack is named otherwise',
  subnet: 'preflight: the network has another subnet',
  'docker.host': 'up: the stack stands on another host',
  'dockerHosts.host': 'up: the parts there stand on another host',
  'dockerHosts.subnet': 'preflight: the network there has another subnet',
  'timescale(container).on': 'preflight: the part stands elsewhere, with its data',
  'redis(container).on': 'preflight: the part stands elsewhere, with its data',
  'rabbitmq(container).on': 'preflight: the part stands elsewhere, with its data',
};
