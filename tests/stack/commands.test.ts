import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../../ops/stack-folder.js';
import { examine } from '../support/doctor.js';
import { waitFor } from '../support/services.js';
import { connections, must, run, testPort } from '../support/test-stack.js';

const BOUND_MS = 120_000;

describe('commands on a running stack', () => {
  it(
    'O4 doctor --json finds every part well, and its shape is the agreed one',
    async () => {
      // What an earlier test started again may still be starting.
      const isGreen = () => Promise.resolve(examine().report.ok);
      await waitFor('a doctor without a complaint', isGreen, BOUND_MS).catch(() => undefined);
      const { code, report } = examine();
      expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
      expect([code, report.ok]).toEqual([0, true]);
      expect(report.checks.map(({ name }) => name)).toEqual(
        expect.arrayContaining(
          ['docker', 'containers', 'timescaledb', 'pgbouncer', 'redis', 'rabbitmq', 'systemd unit'].concat([
            'session',
            'gateway',
            'consumer',
            'api',
            'disk',
            'clock',
            'versions',
            'migrations',
          ]),
        ),
      );
      for (const check of report.checks) {
        expect(Object.keys(check)).toEqual(['name', 'ok', 'detail', 'fix']);
        expect(check.detail).not.toBe('');
      }
    },
    2 * BOUND_MS,
  );

  it(
    'O1 connections --json shows host and port of every service, and nothing else',
    () => {
      const list = JSON.parse(must('connections', ['--json']).stdout) as Record<string, object>;
      expect(Object.keys(list).sort()).toEqual(Object.keys(connections()).sort());
      for (const entry of Object.values(list)) expect(Object.keys(entry)).toEqual(['host', 'port']);
      expect(list['timescaledb']).toEqual({ host: '127.0.0.1', port: testPort(15_434) });
    },
    BOUND_MS,
  );

  it(
    'O1 connections --json --show-secrets adds user and password, for the API its key',
    () => {
      const { timescaledb, pgbouncer, rabbitmq, api, consumer } = connections();
      for (const login of [timescaledb, pgbouncer, rabbitmq])
        expect(login).toMatchObject({
          user: expect.stringMatching(/^(postgres|reader_[ab])$/) as unknown,
          password: expect.stringMatching(/^[A-Za-z0-9]{40}$/) as unknown,
        });
      expect(api?.key).toMatch(/^[A-Za-z0-9]{40}$/);
      expect(Object.keys(consumer ?? {})).toEqual(['host', 'port']);
    },
    BOUND_MS,
  );

  it(
    'O1 logs lists the parts, and shows the last lines of each kind',
    () => {
      const parts = must('logs').stdout.trim().split('\n');
      expect(parts).toEqual(expect.arrayContaining(['gateway', 'consumer', 'redis-sentinel-3', 'timescaledb']));
      const journal = must('logs', ['gateway', '--lines', '3']).stdout.trim().split('\n');
      expect(journal.length).toBeLessThanOrEqual(3);
      expect(journal.join('')).toContain('"service":"gateway"');
    },
    BOUND_MS,
  );

  it(
    'O1 a part that is not there is a clear error',
    () => {
      const { code, stderr, stdout } = run('logs', ['nothing']);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain('✖ USAGE there is no part "nothing"');
      expect(stderr).toContain('fix:  Run `npm run logs` for the names.');
    },
    BOUND_MS,
  );
});

describe('the runtime at its start', () => {
  const start = (env: Record<string, string>) =>
    spawnSync(process.execPath, [join(ROOT, 'dist', 'telegram.cjs'), 'consumer'], {
      encoding: 'utf8',
      timeout: 30_000,
      env: { PATH: process.env['PATH'] ?? '', ...env },
    });

  it('R12 names every wrong variable at once and ends with 64', () => {
    const { status, stdout, stderr } = start({
      TELEGRAM_LISTEN_PORT: 'many',
      TELEGRAM_DB_POOL_SIZE: '0',
      TELEGRAM_REDIS_SENTINELS: 'nowhere',
    });
    expect(status).toBe(64);
    const said = `${stdout}${stderr}`;
    for (const name of ['TELEGRAM_LISTEN_PORT', 'TELEGRAM_DB_POOL_SIZE', 'TELEGRAM_REDIS_SENTINELS'])
      expect(said).toContain(`${name}: `);
    expect(said).toContain('"code":"CONFIG_INVALID"');
  });

  it('R12 R10 a production process refuses the simulator', () => {
    const { status, stdout } = start({
      TELEGRAM_ENVIRONMENT: 'production',
      TELEGRAM_SIMULATOR_ADDRESS: '127.0.0.1:4443',
    });
    expect(status).toBe(64);
    expect(stdout).toContain('"code":"SIMULATOR_IN_PRODUCTION"');
  });

  it('R12 a credentials file that cannot be read ends it with 64', () => {
    const { status, stdout } = start({ TELEGRAM_CREDENTIALS_FILE: '/nonexistent/credentials.json' });
    expect(status).toBe(64);
    expect(stdout).toContain('"code":"CREDENTIALS_UNREADABLE"');
  });

  it(
    'R6 dlq lists, replays, and drops nothing without a yes',
    () => {
      const listing = JSON.parse(must('dlq', ['list', '--json']).stdout) as object;
      expect(listing).toEqual({ letters: expect.any(Number), failed: expect.any(Number), events: expect.any(Array) });
      // A group of which there is nothing: other tests may have left some in others.
      const nobody = ['--group', 'nobody'];
      const replayed = JSON.parse(must('dlq', ['replay', '--json', ...nobody]).stdout) as object;
      expect(replayed).toMatchObject({ replayed: 0, finished: 0 });
      const refused = run('dlq', ['drop', ...nobody]);
      expect([refused.code, refused.stderr]).toEqual([
        expect.any(Number),
        expect.stringContaining('nothing was dropped'),
      ]);
      expect(refused.code).not.toBe(0);
      expect(JSON.parse(must('dlq', ['drop', '--yes', '--json', ...nobody]).stdout)).toEqual({
        ...{ letters: 0, rows: 0, busy: 0 },
      });
      expect(run('dlq', ['list', '--limit', '0']).stderr).toContain('--limit: expected a number from 1 to 10000');
      expect(run('dlq', ['burn']).stderr).toContain('expected list, replay or drop');
    },
    2 * BOUND_MS,
  );
});
