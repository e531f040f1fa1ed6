import type { FoundFile } from './files.js';

/** A file that holds a secret because a process needs it; `docs/guides/secrets.md` has the same list in words. */
interface ExpectedFile {
  readonly where: RegExp;
  /** As `stat` has it: for the owner alone, or in a folder that is. */
  readonly mode: '400' | '600' | '640';
  /** `uid:gid`; absent: any but root's. */
  readonly owner?: string;
  /** The container that may be missing, and the file with it. @default in every stack of the tests */
  readonly part?: string;
  /** Written by the service itself, only when it has a reason. @default false */
  readonly sometimes?: boolean;
}

const EXPECTED: readonly ExpectedFile[] = [
  // What the stack writes.
  { where: /^(consumer|gateway-api):\/credentials\/credentials\.json$/, mode: '400', owner: '10001:10001' },
  { where: /^simulator:\/credentials\/keys\.json$/, mode: '400', owner: '10001:10001' },
  { where: /^pgbouncer:\/credentials\/userlist\.txt$/, mode: '400', owner: '70:70' },
  {
    where: /^redis-[a-z]+(-\d)?:\/credentials\/(admin|sentinel|sentinel-client|sentinel\.conf|replication\.conf)$/,
    mode: '400',
    owner: '999:999',
  },
  { where: /^rabbitmq:\/credentials\/erlang\.cookie$/, mode: '400', owner: '999:999' },
  {
    where: /^(postgres|pgbouncer|redis)-exporter:\/credentials\/(postgres-password|pgbouncer\.pgpass|redis\.json)$/,
    mode: '400',
    owner: '65534:65534',
  },
  { where: /^alertmanager:\/credentials\/webhook$/, mode: '400', owner: '65534:65534' },
  {
    where: /^grafana:\/credentials\/(admin-password|secret-key|netrc|provisioning\/datasources\/telegram\.yml)$/,
    mode: '400',
    owner: '472:0',
    part: 'grafana',
  },
  { where: /^timescaledb:\/credentials\/bootstrap-password$/, mode: '400', owner: '70:70' },
  {
    where: /^backup:\/credentials\/(key|pgbackrest\.conf|redis|rabbitmq|roles\.sql)$/,
    ...{ mode: '400', owner: '70:70', part: 'backup' },
  },
  { where: /^gateway-host:\/etc\/ssh\/stack-keys\/ssh_host_ed25519_key$/, mode: '400', owner: '0:0' },
  { where: /^gateway-host:\/opt\/telegram-gateway\/credentials\/credentials\.json$/, mode: '600' },
  { where: /^gateway-host:\/opt\/telegram-gateway\/\.session\/default\.session$/, mode: '600' },
  // What the services keep themselves, and cannot be without.
  { where: /^timescaledb:\/var\/lib\/postgresql\/data\/cluster\/(global|base|pg_wal)\//, mode: '600', owner: '70:70' },
  {
    // The backup has the database's volume.
    where: /^backup:\/var\/lib\/postgresql\/data\/cluster\/(global|base|pg_wal)\//,
    ...{ mode: '600', owner: '70:70', part: 'backup' },
  },
  {
    // Set aside by a restore, until the next one.
    where: /^(timescaledb|backup):\/var\/lib\/postgresql\/data\/cluster\.before-[0-9TZ]+\/(global|base|pg_wal)\//,
    ...{ mode: '600', owner: '70:70', sometimes: true },
  },
  {
    // What pgBackRest fetched for a restore, in a folder of the owner's alone.
    where: /^(timescaledb|backup):\/var\/lib\/postgresql\/data\/cluster(\.before-[0-9TZ]+)?\/pg_wal\//,
    ...{ mode: '640', owner: '70:70', sometimes: true },
  },
  {
    // Changes on their way to the target of the backup.
    where: /^(timescaledb|backup):\/var\/lib\/postgresql\/data\/archive\/[0-9A-F.a-z]+$/,
    ...{ mode: '600', owner: '70:70', sometimes: true },
  },
  { where: /^redis-sentinel-\d:\/data\/sentinel\.conf$/, mode: '600', owner: '999:999' },
  { where: /^redis-(master|replica):\/data\/redis\.conf$/, mode: '600', owner: '999:999', sometimes: true },
  { where: /^rabbitmq:\/var\/lib\/rabbitmq\/\.erlang\.cookie$/, mode: '400', owner: '999:999' },
];

const fits = ({ mode, owner }: FoundFile, expected: ExpectedFile) =>
  mode === expected.mode && (expected.owner ? owner === expected.owner : !owner.startsWith('0:'));

/** Files that hold a secret and should not, or are not for their owner alone. */
export function unexpected(found: readonly FoundFile[]): FoundFile[] {
  return found.filter((file) => !EXPECTED.some((one) => one.where.test(file.where) && fits(file, one)));
}

/** Places of the list, in the containers that there are, where nothing was found: the list, or the search, is wrong. */
export function missing(found: readonly FoundFile[], parts: readonly string[]): string[] {
  return EXPECTED.filter(({ sometimes, part }) => !sometimes && (!part || parts.includes(part)))
    .filter(({ where }) => !found.some((file) => where.test(file.where)))
    .map(({ where }) => where.source);
}
