import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drill } from '../../ops/backup/drill.js';
import { replaceAt } from '../../ops/backup/replace.js';
import { listBackups } from '../../ops/backup/sidecar.js';
import { dumpDefinition } from '../../ops/migrate/tools.js';
import { SCHEMA } from '../../runtime/contract.js';
import { BackupBench, docker, POSTGRES_VERIFIER } from '../support/backup-bench.js';
import { oldDatabase } from '../support/old-layout.js';
import { waitFor } from '../support/services.js';

const MINUTES = 60_000;
const silent = () => undefined;
const COLUMNS = `select concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default) as line
  from information_schema.columns where table_schema = '${SCHEMA}' order by table_name, ordinal_position`;

/** Real pgBackRest and restic beside a real database, with the commands' own code; each test goes on where the last one ended. */
describe('O8 backup and restore', () => {
  const bench = new BackupBench('backup');
  const place = { hosts: bench.hosts, namePrefix: bench.prefix, gateway: null };
  const practise = () => drill({ hosts: bench.hosts, namePrefix: bench.prefix, say: silent });

  beforeAll(async () => {
    bench.start();
    bench.post(1001, 1, 3000);
    bench.post(1002, 1, 2000);
    bench.startBackup();
    await bench.firstBackUp();
  }, 8 * MINUTES);
  afterAll(() => {
    bench.remove();
  }, MINUTES);

  it(
    'O6 D14 beside an external database the old schema is dumped out of the image of the backup, whole enough to be restored',
    async () => {
      const old = await oldDatabase(100, 31);
      try {
        const definition = await dumpDefinition({
          docker: bench.docker,
          dumpFrom: bench.name('backup'),
          source: { client: old.config, schema: SCHEMA },
          config: { password: old.login.password, tls: false },
          authorities: undefined,
        });
        bench.sql('create database restored template template0', 'postgres');
        bench.sql(`create extension timescaledb;\n${definition}`, 'restored');
        expect(bench.sql(COLUMNS, 'restored').split('\n')).toEqual(
          (await old.query<{ line: string }>(COLUMNS)).map(({ line }) => line),
        );
        expect(bench.sql('select count(*) from telegram_gateway.messages', 'restored')).toBe('0');
      } finally {
        bench.sql('drop database if exists restored', 'postgres');
        await old.drop();
      }
    },
    4 * MINUTES,
  );

  it(
    'O8 goes back to a moment between two changes: what came before is there, what came after is not',
    async () => {
      bench.post(1001, 3001, 4000);
      const moment = bench.sql('select clock_timestamp()');
      bench.post(1001, 4001, 5000);
      expect(bench.messages()).toBe(7000);
      const { kept } = await replaceAt(place, moment, silent);
      expect(bench.messages()).toBe(6000);
      expect(bench.sql('select max(message_id) from telegram_gateway.messages')).toBe('4000');
      // The passwords are those of now, the files of before are still there, and the database takes changes.
      expect(bench.sql("select rolpassword from pg_authid where rolname = 'postgres'")).toBe(POSTGRES_VERIFIER);
      expect(bench.inBackup('ls /var/lib/postgresql/data')).toContain(kept);
      bench.post(1003, 1, 10);
    },
    6 * MINUTES,
  );

  it(
    'O8 a drill brings the newest backup back beside the database and compares it, channel by channel and row by row',
    async () => {
      await bench.backUp('diff');
      bench.post(1003, 11, 20);
      const result = await practise();
      expect(result).toMatchObject({ good: true, channels: 3, messages: 6010, hypertables: 3, differences: [] });
      expect(result.samples).toBe(50);
      // What was done to the database since is still there, and the drill is on record.
      expect(bench.messages()).toBe(6020);
      const { drilledAt, database } = await listBackups(bench.sidecar);
      expect(drilledAt).toBeGreaterThan(Date.now() / 1000 - 600);
      expect(database.map(({ type }) => type)).toEqual(['full', 'diff']);
      const metrics = bench.inBackup('cat /var/lib/telegram-backup/telegram_backup.prom');
      for (const kind of ['database', 'sessions', 'manifest'])
        expect(metrics).toMatch(
          new RegExp(`telegram_backup_last_success_timestamp_seconds\\{kind="${kind}"\\} \\d{10}`),
        );
      expect(metrics).toMatch(/telegram_backup_size_bytes\{kind="database"\} [1-9]/);
      expect(metrics).toMatch(/telegram_backup_drill_last_success_timestamp_seconds \d{10}/);
    },
    6 * MINUTES,
  );

  it(
    'O8 a backup that is damaged, half-written or not all there is found, by the check and by the drill',
    async () => {
      const file = bench.inBackup('ls -S /backup/pgbackrest/backup/telegram/*F/bundle/* | head -n 1');
      const bad = { code: 'BACKUP_DAMAGED' };
      // Damaged in the middle, written by half, gone.
      bench.inBackup(
        `cp ${file} /backup/kept; dd if=/dev/urandom of=${file} bs=4096 count=4 seek=20 conv=notrunc 2>&1`,
      );
      await expect(bench.sidecar.call(['check'])).rejects.toMatchObject(bad);
      await expect(practise()).rejects.toMatchObject(bad);
      bench.inBackup(`cp /backup/kept ${file}; truncate -s -65536 ${file}`);
      await expect(bench.sidecar.call(['check'])).rejects.toMatchObject(bad);
      await expect(practise()).rejects.toMatchObject(bad);
      bench.inBackup(`rm ${file}`);
      await expect(bench.sidecar.call(['check'])).rejects.toMatchObject(bad);
      bench.inBackup(`mv /backup/kept ${file}`);
      await bench.sidecar.call(['check']);
      expect(docker(['volume', 'ls', '-q', '--filter', `name=${bench.name('restore-drill')}`])).toBe('');
    },
    6 * MINUTES,
  );

  it(
    'O8 a second restore is refused while one is under way, and stops nothing',
    async () => {
      docker([
        'create',
        '--name',
        bench.name('restore-worker'),
        '--entrypoint',
        'true',
        'telegram-hybrid-stack/base:trixie',
      ]);
      try {
        await expect(replaceAt(place, 'end', silent)).rejects.toMatchObject({ code: 'RESTORE_BUSY' });
        await expect(practise()).rejects.toMatchObject({ code: 'RESTORE_BUSY' });
        expect(docker(['inspect', '-f', '{{.Name}}', bench.name('restore-worker')])).toContain('restore-worker');
        expect(bench.messages()).toBe(6020);
      } finally {
        docker(['rm', '-f', bench.name('restore-worker')]);
      }
    },
    MINUTES,
  );

  it(
    'O8 a restore that cannot be done leaves the data from before, and the database serves again',
    async () => {
      const never = '2035-01-01 00:00:00+00';
      await expect(replaceAt(place, never, silent)).rejects.toMatchObject({ code: 'RESTORE_POINT' });
      expect(bench.messages()).toBe(6020);
    },
    6 * MINUTES,
  );

  it(
    'O8 the disk of the database is lost: an empty one is refused in the target, and gets the data back from there',
    async () => {
      await bench.backUp('diff');
      await bench.sidecar.call(['mark']);
      bench.sql('select pg_switch_wal()');
      await bench.sidecar.call(['drained']);
      bench.loseDatabase();
      bench.startDatabase();
      bench.startBackup();
      await expect(bench.backUp()).rejects.toMatchObject({ code: 'BACKUP_FOREIGN' });
      await replaceAt(place, 'end', silent);
      expect(bench.messages()).toBe(6020);
      await bench.backUp('diff');
    },
    8 * MINUTES,
  );

  it(
    'O8 a restore that was cut off while it switched: the database begins nothing anew, and the same restore again ends it',
    async () => {
      const messages = bench.messages();
      docker(['stop', bench.name('timescaledb')]);
      // Newer than what the restores before this one have kept.
      const cutOff = 'cluster.before-20350101T000000Z';
      bench.inBackup(`cd /var/lib/postgresql/data && mv cluster ${cutOff}`);
      try {
        docker(['start', bench.name('timescaledb')]);
        expect(docker(['wait', bench.name('timescaledb')])).toBe('1');
        expect(bench.lastWords('timescaledb')).toContain(
          `but /var/lib/postgresql/data/${cutOff}: a restore was cut off while it switched. Repeat the restore`,
        );
        await replaceAt(place, 'end', silent);
        expect(bench.messages()).toBe(messages);
      } finally {
        bench.inBackup(`cd /var/lib/postgresql/data && { [ -e cluster ] || mv ${cutOff} cluster; }`);
        docker(['start', bench.name('timescaledb')]);
        bench.waitForDatabase();
      }
      // Of what earlier restores have kept, the newest alone is left.
      expect(JSON.parse(await bench.sidecar.call(['space']))).toMatchObject({ left: [cutOff] });
    },
    6 * MINUTES,
  );

  it(
    'O8 a backup that is killed in the middle stands in the way of none that follows',
    async () => {
      const killed = bench.sidecar.call(['run', 'full']).then(
        () => 'ended by itself',
        () => 'killed',
      );
      await waitFor(
        'a backup that is under way',
        () => Promise.resolve(bench.inBackup("pgrep -f '^pgbackrest.* backup$' || true") !== ''),
        MINUTES,
      );
      docker(['kill', bench.name('backup')]);
      expect(await killed).toBe('killed');
      docker(['start', bench.name('backup')]);
      await bench.backUp();
      await bench.sidecar.call(['check']);
    },
    6 * MINUTES,
  );

  it(
    'O8 forgets what is older than it is to be kept, never the newest copy of a part, and gives that back byte for byte',
    async () => {
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      const old = (part: string, file: string) =>
        bench.inBackup(
          `export RESTIC_PASSWORD_FILE=/credentials/key; echo ${bytes.toString('base64')} | base64 -d |
          restic --no-cache -q backup --host telegram --tag ${part} --time "2026-01-01 00:00:00" --stdin --stdin-filename ${file}`,
        );
      old('manifest', 'manifest.json');
      old('redis', 'redis.rdb');
      const parts = async () => (await listBackups(bench.sidecar)).parts;
      const before = await parts();
      expect(before.some(({ at }) => at.startsWith('2026-01-01'))).toBe(true);
      await bench.backUp('diff');
      const after = await parts();
      const ids = after.map(({ id }) => id);
      expect(before.filter(({ id }) => !ids.includes(id)).map(({ at }) => at.slice(0, 10))).toEqual(['2026-01-01']);
      // Redis is not backed up any more: its only copy is old, and stays.
      expect(after.some(({ part }) => part === 'redis')).toBe(true);
      const folder = mkdtempSync(join(tmpdir(), 'part-'));
      try {
        const file = join(folder, 'redis.rdb');
        await bench.sidecar.write(['part', 'redis'], file);
        expect(readFileSync(file).equals(bytes)).toBe(true);
        expect(statSync(file).mode & 0o777).toBe(0o600);
        await expect(bench.sidecar.write(['part', 'dump'], join(folder, 'none'))).rejects.toThrow();
        expect(readdirSync(folder)).toEqual(['redis.rdb']);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
    4 * MINUTES,
  );

  it(
    'O8 another key opens nothing and changes nothing',
    async () => {
      bench.stopBackup();
      bench.startBackup({ key: 'another-key-than-that-of-the-backups' });
      await expect(bench.backUp()).rejects.toMatchObject({ code: 'BACKUP_KEY' });
      await expect(practise()).rejects.toMatchObject({ code: 'BACKUP_KEY' });
      bench.stopBackup();
      bench.startBackup();
      await bench.sidecar.call(['check']);
    },
    4 * MINUTES,
  );

  it(
    'O8 a full target and one that cannot be reached are named, and the database goes on',
    async () => {
      bench.stopBackup();
      bench.startBackup({ mounts: ['--tmpfs', '/backup:size=1m,uid=70,gid=70'], partLimitS: 5 });
      await expect(bench.backUp()).rejects.toMatchObject({ code: 'BACKUP_FULL' });
      bench.stopBackup();
      const nowhere = {
        endpoint: 'nowhere.test',
        bucket: 'b',
        region: 'r',
        prefix: '',
        accessKey: 'a',
        secretKey: 's',
      };
      const store = new BackupBench('backup', { kind: 's3', ...nowhere });
      store.adopt(bench);
      store.startBackup();
      await expect(store.backUp()).rejects.toMatchObject({ code: 'BACKUP_TARGET' });
      bench.post(1004, 1, 10);
      expect(bench.messages()).toBe(6030);
    },
    6 * MINUTES,
  );

  it(
    'O8 a database outside of the stack is dumped over the network, and the dump fills a new one as the guide says',
    async () => {
      bench.sql(`alter role postgres password '${POSTGRES_VERIFIER}'`);
      const outside = new BackupBench('backup', { kind: 'folder' }, `container:${bench.name('timescaledb')}`);
      outside.adopt(bench);
      outside.stopBackup();
      const address = { host: '127.0.0.1', port: 5432 };
      outside.startBackup({
        source: { kind: 'dump', address, database: 'telegram_gateway', user: 'postgres', tls: false },
        mounts: ['--tmpfs', '/backup:uid=70,gid=70'],
      });
      await outside.backUp();
      const { engine, database, parts } = await listBackups(outside.sidecar);
      expect({ engine, database, parts: parts.map(({ part }) => part).sort() }).toEqual({
        engine: 'dump',
        database: [],
        parts: ['dump', 'manifest', 'sessions'],
      });
      const folder = mkdtempSync(join(tmpdir(), 'dump-'));
      try {
        const file = join(folder, 'database.dump');
        await outside.sidecar.write(['part', 'dump'], file);
        bench.sql('create database restored');
        bench.sql('create extension timescaledb; select timescaledb_pre_restore()', 'restored');
        bench.inDatabase(['pg_restore', '-d', 'restored', '--exit-on-error'], readFileSync(file));
        bench.sql('select timescaledb_post_restore(); analyze', 'restored');
        expect(bench.messages('restored')).toBe(bench.messages());
        const hypertables = 'select count(*) from timescaledb_information.hypertables';
        expect(bench.sql(hypertables, 'restored')).toBe(bench.sql(hypertables));
      } finally {
        rmSync(folder, { recursive: true });
      }
      // The wrong password is told as that.
      bench.sql("alter role postgres password 'another'");
      await expect(outside.backUp()).rejects.toMatchObject({
        code: 'BACKUP_FAILED',
        details: expect.arrayContaining([expect.stringContaining('password authentication failed')]) as unknown,
      });
    },
    6 * MINUTES,
  );
});
