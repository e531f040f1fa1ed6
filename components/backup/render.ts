import { PORTS, UNRECORDED } from '../../runtime/contract.js';
import type { Address } from '../endpoint.js';

/** Owner of the database's files, and so of the backup: uid and gid of `postgres` in every image of it. */
export const OWNER = '70:70';
export const BACKUP_CONTAINER = 'telegram-backup';
/** Where the target is mounted when it is a folder. */
export const TARGET = '/backup';
export const CREDENTIALS = '/credentials';
/** Authorities of somebody else's database. */
const AUTHORITIES = `${CREDENTIALS}/authorities.pem`;
/** What the container remembers, and `telegram_backup.prom` for Prometheus. */
export const STATE = '/var/lib/telegram-backup';

/** A folder (mounted at `TARGET`), or a bucket of an S3-compatible store. */
export type BackupTarget =
  | { readonly kind: 'folder' }
  | {
      readonly kind: 's3';
      /** Host name, with a port where it is not 443; always TLS. */
      readonly endpoint: string;
      readonly bucket: string;
      readonly region: string;
      /** Folder in the bucket, without slashes at its ends; empty is the bucket itself. */
      readonly prefix: string;
      readonly accessKey: string;
      readonly secretKey: string;
      /** Certificate authorities of the store (PEM). @default those of the system */
      readonly caCertificate?: string | undefined;
    };

/** PostgreSQL of the stack, backed up with every point in time; or somebody else's, dumped. */
export type BackupSource =
  | { readonly kind: 'files' }
  | {
      readonly kind: 'dump';
      readonly address: Address;
      readonly database: string;
      readonly user: string;
      readonly tls: boolean;
      /** Authorities that it is verified with (PEM). Counts with TLS only. @default those of the system */
      readonly authorities?: string | undefined;
    };

export interface BackupSettings {
  readonly source: BackupSource;
  /** `HH:MM`, UTC. */
  readonly at: string;
  /** Day of the week of the full backup, in lower case. */
  readonly fullOn: string;
  readonly keepDays: number;
  /** Data nodes of Redis, in the order in which they are asked; empty: not backed up. */
  readonly redis: readonly Address[];
  /** Management interface of the broker; null: not backed up. */
  readonly rabbitmq: Address | null;
}

const text = ({ host, port }: Address) => `${host}:${String(port)}`;

/** Environment of the container; nothing secret. */
export function backupEnvironment(settings: BackupSettings, target: BackupTarget): Record<string, string> {
  const { source, at, fullOn, keepDays, redis, rabbitmq } = settings;
  return {
    BACKUP_ENGINE: source.kind === 'files' ? 'pgbackrest' : 'dump',
    BACKUP_AT: at,
    BACKUP_FULL_ON: fullOn,
    BACKUP_KEEP_DAYS: String(keepDays),
    BACKUP_REDIS: redis.map(text).join(' '),
    BACKUP_RABBITMQ: rabbitmq ? text(rabbitmq) : '',
    RESTIC_REPOSITORY:
      target.kind === 'folder' ? `${TARGET}/restic` : `s3:https://${target.endpoint}/${pathIn(target, 'restic')}`,
    ...(target.kind === 's3' && { AWS_DEFAULT_REGION: target.region }),
    ...(target.kind === 's3' && target.caCertificate !== undefined && { BACKUP_CA_FILE: `${CREDENTIALS}/ca.pem` }),
    ...(source.kind === 'dump' && {
      PGHOST: source.address.host,
      PGPORT: String(source.address.port),
      PGUSER: source.user,
      PGDATABASE: source.database,
      // libpq refuses `system` without TLS.
      ...(source.tls
        ? { PGSSLMODE: 'verify-full', PGSSLROOTCERT: ownAuthorities(source) === undefined ? 'system' : AUTHORITIES }
        : { PGSSLMODE: 'disable' }),
      PGPASSFILE: `${CREDENTIALS}/pgpass`,
    }),
  };
}

/** Authorities other than the system's, where the database of somebody else is verified with such. */
const ownAuthorities = (source: BackupSource): string | undefined =>
  source.kind === 'dump' && source.tls ? source.authorities : undefined;

function pathIn({ bucket, prefix }: BackupTarget & { readonly kind: 's3' }, name: string): string {
  return [bucket, prefix, name].filter(Boolean).join('/');
}

export interface BackupSecrets {
  /** What all backups are encrypted with. */
  readonly key: string;
  /** Password of the Redis user `replication`. */
  readonly redis: string;
  readonly rabbitmq: { readonly user: string; readonly password: string };
  /** Role → SCRAM verifier, as the stack has them now. */
  readonly roles: Readonly<Record<string, string>>;
  /** Password of the admin of somebody else's database. @default none */
  readonly database?: string | undefined;
}

/** Secret files of the container, all read at each use. */
export function backupFiles(
  { source, keepDays }: Pick<BackupSettings, 'source' | 'keepDays'>,
  target: BackupTarget,
  secrets: BackupSecrets,
): Record<string, string> {
  const authorities = ownAuthorities(source);
  return {
    key: `${secrets.key}\n`,
    redis: `${secrets.redis}\n`,
    rabbitmq: `user = "${secrets.rabbitmq.user}:${secrets.rabbitmq.password}"\n`,
    'roles.sql': rolesSql(secrets.roles),
    'pgbackrest.conf': pgbackrestConf(keepDays, target, secrets.key),
    ...(source.kind === 'dump' && { pgpass: `*:*:*:*:${(secrets.database ?? '').replace(/[\\:]/g, '\\$&')}\n` }),
    ...(authorities !== undefined && { 'authorities.pem': authorities }),
    ...(target.kind === 's3' && {
      s3: `[default]\naws_access_key_id = ${target.accessKey}\naws_secret_access_key = ${target.secretKey}\n`,
    }),
    ...(target.kind === 's3' && target.caCertificate !== undefined && { 'ca.pem': target.caCertificate }),
  };
}

/**
 * pgbackrest.conf, the key in it: so it is a secret file. Changed blocks alone are stored (`block`), small files together
 * (`bundle`). A full backup goes when there is another one that is older than `keepDays`, so every point in time of so many
 * days can be reached, and up to a week more.
 */
function pgbackrestConf(keepDays: number, target: BackupTarget, key: string): string {
  const s3 =
    target.kind === 's3'
      ? `repo1-type=s3
repo1-path=/${[target.prefix, 'pgbackrest'].filter(Boolean).join('/')}
repo1-s3-endpoint=${target.endpoint}
repo1-s3-bucket=${target.bucket}
repo1-s3-region=${target.region}
repo1-s3-uri-style=path
repo1-s3-key=${target.accessKey}
repo1-s3-key-secret=${target.secretKey}
${target.caCertificate === undefined ? '' : `repo1-storage-ca-file=${CREDENTIALS}/ca.pem\n`}`
      : `repo1-type=posix\nrepo1-path=${TARGET}/pgbackrest\n`;
  return `[global]
${s3}repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=${key}
repo1-retention-full-type=time
repo1-retention-full=${String(keepDays)}
repo1-bundle=y
repo1-block=y
compress-type=zst
compress-level=3
start-fast=y
log-level-file=off
lock-path=/tmp/pgbackrest
archive-timeout=300
io-timeout=20

[telegram]
pg1-path=/var/lib/postgresql/data/cluster
pg1-socket-path=/var/lib/postgresql/data/socket
pg1-port=${String(PORTS.postgres)}
pg1-user=postgres
`;
}

/** A database that was restored has the passwords of then: these are those of now. Roles that it does not know are left out. */
function rolesSql(roles: Readonly<Record<string, string>>): string {
  const statements = Object.entries(roles).map(
    ([role, verifier]) =>
      `select $$alter role "${role}" password '${verifier}'$$ where exists (select from pg_roles where rolname = '${role}') \\gexec\n`,
  );
  const settings = Object.entries(UNRECORDED).map(([name, value]) => `set ${name} = '${value}';\n`);
  return [...settings, ...statements].join('');
}
