import { z } from 'zod';
import { ACCOUNT_NAME } from '../components/gateway-service/accounts.js';
import { SENTINEL_MASTER } from '../runtime/contract.js';
import { backup, backupTarget } from './backup-schema.js';
import { cpus, IN_PLACE, memoryMb, port, secretText } from './config-fields.js';
import { dockerHosts, on } from './docker-hosts-schema.js';
import { tlsAuthorities } from './tls-authorities.js';

/** TLS of an engine that somebody else runs. */
const tls = z.boolean().default(true).describe('Connect with TLS and verify the certificate.');

const timescale = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('container'),
      port: port(5434, 'Host port of PostgreSQL.'),
      cpus: cpus(2),
      memoryMb: memoryMb(2048),
      maxConnections: z.int().min(20).default(60).describe('`max_connections` of the server.'),
      on,
    }),
    z.strictObject({
      kind: z.literal('external'),
      host: z.string().describe('Address of the engine.'),
      port: port(5432, 'Port of the engine.'),
      adminUser: z.string().default('postgres').describe('Login that may create roles and the extension.'),
      adminPassword: secretText.describe('Its password (secret).'),
      tls,
      maxConnections: z.int().default(100).describe('`max_connections` of the engine.'),
    }),
  ])
  .prefault({ kind: 'container' })
  .describe('TimescaleDB: a container of the stack, or an external engine.');

const pgbouncer = z
  .strictObject({
    port: port(6434, 'Host port of PgBouncer.'),
    cpus: cpus(0.5),
    memoryMb: memoryMb(128, IN_PLACE),
    maxServerConnections: z
      .int()
      .min(5)
      .default(20)
      .describe('Server connections in all, shared out among the clients.'),
    maxClientConnections: z.int().min(10).default(500).describe('Client connections in all.'),
    acceptBelowFloor: z
      .boolean()
      .default(false)
      .describe('Let a production stack run a PgBouncer below its security floor.'),
  })
  .prefault({})
  .describe('PgBouncer, transaction pooling in front of TimescaleDB.');

const redis = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('container'),
      masterPort: port(6379, 'Host port of the first data node.'),
      replicaPort: port(6380, 'Host port of the second data node.'),
      sentinelPort: port(26_379, 'Host port of the first Sentinel; the others follow.'),
      sentinels: z
        .int()
        .min(1)
        .max(3)
        .default(3)
        .describe('Number of Sentinels: 1 or 3. A change replaces every Redis container.'),
      maxMemoryMb: z
        .int()
        .min(16)
        .default(1024)
        .describe('`maxmemory` of each data node; the eviction policy suits a cache.'),
      cpus: cpus(0.5),
      memoryMb: memoryMb(1280, IN_PLACE),
      sentinelMemoryMb: memoryMb(64, IN_PLACE),
      on,
    }),
    z.strictObject({
      kind: z.literal('external'),
      sentinels: z
        .array(z.strictObject({ host: z.string(), port: port(26_379, 'Port.') }))
        .min(1)
        .describe('Sentinels of the engine.'),
      masterName: z
        .string()
        .regex(/^[\w.-]+$/, 'expected letters, digits, ".", "-" and "_"')
        .default(SENTINEL_MASTER)
        .describe('Name under which they know the master.'),
      user: z.string().default('default').describe('ACL user.'),
      password: secretText.describe('Its password (secret).'),
      sentinelPassword: z.string().default('').describe('Password of the Sentinels (secret).'),
      tls,
    }),
  ])
  .prefault({ kind: 'container' })
  .describe('Redis with a replica and Sentinels: containers of the stack, or an external engine.');

const rabbitmq = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('container'),
      port: port(5672, 'Host port of AMQP.'),
      managementPort: port(15_672, 'Host port of the management interface.'),
      metricsPort: port(15_692, 'Host port of the Prometheus metrics.'),
      cpus: cpus(1),
      memoryMb: memoryMb(1024),
      on,
    }),
    z.strictObject({
      kind: z.literal('external'),
      host: z.string().describe('Address of the engine.'),
      port: port(5671, 'AMQP port.'),
      vhost: z.string().default('telegram').describe('Virtual host.'),
      user: z.string().describe('User that may publish and consume.'),
      password: secretText.describe('Its password (secret).'),
      tls,
    }),
    z.strictObject({ kind: z.literal('off') }),
  ])
  .prefault({ kind: 'container' })
  .describe('RabbitMQ: a container of the stack, an external engine, or off (consumers then poll).');

// No ssh-rsa: the provider would ask for a signature with SHA-1, which sshd no longer gives.
const hostKey = z
  .string()
  .regex(/^(ssh-ed25519|ecdsa-sha2-\S+) \S+/, 'expected a public key line such as "ssh-ed25519 AAAA…"')
  .describe('Public key of the machine; any other is refused.');
const privateKey = secretText
  .optional()
  .describe('Private key in OpenSSH form (secret). Without it the SSH agent is asked.');

const jump = z
  .strictObject({
    host: z.string().min(1).describe('Machine that every connection goes through.'),
    port: port(22, 'Its SSH port.'),
    user: z.string().default('root').describe('Login there; it needs no rights but to forward.'),
    hostKey,
    privateKey,
  })
  .optional()
  .describe('Jump host: the machine is reached through this one.');

const accounts = z
  .array(z.string().regex(ACCOUNT_NAME, 'expected up to 32 letters, digits, - and _, and not "default"'))
  .default([])
  .describe(
    'Further Telegram accounts, each with a gateway of its own on the same host: its session comes by `npm run login -- --account <name>`, its health port is the next after the one before it. A gateway that is no longer named runs on, and nobody watches it.',
  );

const gateway = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('container'),
      sshPort: port(2222, 'Host port of sshd on the gateway host.'),
      healthPort: port(4006, 'Host port of health and metrics.'),
      cpus: cpus(0.5),
      memoryMb: memoryMb(512, 'Changed in place; the gateway restarts.'),
      accounts,
    }),
    z.strictObject({
      kind: z.literal('machine'),
      host: z.string().min(1).describe('Machine reached over SSH.'),
      port: port(22, 'SSH port.'),
      user: z.string().default('root').describe('Login; anybody but root needs sudo without a password.'),
      hostKey,
      privateKey,
      jump,
      healthPort: port(4006, 'Port of health and metrics on the machine.'),
      healthAddress: z
        .ipv4()
        .default('127.0.0.1')
        .describe('Address on the machine that health and metrics listen on.'),
      memoryMb: z.int().min(128).default(512).describe('Memory limit of the unit in MiB.'),
      allowedNetworks: z
        .array(z.string().regex(/^[0-9a-fA-F.:]+(\/\d+)?$/, 'expected an address or a network such as 10.0.0.0/8'))
        .min(1)
        .optional()
        .describe(
          'The only networks that the unit may talk to, Telegram and the data services among them (cgroup v2).',
        ),
      viewpoint: z
        .enum(['published', 'inNetwork'])
        .default('published')
        .describe('How the machine sees the data services.'),
      accounts,
    }),
  ])
  .prefault({ kind: 'container' })
  .describe('Where the MTProto gateway runs under systemd: a container that plays the machine, or a machine over SSH.');

const telegram = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('simulator'),
      mtprotoPort: port(4443, 'Host port of the simulated data centre.'),
      controlPort: port(4020, 'Host port of the control API.'),
      rate: z.number().min(0).max(1000).default(2).describe('Generated messages per second.'),
      channels: z.int().min(1).max(100).default(3).describe('Channels of the simulated world.'),
      cpus: cpus(0.5),
      memoryMb: memoryMb(256),
    }),
    z.strictObject({
      kind: z.literal('real'),
      apiId: z.int().min(1).describe('API id of the application.'),
      apiHash: z
        .string()
        .regex(/^[0-9a-f]{32}$/, 'expected 32 hexadecimal digits')
        .describe('API hash of the application (secret).'),
    }),
  ])
  .prefault({ kind: 'simulator' })
  .describe('The Telegram on the other side: the simulator, or the real one.');

const api = z
  .strictObject({ port: port(4010, 'Host port of the API.'), cpus: cpus(0.5), memoryMb: memoryMb(256) })
  .prefault({})
  .describe('Gateway API.');
const consumer = z
  .strictObject({
    port: port(4011, 'Host port of health and metrics.'),
    mode: z
      .enum(['queue', 'poll', 'dual'])
      .default('queue')
      .describe('How events arrive; `poll` is for a stack without a broker.'),
    groups: z
      .array(z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'expected lowercase letters, digits, _ and -'))
      .default([])
      .describe(
        'Further groups with a queue of their own, for consumers that you run. A group gets what is stored after its first consumer has started, from then on also while none runs; what came before is not for it. A change replaces the broker; the queue of a group that is no longer named stays until you delete it.',
      ),
    cpus: cpus(0.5),
    memoryMb: memoryMb(256),
  })
  .prefault({})
  .describe('Consumer of the default group.');

const retention = z
  .strictObject({
    messagesDays: z
      .int()
      .min(0)
      .default(0)
      .describe('Days after which messages, edits and deletions are forgotten for good; 0 keeps them for ever.'),
    outcomesDays: z
      .int()
      .min(0)
      .default(30)
      .describe('Days after which the history of the work is forgotten; 0 keeps it for ever.'),
  })
  .prefault({})
  .describe('What the database forgets, and when. A change replaces the API, whose scheduler sees to it.');

const monitoring = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Prometheus with its rules, the exporters, and what is named below.'),
    prometheusPort: port(9090, 'Host port of Prometheus.'),
    postgresExporterPort: port(9187, 'Host port of the PostgreSQL exporter.'),
    redisExporterPort: port(9121, 'Host port of the Redis exporter.'),
    pgbouncerExporterPort: port(9127, 'Host port of the PgBouncer exporter.'),
    nodeExporterPort: port(9100, "Host port of the exporter of the Docker host's own figures."),
    cpus: cpus(0.5),
    memoryMb: memoryMb(384, IN_PLACE),
    exporterCpus: cpus(0.1),
    exporterMemoryMb: memoryMb(48, IN_PLACE),
    alertWebhook: z
      .url()
      .optional()
      .describe(
        'Address that alerts are posted to (secret). Without it there is no Alertmanager. A change of it tells that one.',
      ),
    alertmanagerPort: port(9093, 'Host port of Alertmanager.'),
    alertmanagerMemoryMb: memoryMb(64, IN_PLACE),
    grafana: z
      .boolean()
      .default(true)
      .describe('Grafana with datasources and dashboards, where there is an image of it.'),
    grafanaPort: port(3100, 'Host port of Grafana.'),
    grafanaCpus: cpus(0.25),
    grafanaMemoryMb: memoryMb(256, IN_PLACE),
    retentionDays: z.int().min(1).default(35).describe('Days that samples are kept; the objectives look back over 30.'),
    retentionMb: z.int().min(64).default(2048).describe('Disk that samples may take, in MiB.'),
  })
  .prefault({})
  .describe('Monitoring.');

const source = z
  .strictObject({
    host: z.string().min(1).describe('Address of the shared TimescaleDB, as this machine and the Docker host see it.'),
    port: port(5432, 'Its port; PostgreSQL itself, not a pool in transaction mode.'),
    database: z.string().min(1).default('postgres').describe('Database that holds the schema.'),
    schema: z
      .string()
      .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'expected a name of lower-case letters, digits and underscores')
      .default('telegram_gateway')
      .describe('Schema of the old gateway.'),
    user: z.string().min(1).describe('Login that may read the schema; for `rollback --migration full` also write it.'),
    password: secretText.describe('Its password (secret).'),
    tls: z
      .boolean()
      .default(false)
      .describe('Connect with TLS and verify the certificate, by `tlsAuthorities` where set.'),
    sessions: z
      .string()
      .min(1)
      .describe('Docker volume of the sessions, or a folder of the Docker host (an absolute path).'),
    session: z
      .string()
      .regex(/^[\w.-]+$/, 'expected the name of a file without its ending')
      .default('default')
      .describe('Which session, `<name>.session` in there.'),
    container: z.string().min(1).describe('Container of the old gateway, on the Docker host of the stack.'),
    connectionsFile: z
      .string()
      .optional()
      .describe('Env file with TELEGRAM_DATABASE_URL that the applications read; `migrate` and `rollback` switch it.'),
  })
  .optional()
  .describe('The old layout that `npm run migrate` moves from. Without effect on the stack itself.');

/** Every key of a stack file, with what it means and its default. The source of the reference and of the error messages. */
export const stackSchema = z.strictObject({
  environment: z
    .enum(['development', 'production'])
    .default('development')
    .describe('What the stack is for; `production` refuses the simulator and keeps data.'),
  instanceId: z
    .string()
    .regex(/^[a-z0-9-]*$/)
    .default('')
    .describe('Tells two stacks of one name apart on one host; `npm run up` writes one for the dev stack.'),
  namePrefix: z
    .string()
    .regex(/^([a-z][a-z0-9-]*-)?$/, 'expected lower-case letters, digits and dashes, ending in a dash')
    .default('')
    .describe(
      'Put before every name; a second stack on a host needs one. A change is refused while anything is there.',
    ),
  subnet: z
    .string()
    .regex(/^\d+\.\d+\.\d+\.0\/24$/, 'expected a /24 such as 172.28.40.0/24')
    .default('172.28.40.0/24')
    .describe("Subnet of the stack's network. A change needs `destroy` first."),
  bindAddress: z.ipv4().default('127.0.0.1').describe('Address that published ports bind to. Replaces the containers.'),
  credentialEpoch: z.int().min(1).default(1).describe('Raise by one and run `up` to rotate every machine credential.'),
  images: z
    .enum(['upstream', 'debian', 'auto'])
    .default('auto')
    .describe(
      '`upstream` pulls official images, `debian` builds from Debian packages, `auto` tries the first and falls back.',
    ),
  dataPolicy: z
    .enum(['retain', 'delete'])
    .default('delete')
    .describe(
      'Whether data volumes outlive `destroy`, or the service that they belong to. A change counts from the next `up` on.',
    ),
  docker: z
    .strictObject({
      host: z
        .string()
        .default('')
        .describe(
          'Docker host, for example ssh://deploy@host; empty is the local one. A change needs `destroy` first.',
        ),
      address: z
        .string()
        .default('')
        .describe('Where others reach its published ports; empty is bindAddress, or for 0.0.0.0 the name of the host.'),
    })
    .prefault({})
    .describe('Where the containers run.'),
  dockerHosts,
  tlsAuthorities,
  timescale,
  pgbouncer,
  redis,
  rabbitmq,
  gateway,
  telegram,
  api,
  consumer,
  retention,
  monitoring,
  backup,
  backupTarget,
  source,
});

export type StackConfig = z.output<typeof stackSchema>;

/** The old layout, as a stack file names it. */
export type SourceConfig = NonNullable<StackConfig['source']>;

/** Where and as whom to log in over SSH, as a stack file says it. */
export type SshLogin = NonNullable<z.output<typeof jump>>;
