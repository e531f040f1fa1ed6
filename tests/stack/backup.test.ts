/** Backup and restore of the whole running stack, which is not backed up otherwise. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import type { DrillResult } from '../../ops/backup/drill.js';
import type { BackupList } from '../../ops/backup/sidecar.js';
import { ROOT } from '../../ops/stack-folder.js';
import { rowsOf } from '../support/database.js';
import { examine, follow, ShownRed } from '../support/doctor.js';
import { guideBlocks, runBlocks } from '../support/guides.js';
import { BY_BACKUP, OF_BACKUP } from '../support/metric-names.js';
import { Prometheus, settled } from '../support/prometheus.js';
import { embeddedSecrets, sessionOnHost } from '../support/secrets/collect.js';
import { backupTells, dockerInspect, logs, processes, services, sql } from '../support/secrets/places.js';
import { Search } from '../support/secrets/search.js';
import { ProcessWatch } from '../support/secrets/watch.js';
import { waitFor } from '../support/services.js';
import {
  container,
  docker,
  flawless,
  inside,
  inspectAll,
  must,
  ready,
  run,
  smoke,
  TEST_PREFIX,
  TEST_STACK,
  TEST_STATE,
} from '../support/test-stack.js';
import { WatchedChannel } from '../support/watched-channel.js';

const MINUTES = 60_000;
const CONFIG = join(TEST_STATE, TEST_STACK, 'Pulumi.test.yaml');
const PARTS = ['manifest', 'rabbitmq', 'redis', 'sessions'];
/** Half a day away, so that no backup of the schedule comes between. */
const AT = `${String((new Date().getUTCHours() + 12) % 24).padStart(2, '0')}:00`;

/** Where the guide has the reports of drills written to. */
const DRILLS = join(ROOT, '.stack', 'drills');

const folder = mkdtempSync(join(tmpdir(), 'backup-'));
const list = () => JSON.parse(must('backup', ['list', '--json']).stdout) as BackupList;
const backupRow = () => examine().report.checks.find(({ name }) => name === 'backup');
const text = (value: string) => expect.stringContaining(value) as unknown;
const note = (words: string) => process.stderr.write(`    O8 ${words}\n`);
const drafts = async () => (await rowsOf<{ name: string }>('select name from public.draft')).map(({ name }) => name);
/** How many of the stored messages have been there for so long. */
const storedBefore = async (age: string) => {
  const text = `select count(*)::int as stored from telegram_gateway.messages where stored_at <= now() - interval '${age}'`;
  return (await rowsOf<{ stored: number }>(text))[0]?.stored ?? 0;
};
const running = async () => (await inspectAll()).map(({ Name, State }) => `${Name} ${State.StartedAt}`).sort();

describe('O8 a stack that is backed up', () => {
  let original: string;
  let channel: WatchedChannel;
  /** Of the processes of a backup and of a drill. */
  let watch: ProcessWatch | undefined;
  /** What commands said that failed. */
  const told: string[] = [];
  const helper = async () => docker('inspect', '--format', '{{.Image}}', container('gateway-host'));

  beforeAll(async () => {
    original = readFileSync(CONFIG, 'utf8');
    const document = parseDocument(original);
    document.setIn(['config', 'telegram:backup'], { enabled: true, at: AT, recoveryPointS: 5 });
    writeFileSync(CONFIG, document.toString(), { mode: 0o600 });
    must('up');
    channel = await WatchedChannel.make('backed up');
    await channel.post(50);
    await channel.caughtUp(2 * MINUTES);
  }, 8 * MINUTES);

  afterAll(async () => {
    await watch?.stop();
    await channel.close();
    rmSync(folder, { recursive: true, force: true });
    writeFileSync(CONFIG, original, { mode: 0o600 });
    must('up');
    expect(await docker('volume', 'ls', '-q', '--filter', `name=${container('backup')}`)).toBe('');
  }, 8 * MINUTES);

  it(
    'O8 is backed up by itself as soon as that is due, every part of it, and metrics and doctor tell of it',
    async () => {
      const prometheus = Prometheus.ofStack();
      const seen = await settled(
        () => prometheus.query(BY_BACKUP),
        (series) => series.length >= PARTS.length + 2,
        5 * MINUTES,
      );
      expect(seen.map(({ metric }) => metric['kind']).sort()).toEqual([...PARTS, 'database', 'retention'].sort());
      for (const kind of ['database', 'redis', 'rabbitmq'])
        expect(await prometheus.value(`telegram_backup_size_bytes{kind="${kind}"}`)).toBeGreaterThan(0);
      expect(await prometheus.value(`time() - min(${BY_BACKUP})`)).toBeLessThan(600);
      for (const metric of OF_BACKUP) expect(await prometheus.query(metric)).not.toEqual([]);
      expect((await prometheus.firing()).filter((alert) => alert.startsWith('Backup'))).toEqual([]);
      const { database, parts } = list();
      expect(database.map(({ type }) => type)).toEqual(['full']);
      expect([...new Set(parts.map(({ part }) => part))].sort()).toEqual(PARTS);
      expect(backupRow()).toMatchObject({ ok: true, detail: text('never drilled') });
    },
    6 * MINUTES,
  );

  it(
    'O8 S4 goes back to a moment: what was written by hand since is gone, and every message comes again',
    async () => {
      await rowsOf('drop table if exists public.draft');
      await rowsOf("create table public.draft as select 'before' as name");
      const [now] = await rowsOf<{ at: Date }>('select clock_timestamp() as at');
      const moment = now?.at.toISOString() ?? '';
      await rowsOf("insert into public.draft values ('after')");
      await channel.post(30);
      await channel.caughtUp(2 * MINUTES);
      const messages = (await channel.kept()).length;

      const untouched = await running();
      const { code, stderr } = run('restore', ['--at', moment]);
      expect([code, stderr]).toMatchObject([1, text('✖ RESTORE_REFUSED nothing was restored, and nothing stopped')]);
      expect(await running()).toEqual(untouched);

      const done = must('restore', ['--at', moment, '--yes']);
      note(/✔ restored.*/.exec(done.stderr)?.[0] ?? '');
      await waitFor('the gateway to be ready', async () => ready('gateway'), 3 * MINUTES);
      expect(await drafts()).toEqual(['before']);
      note(`caught up after it in ${(await channel.caughtUp(3 * MINUTES)).toFixed(1)} s`);
      expect(await channel.kept()).toHaveLength(messages);
      await rowsOf('drop table public.draft');
      // It was given the verifiers of now.
      expect(await sql("select query from pg_stat_statements where query ~* 'scram'")).toBe('[]');
      expect(smoke(20)).toMatchObject(flawless(20));
    },
    10 * MINUTES,
  );

  it(
    'O4 O8 a target that refuses is named and turns the doctor red, and what the doctor prints makes it green',
    async () => {
      await inside('backup', 'chmod', '000', '/backup/pgbackrest');
      let fix: string;
      try {
        const { code, stderr } = run('backup');
        expect([code, stderr]).toMatchObject([1, text('✖ BACKUP_TARGET the target of the backup cannot be used')]);
        told.push(stderr);
        const red = new ShownRed().of(examine(), 'backup');
        expect(red).toMatchObject({ detail: 'the last backup failed: database', fix: 'npm run backup' });
        fix = red.fix;
      } finally {
        await inside('backup', 'chmod', '750', '/backup/pgbackrest');
      }
      follow(fix);
      expect(backupRow()).toMatchObject({ ok: true, fix: null });
      expect(list().database.map(({ type }) => type)).toEqual(expect.arrayContaining(['full', 'diff']));
    },
    6 * MINUTES,
  );

  it(
    'O8 hands each part out as what its engine takes, and puts the session back on the gateway host',
    async () => {
      const place = mkdtempSync(join(folder, 'parts-'));
      const part = (name: string) => {
        must('restore', ['--part', name, '--to', join(place, name)]);
        return readFileSync(join(place, name));
      };
      expect(part('redis').subarray(0, 5).toString()).toBe('REDIS');
      const topology = JSON.parse(part('rabbitmq').toString()) as Record<string, { name: string }[]>;
      expect(topology['exchanges']?.map(({ name }) => name)).toContain('telegram.messages');
      expect(topology['queues']?.map(({ name }) => name)).toContain('telegram.consumer.default');
      expect(run('restore', ['--part', 'redis', '--to', join(place, 'redis')]).stderr).toContain('is there already');

      const digest = () => inside('gateway-host', 'sha256sum', '/opt/telegram-gateway/.session/default.session');
      const before = await digest();
      must('restore', ['--part', 'sessions', '--yes']);
      expect(await digest()).toBe(before);
    },
    4 * MINUTES,
  );

  it(
    'O8 drills: the newest backup comes back beside the stack, the same in every count and row; a half-written one does not',
    async () => {
      rmSync(DRILLS, { recursive: true, force: true });
      // What was stored in the last minute before a backup is not compared.
      await waitFor('messages a minute old', async () => (await storedBefore('1 minute')) >= 50, 2 * MINUTES);
      watch = new ProcessWatch(await helper(), `${TEST_PREFIX}watch`);
      must('backup');
      const { code: ended, outputs } = runBlocks(guideBlocks('backed-up').flatMap(([, blocks]) => blocks));
      expect({ ended, last: outputs.at(-1) }).toMatchObject({
        ended: 0,
        last: text('every byte of the target was read'),
      });
      const [report = ''] = readdirSync(DRILLS).filter((name) => name.endsWith('.json'));
      const result = JSON.parse(readFileSync(join(DRILLS, report), 'utf8')) as DrillResult;
      note(`drill of ${String(result.messages)} messages: ${result.seconds.toFixed(1)} s`);
      expect(result).toMatchObject({ good: true, differences: [] });
      expect(result.messages).toBeGreaterThanOrEqual(50);
      expect(backupRow()).toMatchObject({ ok: true, detail: expect.stringMatching(/drilled .* ago$/) as unknown });

      const file = await inside(
        'backup',
        'sh',
        '-c',
        'ls -S /backup/pgbackrest/backup/telegram/*F/bundle/* | head -n 1',
      );
      await inside('backup', 'sh', '-c', `cp ${file} /backup/whole && truncate -s -65536 ${file}`);
      try {
        const { code, stderr } = run('restore', ['--drill']);
        expect([code, stderr]).toMatchObject([1, text('✖ BACKUP_DAMAGED')]);
        told.push(stderr);
      } finally {
        await inside('backup', 'mv', '/backup/whole', file);
      }
    },
    6 * MINUTES,
  );

  it(
    'S4 no secret of the stack got anywhere by being backed up, and the key of the backup nowhere at all',
    async () => {
      const seen = (await watch?.stop()) ?? '';
      const secrets = [...embeddedSecrets(), await sessionOnHost()];
      expect(secrets.map(({ name }) => name)).toContain('secrets-backup-key');
      const search = new Search(secrets);
      search.clean([
        { name: 'processes of a backup and a drill', text: seen, shows: 'pgbackrest' },
        { name: 'errors of the backup', text: told.join('\n'), shows: 'BACKUP_DAMAGED' },
      ]);
      search.clean([...(await dockerInspect()), ...(await processes(await helper()))]);
      search.clean([...(await logs()), ...(await services()), ...(await backupTells())]);
      await search.filesOfContainers(await helper());
      process.stderr.write(`    S4 with a backup: ${search.summary}\n`);
    },
    6 * MINUTES,
  );
});
