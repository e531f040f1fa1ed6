import { spawn } from 'node:child_process';
import { UserError } from '../../stack/errors.js';
import type { DockerHost } from '../../stack/docker-host.js';
import type { Ends } from './settings.js';

const DUMP_MS = 5 * 60_000;

/** Free bytes on the disk of the new database; null where an external engine does not tell. */
export async function freeBytes({ docker, container }: Pick<Ends, 'docker' | 'container'>): Promise<number | null> {
  if (container === null) return null;
  const listed = await docker.docker(['exec', container, 'df', '-Pk', '/var/lib/postgresql']);
  const [, , , available] = (listed.split('\n').at(-1) ?? '').split(/\s+/);
  return Number(available) * 1024;
}

/** Where a container that dumps finds authorities other than the system's. */
const AUTHORITIES = '/tmp/authorities.pem';

/** Whether there is a `pg_dump`: an old gateway, which must run, need not have one; the images of the stack do. */
export async function canDump({
  docker,
  dumpFrom,
  config,
}: Pick<Ends, 'docker' | 'dumpFrom' | 'config'>): Promise<boolean> {
  if (dumpFrom !== config.container) return true;
  return docker.docker(['exec', dumpFrom, 'sh', '-c', 'command -v pg_dump']).then(
    () => true,
    () => false,
  );
}

/**
 * The old schema as statements, by `pg_dump` out of an image that has it, on the network of the Docker host. With `tls` the
 * source is verified as it is by every other connection. Password and authorities go by standard input.
 */
export async function dumpDefinition({
  docker,
  dumpFrom,
  source,
  config,
  authorities,
}: Pick<Ends, 'docker' | 'dumpFrom' | 'source' | 'authorities'> & {
  readonly config: Pick<Ends['config'], 'password' | 'tls'>;
}): Promise<string> {
  const image = await docker.docker(['inspect', '--format', '{{.Image}}', dumpFrom]);
  const { host = '', port = 0, user = '', database = '' } = source.client;
  const words = ['pg_dump', '--schema-only', '--no-owner', '-h', host, '-p', String(port), '-U', user, '-d', database];
  // libpq knows the system's authorities by this word.
  const root = authorities === undefined ? 'system' : AUTHORITIES;
  const tls = config.tls ? ['--env', 'PGSSLMODE=verify-full', '--env', `PGSSLROOTCERT=${root}`] : [];
  const input = `${config.password}\n${authorities ?? ''}`;
  return runWithInput(docker, [...tls, '--entrypoint', 'sh', image], [...words, '-n', source.schema], input);
}

/** A command in a container of its own; `input` is a password in its first line, and authorities behind it. */
async function runWithInput(
  docker: DockerHost,
  container: readonly string[],
  words: readonly string[],
  input: string,
): Promise<string> {
  const script = `IFS= read -r PGPASSWORD; export PGPASSWORD; cat >${AUTHORITIES}; exec "$@"`;
  const args = ['run', '--rm', '-i', '--network', 'host', ...container, '-c', script, 'sh', ...words];
  const child = spawn('docker', args, { env: docker.environment, timeout: DUMP_MS });
  const texts = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const code = await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
  if (code === 0) return texts.stdout;
  throw new UserError('MIGRATE_SOURCE', 'pg_dump of the old schema failed', {
    details: texts.stderr.trim().split('\n').slice(-5),
    fix: 'The Docker host must reach the source under the same address, and its server must not be newer than that of the stack.',
  });
}
