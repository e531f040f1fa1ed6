import { beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../ops/stack-folder.js';
import { imageTools } from '../support/image-tools.js';

const MINUTES = 60_000;
const SCRIPT = readFileSync(join(ROOT, 'components', 'timescale', 'start-postgres.sh'), 'utf8');

/** What an Alpine image brings: its shell, its tools, and PostgreSQL's own programs, here ones that say what they are called with. */
const ALPINE = `set -eu
mkdir -p /stubs /var/lib/postgresql/data /credentials /usr/local/share/postgresql/extension
echo first >/credentials/bootstrap-password
echo "default_version = '2.29.2'" >/usr/local/share/postgresql/extension/timescaledb.control
cat >/stubs/postgres <<'END'
#!/busybox/sh
case "$*" in --version) echo 'postgres (PostgreSQL) 17.10' ;; *--single*) cat >/dev/null ;; *) echo "postgres $*" ;; esac
END
cat >/stubs/initdb <<'END'
#!/busybox/sh
for word; do case $word in --pgdata=*) mkdir -p "\${word#*=}"; echo 17 >"\${word#*=}/PG_VERSION" ;; esac; done
END
chmod +x /stubs/*
cat >/start.sh <<'END_OF_SCRIPT'
${SCRIPT}
END_OF_SCRIPT
start() { env -i PATH=/stubs:/busybox /busybox/sh /start.sh; }
`;

/** The official TimescaleDB image is an Alpine: its shell is BusyBox's, which is not Debian's. */
describe('D10 the start script of TimescaleDB under the shell and tools of Alpine', () => {
  let image: string;
  beforeAll(() => {
    image = imageTools().tag;
  }, 8 * MINUTES);

  const run = (script: string) => {
    const { status, stdout, stderr } = spawnSync(
      'docker',
      ['run', '--rm', '-i', '--network', 'none', image, '/busybox/sh', '-s'],
      { input: `${ALPINE}${script}`, encoding: 'utf8', timeout: MINUTES },
    );
    return { status, stdout: stdout.trim().split('\n'), stderr: stderr.trim() };
  };

  it(
    'D1 makes a cluster in an empty volume, and takes it as it is the second time',
    () => {
      const { status, stdout } = run('start; start; cat /var/lib/postgresql/data/cluster/telegram-timescaledb-version');
      const started =
        'postgres -D /var/lib/postgresql/data/cluster -c config_file=/telegram/postgresql.conf -c hba_file=/telegram/pg_hba.conf';
      expect([status, stdout]).toEqual([
        0,
        ['start-postgres: empty volume, making a PostgreSQL 17 cluster', started, started, '2.29.2'],
      ]);
    },
    MINUTES,
  );

  it.each([
    [
      'an older PostgreSQL major',
      'mkdir -p $V/cluster; echo 16 >$V/cluster/PG_VERSION',
      'start-postgres: the volume was made by PostgreSQL 16, the image has 17: dump it with the old image, restore it with the new',
    ],
    [
      'a cluster of somebody else',
      'echo 15 >$V/PG_VERSION',
      'start-postgres: the volume holds a PostgreSQL 15 cluster that this stack did not make; restore a dump of it into a fresh volume',
    ],
    [
      'a newer TimescaleDB',
      'start >/dev/null; echo 2.30.10 >$V/cluster/telegram-timescaledb-version',
      'start-postgres: the volume was used by TimescaleDB 2.30.10, the image has the older 2.29.2: go back to the newer image',
    ],
  ])(
    'D1 a volume of %s is named in one line and left as it is',
    (_, prepare, message) => {
      const script = `V=/var/lib/postgresql/data; ${prepare}; before=$(find $V -type f -exec cat {} +); start || code=$?;
[ "$before" = "$(find $V -type f -exec cat {} +)" ] || echo changed; echo "code $code"`;
      const { stdout, stderr } = run(script);
      expect([stderr, stdout]).toEqual([message, ['code 1']]);
    },
    MINUTES,
  );
});
