import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  backupEnvironment,
  backupFiles,
  type BackupSecrets,
  type BackupSource,
  type BackupTarget,
} from '../../components/backup/render.js';
import { inlineFiles } from '../../components/inline-files.js';
import { pgHbaConf, postgresqlConf } from '../../components/timescale/render.js';
import { Sidecar } from '../../ops/backup/sidecar.js';
import { ROOT } from '../../ops/stack-folder.js';
import { DockerHosts } from '../../ops/docker-hosts.js';
import { UserError } from '../../stack/errors.js';
import { scramVerifier } from '../../stack/scram.js';
import { TEST_PREFIX } from './test-stack.js';

const PASSWORD = 'of-now';
/** What the stack gives the superuser, as it is after a restore. */
export const POSTGRES_VERIFIER = scramVerifier(PASSWORD, Buffer.alloc(16, 7).toString('base64'));

const MINUTES = 60_000;
const LIMITS = { cpus: 1, memoryMb: 512, maxConnections: 30 };
const ARCHIVING = { recoveryPointS: 5, waitingMb: 1024 };
const USER = ['--user', '70:70', '--cap-drop', 'ALL'];

export const docker = (args: readonly string[], input?: string | Buffer): string =>
  execFileSync('docker', [...args], {
    encoding: 'utf8',
    timeout: 5 * MINUTES,
    maxBuffer: 64 * 2 ** 20,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, DOCKER_BUILDKIT: '0' },
    ...(input !== undefined && { input }),
  }).trim();

const image = (name: string, base: string) =>
  docker(['build', '-q', '--build-arg', `BASE=${base}`, join(ROOT, 'images', name)]);

interface BackupSettings {
  readonly key?: string;
  /** @default the database's files */
  readonly source?: BackupSource;
  /** Words of `docker run` that mount another target. */
  readonly mounts?: readonly string[];
  /** Longest that restic may try, in seconds. @default 3600 */
  readonly partLimitS?: number;
}

/**
 * A database and the backup beside it, as the stack makes both, with names of their own: the same images, scripts, settings and
 * commands of `ops/backup`. The target is a volume, or what `target` names.
 */
export class BackupBench {
  readonly prefix: string;
  readonly hosts = new DockerHosts({ dockerHost: '' });
  readonly docker = this.hosts.home;
  readonly sidecar: Sidecar;
  #images: { readonly database: string; readonly backup: string } | undefined;

  constructor(
    name: string,
    readonly target: BackupTarget = { kind: 'folder' },
    private readonly network = 'none',
  ) {
    this.prefix = `${TEST_PREFIX}${name}-`;
    this.sidecar = Sidecar.of(this.hosts, this.prefix);
  }

  /** The images of another one, whose containers it takes over. */
  adopt(other: BackupBench): void {
    this.#images = other.#images;
  }

  /** Image of the backup. */
  get image(): string {
    if (!this.#images) throw new Error('start() comes first');
    return this.#images.backup;
  }

  name(part: string): string {
    return `${this.prefix}telegram-${part}`;
  }

  /** Takes minutes where the images are not there yet. */
  start(): void {
    this.remove();
    const base = execFileSync('sh', ['images/base/make.sh', 'trixie'], { cwd: ROOT, encoding: 'utf8' }).trim();
    this.#images = { database: image('timescaledb', base), backup: image('backup', base) };
    this.startDatabase();
    for (const file of ['roles.sql', '01_messages.sql', '02_channels.sql', '10_session_copies.sql'])
      this.sql(readFileSync(join(ROOT, 'sql', file), 'utf8'));
  }

  /** With an empty volume, a cluster of its own. */
  startDatabase(): void {
    const file = (name: string) => ({
      path: `/telegram/${name}`,
      content: readFileSync(join(ROOT, 'components', 'timescale', name), 'utf8'),
    });
    const files = inlineFiles(
      [
        ...['start-postgres.sh', 'pgbackrest-spool.sh', 'fetch-wal.sh'].map(file),
        { path: '/telegram/postgresql.conf', content: postgresqlConf(LIMITS, ARCHIVING) },
        { path: '/telegram/pg_hba.conf', content: pgHbaConf(['127.0.0.1/32'], true) },
      ],
      ['sh', '/telegram/start-postgres.sh'],
      '70:70',
    );
    if (!files || !this.#images) throw new Error('start() comes first');
    const tmpfs = Object.entries({
      ...files.tmpfs,
      '/tmp': 'rw',
      '/var/run/postgresql': 'rw,uid=70,gid=70',
      '/credentials': 'rw,uid=70,gid=70',
    }).flatMap(([path, options]) => ['--tmpfs', `${path}:${options}`]);
    const [script = '', ...words] = files.command;
    docker([
      ...['run', '-d', '--name', this.name('timescaledb'), ...USER, '--network', 'none', '--stop-signal', 'SIGINT'],
      ...[
        '--memory',
        '512m',
        '--shm-size',
        '64m',
        '-v',
        `${this.name('timescaledb-data')}:/var/lib/postgresql/data`,
        ...tmpfs,
      ],
      ...['--entrypoint', '/bin/sh', this.#images.database, '-c'],
      ...[`echo first >/credentials/bootstrap-password\n${script}`, ...words],
    ]);
    this.waitForDatabase();
  }

  waitForDatabase(): void {
    const ask =
      'for i in $(seq 600); do pg_isready -q -h /var/lib/postgresql/data/socket && exit 0; sleep 0.2; done; exit 1';
    docker(['exec', this.name('timescaledb'), 'sh', '-c', ask]);
  }

  /** Beside the database. */
  startBackup(settings: BackupSettings = {}): void {
    if (!this.#images) throw new Error('start() comes first');
    const secrets: BackupSecrets = {
      key: settings.key ?? 'the-key-of-the-backups-in-the-tests',
      redis: '',
      rabbitmq: { user: '', password: '' },
      roles: { postgres: POSTGRES_VERIFIER },
      database: PASSWORD,
    };
    const values = {
      source: settings.source ?? ({ kind: 'files' } as const),
      at: '03:00',
      fullOn: 'sunday',
      keepDays: 30,
      redis: [],
      rabbitmq: null,
    } as const;
    // What cannot be read or reached at once never will be here: nothing is worth a second try after a quarter of a minute.
    const impatient = { BACKUP_LIMIT_S: '300', PGBACKREST_JOB_RETRY: '0', PGBACKREST_IO_TIMEOUT: '3' };
    const partLimit = settings.partLimitS === undefined ? {} : { BACKUP_PART_LIMIT_S: String(settings.partLimitS) };
    const environment = { ...backupEnvironment(values, this.target), ...impatient, ...partLimit };
    docker(['volume', 'create', this.name('backup-credentials')]);
    docker(
      ['run', '--rm', '-i', '--user', '0', '--network', 'none', '-v', `${this.name('backup-credentials')}:/credentials`]
        .concat(['--entrypoint', 'sh', this.#images.backup, '-c'])
        .concat([
          'cd /credentials && umask 077 && jq -r "to_entries[] | @base64" | while read -r f; do set -- "$f"; n=$(echo "$f" | base64 -d | jq -r .key); echo "$f" | base64 -d | jq -j .value >"$n"; done; chown -R 70:70 .',
        ]),
      JSON.stringify(backupFiles(values, this.target, secrets)),
    );
    docker([
      ...[
        'run',
        '-d',
        '--name',
        this.name('backup'),
        ...USER,
        '--network',
        this.network,
        '--read-only',
        '--tmpfs',
        '/tmp',
        '--memory',
        '192m',
      ],
      ...['-v', `${this.name('timescaledb-data')}:/var/lib/postgresql/data`],
      ...['-v', `${this.name('backup-credentials')}:/credentials:ro`],
      ...['-v', `${this.name('backup-state')}:/var/lib/telegram-backup`],
      ...(settings.mounts ?? (this.target.kind === 'folder' ? ['-v', `${this.name('backup-data')}:/backup`] : [])),
      ...Object.entries(environment).flatMap(([key, value]) => ['-e', `${key}=${value}`]),
      this.#images.backup,
    ]);
  }

  /** The backup that the container makes by itself, as none was made since its time of the day. */
  async firstBackUp(): Promise<void> {
    const deadline = Date.now() + 4 * MINUTES;
    while (this.inBackup('cat /var/lib/telegram-backup/facts/retention.success || true') === '') {
      if (Date.now() > deadline) throw new Error(docker(['logs', this.name('backup')]));
      await delay(500);
    }
  }

  /** A backup, as soon as the one that the container makes by itself has ended. */
  async backUp(...words: readonly string[]): Promise<void> {
    const deadline = Date.now() + 4 * MINUTES;
    for (;;) {
      try {
        await this.sidecar.call(['run', ...words]);
        return;
      } catch (error) {
        if (!(error instanceof UserError && error.code === 'BACKUP_BUSY') || Date.now() > deadline) throw error;
      }
      await delay(500);
    }
  }

  /** The backup's container goes; its target and what it remembers stay. */
  stopBackup(): void {
    docker(['rm', '-f', this.name('backup')]);
  }

  /** The disk of the database is lost with all that is on it. */
  loseDatabase(): void {
    docker(['rm', '-f', this.name('backup'), this.name('timescaledb')]);
    docker(['volume', 'rm', this.name('timescaledb-data'), this.name('backup-state')]);
  }

  sql(text: string, database = 'telegram_gateway'): string {
    return this.inDatabase(['psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', database], text);
  }

  /** One of PostgreSQL's own commands, in the database's container and as its superuser. */
  inDatabase([command = '', ...words]: readonly string[], input: string | Buffer): string {
    const login = ['-h', '/var/lib/postgresql/data/socket', '-U', 'postgres'];
    return docker(['exec', '-i', this.name('timescaledb'), command, ...login, ...words], input);
  }

  /** Messages of one channel, `from` to `to`. */
  post(channel: number, from: number, to: number): void {
    this
      .sql(`insert into telegram_gateway.messages (channel_id, message_id, posted_at, account_id, received_at, stored_at, source, kind, text, raw)
      select ${String(channel)}, n, '2026-01-01'::timestamptz + n * interval '1 minute', 'default', now(), now() - interval '5 minutes', 'push', 'message', 'message ' || n, ''
        from generate_series(${String(from)}, ${String(to)}) n`);
  }

  messages(database?: string): number {
    return Number(this.sql('select count(*) from telegram_gateway.messages', database));
  }

  /** A shell command in the backup's container. */
  inBackup(script: string): string {
    return docker(['exec', this.name('backup'), 'sh', '-c', script]);
  }

  /** Last line that a container has said. */
  lastWords(part: string): string {
    return execFileSync('sh', ['-c', 'docker logs --tail 1 "$1" 2>&1', 'sh', this.name(part)], {
      encoding: 'utf8',
      timeout: MINUTES,
    }).trim();
  }

  remove(): void {
    const mine = (list: readonly string[]) =>
      docker([
        ...list,
        '--filter',
        `name=${this.prefix}telegram-`,
        '--format',
        list[0] === 'ps' ? '{{.Names}}' : '{{.Name}}',
      ])
        .split('\n')
        .filter(Boolean);
    const containers = mine(['ps', '-a']);
    if (containers.length > 0) docker(['rm', '-f', '-v', ...containers]);
    const volumes = mine(['volume', 'ls']);
    if (volumes.length > 0) docker(['volume', 'rm', '-f', ...volumes]);
  }
}
