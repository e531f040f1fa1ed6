/** Backup and restore of the whole running stack, which is not backed up otherwise. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import type { DrillResult } from '../../ops/backup/drill.js';
import type { BackupList } from '../../ops/backup/sidecar.js';
import { rowsOf } from '../support/database.js';
import { examine } from '../support/doctor.js';
import { Prometheus, settled } from '../support/prometheus.js';
import { ready } from '../support/test-stack.js';
import { waitFor } from '../support/services.js';
import { container, docker, flawless, must, run, smoke, TEST_STACK, TEST_STATE } from '../support/test-stack.js';
import { WatchedChannel } from '../support/watched-channel.js';

const MINUTES = 60_000;
const CONFIG = join(TEST_STATE, TEST_STACK, 'Pulumi.test.yaml');
const PARTS = ['database', 'manifest', 'rabbitmq', 'redis', 'sessions'];

const folder = mkdtempSync(join(tmpdir(), 'backup-'));
const list = () => JSON.parse(must('backup', ['list', '--json']).stdout) as BackupList;
const backupRow = () => examine().report.checks.find(({ name }) => name === 'backup');
const now = async () => (await rowsOf<{ at: Date }>('select clock_timestamp() as at'))[0]?.at.toISOString() ?? '';
const drafts = async () => (await rowsOf<{ name: string }>('select name from public.draft')).map(({ name }) => name);

let original: string;
let channel: WatchedChannel;

beforeAll(async () => {
  original = readFileSync(CONFIG, 'utf8');
  const document = parseDocument(original);
  document.setIn(['config', 'telegram:backup'], { enabled: true, recoveryPointS: 5 });
  writeFileSync(CONFIG, document.toString(), { mode: 0o600 });
  must('up');
  channel = await WatchedChannel.make('backed up');
  await channel.post(50);
  await channel.caughtUp();
}, 8 * MINUTES);

afterAll(async () => {
  await channel.close();
  rmSync(folder, { recursive: true, force: true });
  writeFileSync(CONFIG, original, { mode: 0o600 });
  must('up');
  await docker('volume', 'ls', '-q', '--filter', `name=${container('backup')}`);
}, 8 * MINUTES);

describe('O8 a stack that is backed up', () => {
  it(
    'O8 makes the first backup by itself, of every part, and the metrics and the doctor tell of it',
    async () => {
      await settled(
        () => Promise.resolve(run('backup', ['list', '--json'])),
        ({ code, stdout }) => code === 0 && (JSON.parse(stdout) as BackupList).parts.length >= PARTS.length - 1,
        4 * MINUTES,
      );
      const { database, parts } = list();
      expect([database.map(({ type }) => type), parts.map(({ part }) => part).sort()]).toEqual([
        ['full'],
        PARTS.filter((part) => part !== 'database'),
      ]);
      const prometheus = Prometheus.ofStack();
      const seen = await settled(
        () => prometheus.query('telegram_backup_last_success_timestamp_seconds'),
        (series) => series.length > PARTS.length,
      );
      expect(seen.map(({ metric }) => metric['kind']).sort()).toEqual([...PARTS, 'retention'].sort());
      expect((await prometheus.value('telegram_backup_size_bytes{kind="redis"}')) ?? 0).toBeGreaterThan(0);
      expect(backupRow()).toMatchObject({ ok: true, detail: expect.stringContaining('never drilled') as unknown });
    },
    6 * MINUTES,
  );

  it(
    'O8 hands each part out as what its engine takes',
    () => {
      const part = (name: string) => {
        const file = join(folder, name);
        must('restore', ['--part', name, '--to', file]);
        return readFileSync(file);
      };
      expect(part('redis').subarray(0, 5).toString()).toBe('REDIS');
      const topology = JSON.parse(part('rabbitmq').toString()) as Record<string, { name: string }[]>;
      expect(topology['exchanges']?.map(({ name }) => name)).toContain('telegram.messages');
      expect(topology['queues']?.map(({ name }) => name)).toContain('telegram.consumer.default');
      must('restore', ['--part', 'sessions', '--yes']);
      expect(run('restore', ['--part', 'redis', '--to', join(folder, 'redis')]).stderr).toContain('is there already');
    },
    3 * MINUTES,
  );

  it(
    'O8 goes back to a moment: what was written by hand since is gone, and every message comes again',
    async () => {
      await rowsOf('create table public.draft (name text)');
      await rowsOf("insert into public.draft values ('before')");
      const moment = await now();
      await rowsOf("insert into public.draft values ('after')");
      await channel.post(30);
      await channel.caughtUp();
      const { code, stderr } = run('restore', ['--at', moment]);
      expect([code, stderr]).toMatchObject([1, expect.stringContaining('✖ RESTORE_REFUSED')]);
      const done = must('restore', ['--at', moment, '--yes']);
      process.stderr.write(`    O8 ${/✔ restored.*/.exec(done.stderr)?.[0] ?? ''}\n`);
      await waitFor('the gateway is ready', async () => ready('gateway'), 2 * MINUTES);
      expect(await drafts()).toEqual(['before']);
      const seconds = await channel.caughtUp(2 * MINUTES);
      process.stderr.write(`    O8 caught up after the restore in ${seconds.toFixed(1)} s\n`);
      expect(await channel.kept()).toHaveLength(80);
      await rowsOf('drop table public.draft');
      expect(smoke(20)).toMatchObject(flawless(20));
    },
    8 * MINUTES,
  );

  it(
    'O8 drills: the newest backup comes back beside the stack, the same in every count and sample',
    () => {
      must('backup');
      const result = JSON.parse(must('restore', ['--drill', '--json', '--to', folder]).stdout) as DrillResult;
      process.stderr.write(`    O8 drill of ${String(result.messages)} messages: ${result.seconds.toFixed(1)} s\n`);
      expect(result).toMatchObject({ good: true, differences: [] });
      expect(result.messages).toBeGreaterThanOrEqual(80);
      expect(backupRow()).toMatchObject({ ok: true, detail: expect.stringMatching(/drilled .* ago$/) as unknown });
    },
    6 * MINUTES,
  );
});
