import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { UPSTREAM } from '../../components/image-names.js';
import { postgresqlConf } from '../../components/timescale/render.js';
import { TEST_PREFIX } from './test-stack.js';

/** Where an image of the TSL edition is looked for on this machine; nothing is pulled. */
const IMAGES = [process.env['TEST_TSL_IMAGE'], UPSTREAM['timescaledb'], 'telegram-hybrid-stack/timescaledb:tsl'];
const NAME = `${TEST_PREFIX}timescaledb-tsl`;
const LIMITS = { cpus: 2, memoryMb: 1024, maxConnections: 60 };

/** The stack's own configuration; a test database need not survive a crash of the machine. */
const START = `
umask 077
data=/var/lib/postgresql/data
printf %s "$CONF" > /tmp/postgresql.conf
printf %s "$PASSWORD" > /tmp/password
initdb -D $data -U postgres --auth=scram-sha-256 --pwfile=/tmp/password --encoding=UTF8 --locale=C --no-sync >/dev/null
echo 'host all all all scram-sha-256' >> $data/pg_hba.conf
exec postgres -D $data -c config_file=/tmp/postgresql.conf -c data_directory=$data -c hba_file=$data/pg_hba.conf -c fsync=off`;

const docker = (...args: readonly string[]): string =>
  execFileSync('docker', [...args], { encoding: 'utf8', timeout: 120_000, stdio: ['ignore', 'pipe', 'ignore'] }).trim();

/**
 * A server of the TSL edition for the tests that run on both: of the image in TEST_TSL_IMAGE, else of one that is here
 * already. Null, with a line that says so, where there is none, or where TEST_TSL_DATABASE_URL names one that runs.
 */
export function startTslEngine(say: (line: string) => void): { readonly url: string; stop(): void } | null {
  if (process.env['TEST_TSL_DATABASE_URL']) return null;
  const image = IMAGES.find((name) => name && isHere(name));
  if (!image) {
    say('TimescaleDB, TSL edition: no image here (TEST_TSL_IMAGE names one), its tests are skipped');
    return null;
  }
  const stop = () => {
    quietly(() => docker('rm', '-f', '-v', NAME));
  };
  stop();
  const password = randomBytes(16).toString('hex');
  docker(
    ...['run', '-d', '--name', NAME, '--user', '70:70', '--shm-size', '256m', '-p', '127.0.0.1::5432'],
    ...['-e', `PASSWORD=${password}`, '-e', `CONF=${postgresqlConf(LIMITS)}`],
    ...['--entrypoint', 'sh', image, '-c', START],
  );
  const ready = quietly(() =>
    docker(
      'exec',
      NAME,
      'sh',
      '-c',
      'for i in $(seq 100); do pg_isready -q -h 127.0.0.1 && exit 0; sleep 1; done; exit 1',
    ),
  );
  if (!ready) {
    say(`TimescaleDB, TSL edition: ${image} did not start, its tests are skipped`);
    stop();
    return null;
  }
  return { url: `postgresql://postgres:${password}@${docker('port', NAME, '5432/tcp')}/postgres`, stop };
}

function isHere(image: string): boolean {
  return quietly(() => docker('image', 'inspect', '--format', '{{.Id}}', image));
}

/** Whether it went well. */
function quietly(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}
