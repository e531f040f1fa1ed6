/** Where a secret of the stack could have got to: everything that somebody without the secret files might read. */
import { execFileSync } from 'node:child_process';
import { rowsOf } from '../database.js';
import { docker, inside, type Inspected, inspectAll, TEST_PREFIX } from '../test-stack.js';

export interface Place {
  readonly name: string;
  readonly text: string;
  /** Part of what stands there anyway: without it the search looked at nothing. */
  readonly shows: string;
}

/** `docker run` of a container that sees every process of the Docker host, and its files. */
export const LOOKING = [
  ...['run', '--rm', '-i', '--network', 'none', '--pid', 'host', '--user', '0:0'],
  ...['--cap-add', 'SYS_PTRACE', '--security-opt', 'apparmor=unconfined'],
] as const;

/** Name of a container within the stack. */
export const partOf = ({ Name }: Inspected) => Name.replace(`/${TEST_PREFIX}telegram-`, '');

/** All that Docker tells of the stack: containers with their images, volumes, network. */
export async function dockerInspect(): Promise<Place[]> {
  const containers = await inspectAll();
  const images = [...new Set(containers.map(({ Image }) => Image))];
  const filter = ['--filter', `name=^${TEST_PREFIX}telegram-`];
  const volumes = (await docker('volume', 'ls', '-q', ...filter)).split('\n');
  const networks = (await docker('network', 'ls', '-q', ...filter)).split('\n');
  return [
    { name: 'docker inspect: containers', text: JSON.stringify(containers), shows: `${TEST_PREFIX}telegram-consumer` },
    {
      name: 'docker inspect: images',
      text: await docker('image', 'inspect', ...images),
      shows: 'telegram-hybrid-stack',
    },
    { name: 'docker history: images', text: await histories(images), shows: 'CREATED' },
    { name: 'docker inspect: volumes', text: await docker('volume', 'inspect', ...volumes), shows: 'Mountpoint' },
    { name: 'docker inspect: network', text: await docker('network', 'inspect', ...networks), shows: 'Subnet' },
  ];
}

async function histories(images: readonly string[]): Promise<string> {
  return (await Promise.all(images.map((image) => docker('history', '--no-trunc', image)))).join('\n');
}

/** Arguments, environment and names of every process of the Docker host: those of containers and of the unit are among them. */
export async function processes(helper: string): Promise<Place[]> {
  const words = async (file: string) =>
    docker(
      ...[...LOOKING, '--entrypoint', 'sh', helper, '-c'],
      `cat /proc/[0-9]*/${file} 2>/dev/null | tr '\\0' '\\n'; true`,
    );
  return [
    { name: 'process arguments', text: await words('cmdline'), shows: 'telegram.cjs' },
    { name: 'process environments', text: await words('environ'), shows: 'TELEGRAM_SESSION_FILE=' },
    { name: 'process names', text: await words('task/*/comm'), shows: 'redis-server' },
  ];
}

/** systemd as a container's first process says nothing to Docker; all it says is in its journal. Every other one has at least a line. */
const SILENT = 'gateway-host';

export async function logs(): Promise<Place[]> {
  const places = (await inspectAll()).map(async (container) => ({
    name: `log of ${partOf(container)}`,
    text: await everything('logs', container.Name.slice(1)),
    shows: partOf(container) === SILENT ? '' : '\n',
  }));
  const unit = 'systemctl show telegram-gateway; systemctl status --no-pager --full telegram-gateway';
  return [
    ...(await Promise.all(places)),
    {
      name: 'journal',
      text: await inside('gateway-host', 'journalctl', '--no-pager', '-o', 'export'),
      shows: 'SYSLOG_IDENTIFIER=telegram-gateway',
    },
    { name: 'unit', text: await inside('gateway-host', 'sh', '-c', `${unit}; true`), shows: 'ExecStart=' },
  ];
}

/** What the services tell to whoever may ask about them. */
export async function services(): Promise<Place[]> {
  const statements = 'select query from pg_stat_statements union all select query from pg_stat_activity';
  const redis = async (name: string, port: number) =>
    ask(
      name,
      `for what in "info all" "client list" "slowlog get 128" "acl log"; do printf 'AUTH admin %s\n%s\n' "$(head -1 /credentials/admin)" "$what" | redis-cli -p ${String(port)}; done`,
      'redis_version',
    );
  return Promise.all([
    sql(statements).then((text) => ({ name: 'what timescaledb tells', text, shows: 'pg_stat_statements' })),
    redis('redis-master', 6379),
    redis('redis-replica', 6379),
    ...[1, 2, 3].map(async (number) => redis(`redis-sentinel-${String(number)}`, 26379)),
    ask(
      'rabbitmq',
      'rabbitmqctl environment; rabbitmqctl status; rabbitmqctl list_users; rabbitmqctl list_connections',
      'rabbit',
    ),
    ask('prometheus', 'curl -fsS http://127.0.0.1:9090/api/v1/status/config', 'scrape_configs'),
    ask('alertmanager', 'curl -fsS http://127.0.0.1:9093/api/v2/status http://127.0.0.1:9093/metrics', 'versionInfo'),
    ask('postgres-exporter', 'curl -fsS http://127.0.0.1:9187/metrics', 'pg_up'),
    ask('pgbouncer-exporter', 'curl -fsS http://127.0.0.1:9127/metrics', 'pgbouncer_up'),
    ask('redis-exporter', 'curl -fsS http://127.0.0.1:9121/metrics', 'redis_exporter'),
  ]);
}

/** The same of a backup, where the stack has one. */
export async function backupTells(): Promise<Place[]> {
  const script = 'telegram-backup list; telegram-backup facts; cat /var/lib/telegram-backup/telegram_backup.prom';
  return [await ask('backup', script, 'telegram_backup_size_bytes{')];
}

/** A statement as the superuser of the stack's database; the rows as JSON. */
export async function sql(statement: string): Promise<string> {
  return JSON.stringify(await rowsOf(statement));
}

async function ask(name: string, script: string, shows: string): Promise<Place> {
  return { name: `what ${name} tells`, text: await inside(name, 'sh', '-c', script), shows };
}

/** Both outputs of a docker command. */
async function everything(...args: readonly string[]): Promise<string> {
  return Promise.resolve(
    execFileSync('sh', ['-c', 'docker "$@" 2>&1', 'sh', ...args], {
      maxBuffer: 256 * 2 ** 20,
      timeout: 120_000,
    }).toString(),
  );
}
