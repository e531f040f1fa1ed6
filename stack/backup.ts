import * as pulumi from '@pulumi/pulumi';
import { Backup } from '../components/backup/index.js';
import type { BackupSecrets, BackupSettings, BackupTarget } from '../components/backup/render.js';
import { addressFor } from '../components/endpoint.js';
import { activeOf } from '../components/slots.js';
import type { StackContext } from '../components/stack-context.js';
import { DATABASE, DATABASE_CLIENTS } from '../runtime/contract.js';
import type { StackConfig } from './config-schema.js';
import { allReady } from './context.js';
import type { DataLayer } from './data-layer.js';
import type { Secrets } from './secrets.js';
import { sealingKey } from './session-seal.js';

interface BackupParts {
  /** The Docker host of the database. */
  readonly stack: StackContext;
  readonly config: StackConfig;
  readonly secrets: Secrets;
  readonly data: DataLayer;
}

/** The backup of the stack; null where it is off. */
export function createBackup({ stack, config, secrets, data }: BackupParts): Backup | null {
  const { backup, backupTarget } = config;
  if (!backup.enabled) return null;
  return new Backup({
    stack,
    settings: settingsOf(stack, config, data),
    target: targetOf(config),
    folder: backupTarget.kind === 'folder' ? backupTarget.path : '',
    secrets: secretsOf(config, secrets),
    databaseVolume: data.timescale?.dataVolume ?? null,
    cpus: backup.cpus,
    memoryMb: backup.memoryMb,
    after: allReady(data.migrations, data.redis, data.rabbitmq),
  });
}

/** What the backups are encrypted with: the owner's key, else the stack's. */
export function backupKey({ backup }: StackConfig, secrets: Secrets): pulumi.Output<string> {
  if (backup.key !== undefined) return pulumi.secret(backup.key);
  if (!secrets.backupKey) throw new Error('no key was made for the backups');
  return secrets.backupKey;
}

/** What the gateways seal their sessions for; null where nothing is backed up. It opens nothing, so it is no secret. */
export function sealingKeyOf(config: StackConfig, secrets: Secrets): pulumi.Output<string> | null {
  return config.backup.enabled ? pulumi.unsecret(backupKey(config, secrets).apply(sealingKey)) : null;
}

function settingsOf(
  stack: StackContext,
  { backup, timescale, tlsAuthorities }: StackConfig,
  { redis, rabbitmq }: DataLayer,
): BackupSettings {
  const { at, fullOn, keepDays } = backup;
  return {
    at,
    fullOn,
    keepDays,
    source:
      timescale.kind === 'container'
        ? { kind: 'files' }
        : {
            kind: 'dump',
            address: { host: timescale.host, port: timescale.port },
            database: DATABASE,
            user: timescale.adminUser,
            tls: timescale.tls,
            authorities: tlsAuthorities,
          },
    redis: redis ? [redis.replicaEndpoint, redis.masterEndpoint].map((endpoint) => addressFor(stack, endpoint)) : [],
    rabbitmq: rabbitmq && addressFor(stack, rabbitmq.managementEndpoint),
  };
}

function targetOf({ backupTarget }: StackConfig): BackupTarget {
  return backupTarget.kind === 'folder' ? { kind: 'folder' } : backupTarget;
}

function secretsOf(config: StackConfig, secrets: Secrets): pulumi.Output<BackupSecrets> {
  const { postgres } = secrets.database;
  const clients = [...DATABASE_CLIENTS].flatMap((client) =>
    (['a', 'b'] as const).map((slot) => [`${client}_${slot}`, secrets.database[client].verifiers[slot]] as const),
  );
  return pulumi.secret(
    pulumi.output({
      key: backupKey(config, secrets),
      redis: activeOf(secrets.cache.replication),
      rabbitmq: { user: `monitor_${secrets.active}`, password: activeOf(secrets.broker.monitor) },
      roles: pulumi.output(Object.fromEntries([...clients, ['postgres', postgres.verifiers[postgres.active]]])),
      ...(config.timescale.kind === 'external' && { database: config.timescale.adminPassword }),
    }) as pulumi.Output<BackupSecrets>,
  );
}
