import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClientConfig } from 'pg';
import { DockerHost } from '../../stack/docker-host.js';
import { DockerOldGateway } from '../../ops/migrate/old-gateway.js';
import { uniqueName, TestDatabase, type Engine } from './services.js';
import { container, docker, TEST_PREFIX } from './test-stack.js';

const sql = (name: string) => readFileSync(join(__dirname, 'old-layout', name), 'utf8');

/** A string session of the supported form: its key is `fill`, over and over. */
export const someSession = (fill: string) => `1${fill.repeat(353).slice(0, 352)}`;

/** What the old gateway does all day: messages come, and consumers finish some of them. */
const OLD_GATEWAY = `
insert into telegram_gateway.messages (channel_id, message_id, content, posted_at, status, attempts)
values (1000, (extract(epoch from clock_timestamp()) * 1000)::bigint, 'arrived meanwhile', date_trunc('second', now()), 'pending', 0);
update telegram_gateway.messages set status = 'processed', processed_by = 'worker-9', processed_at = now(), attempts = 1
 where channel_id = 1000 and status = 'pending' and posted_at < now() - interval '2 seconds' and message_id % 3 = 0;
select pg_sleep(0.1);`;

/** The old layout, filled with so many messages of so many days: to be run in an empty database, one after the other. */
export const oldLayout = (rows: number, days: number): readonly [schema: string, fill: string] => [
  sql('schema.sql'),
  sql('fill.sql').replaceAll(':rows', String(rows)).replaceAll(':days', String(days)),
];

/** The same in a database of its own. */
export async function oldDatabase(rows: number, days: number, engine: Engine = 'stack'): Promise<TestDatabase> {
  const database = await TestDatabase.empty(engine);
  for (const text of oldLayout(rows, days)) await database.query(text);
  return database;
}

/** The container of an old gateway with its sessions in a volume; it writes to the source as long as it runs. */
export class OldGatewayContainer {
  readonly name = uniqueName(`${TEST_PREFIX}old`);
  readonly volume = `${this.name}-sessions`;
  readonly gateway = new DockerOldGateway(new DockerHost(''), { container: this.name, sessions: this.volume });

  static async start(source: ClientConfig, session: string): Promise<OldGatewayContainer> {
    const old = new OldGatewayContainer();
    const { host = '', port = 0, user = '', database = '', password } = source;
    await docker('volume', 'create', old.volume);
    await docker(
      ...[
        'run',
        '-d',
        '--init',
        '--stop-signal',
        'SIGTERM',
        '--name',
        old.name,
        '--network',
        'host',
        '--restart',
        'unless-stopped',
      ],
      ...['-v', `${old.volume}:/app/sessions`, '--user', '0', '-e', `STATEMENTS=${OLD_GATEWAY}`],
      ...[
        '-e',
        `PGHOST=${host}`,
        '-e',
        `PGPORT=${String(port)}`,
        '-e',
        `PGUSER=${user}`,
        '-e',
        `PGDATABASE=${database}`,
      ],
      ...['-e', `PGPASSWORD=${String(password)}`, '--entrypoint', 'sh', anImage()],
      ...['-c', 'yes "$STATEMENTS" | psql -q -v ON_ERROR_STOP=1 -o /dev/null'],
    );
    await old.gateway.putSession('default', session);
    return old;
  }

  async remove(): Promise<void> {
    await docker('rm', '-f', this.name).catch(() => '');
    await docker('volume', 'rm', '-f', this.volume).catch(() => '');
  }
}

/** An image with psql that is here: that of the database of the test stack. */
function anImage(): string {
  const named = process.env['TEST_PSQL_IMAGE'];
  if (named) return named;
  return execFileSync('docker', ['inspect', '--format', '{{.Image}}', container('timescaledb')], {
    encoding: 'utf8',
    timeout: 60_000,
  }).trim();
}

/** A folder that goes with the test. */
export function temporaryFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'migration-'));
  return {
    path,
    remove: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
}
