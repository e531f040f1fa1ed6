import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { INSTANCE_LABEL, VERSIONS_FILE } from '../../components/stack-context.js';
import { runningStack } from '../../ops/context.js';
import { perform } from '../../ops/doctor/check.js';
import { timescaledbIn } from '../../ops/doctor/database.js';
import { versions } from '../../ops/doctor/host.js';
import { SENTINEL_MASTER } from '../../runtime/contract.js';
import { examine, follow, ShownRed, type Examination } from '../support/doctor.js';
import { clientOf, exhaustPool } from '../support/exhausted-pool.js';
import { asAdmin, openSentinel, settledPair } from '../support/redis-pair.js';
import { waitFor } from '../support/services.js';
import { container, docker, inside, inspect, run, TEST_STACK } from '../support/test-stack.js';

const MINUTES = 60_000;
const GATEWAY_UNIT = 'telegram-gateway.service';
const SESSION = '/opt/telegram-gateway/.session/default.session';

/** What the last test holds to the doctor's whole list. */
const shown = new ShownRed();

/** Until nothing is red any more: what was mended may need a moment to be ready. */
async function allGreen(): Promise<void> {
  let last = '';
  const green = () => {
    const found = examine();
    last = JSON.stringify(detailsOf(found));
    return Promise.resolve(found.report.ok);
  };
  await waitFor('a doctor without a complaint', green, 3 * MINUTES).catch((error: unknown) => {
    throw new Error(`it still complains: ${last}`, { cause: error });
  });
}

/** What each red row says: a row too many tells its reason when a test fails. */
function detailsOf({ red }: Examination): Record<string, string> {
  return Object.fromEntries(Object.entries(red).map(([name, { detail }]) => [name, detail]));
}

describe('O4 a fault that other parts do not feel', () => {
  let found: Examination;
  const pool = new AbortController();
  const emptyPath = mkdtempSync(join(tmpdir(), 'doctor-'));

  beforeAll(async () => {
    await allGreen();
    await inside('gateway-host', 'chmod', '644', SESSION);
    await exhaustPool(pool.signal);
    // The machine that asks: its clock ten seconds ahead, and an old Node.js; a disk floor that no disk reaches.
    const other =
      "data:text/javascript,const now=Date.now;Date.now=()=>now()+10000;Object.defineProperty(process.versions,'node',{value:'22.9.0'})";
    found = examine(['--disk-floor', '1000000000'], { NODE_OPTIONS: `--import "${other}"` });
  }, 6 * MINUTES);

  afterAll(() => {
    pool.abort();
    rmSync(emptyPath, { recursive: true, force: true });
  });

  it('O4 turns its own row red and no other, and the doctor ends with 1', () => {
    expect([found.code, found.report.ok]).toEqual([1, false]);
    const text = expect.any(String);
    expect(detailsOf(found)).toEqual({ clock: text, disk: text, node: text, pgbouncer: text, session: text });
  });

  it('O4 a session that others may read', async () => {
    const { detail, fix } = shown.of(found, 'session');
    expect(detail).toBe(`others may read ${SESSION}`);
    expect(fix).toBe(`docker exec ${container('gateway-host')} chmod 600 ${SESSION}`);
    follow(fix);
    expect(await inside('gateway-host', 'stat', '-c', '%a', SESSION)).toBe('600');
  });

  it('O4 a pool in which clients wait, with the role and the key to raise', () => {
    const { detail, fix } = shown.of(found, 'pgbouncer');
    expect(detail).toMatch(/^reader_[ab]: \d clients wait \d+ s, all 2 connections are busy$/);
    expect(fix).toMatch(/^raise telegram:pgbouncer\.maxServerConnections in \S+Pulumi\.test\.yaml, then `npm run up`$/);
  });

  it('O4 a disk below its floor', () => {
    const { detail, fix } = shown.of(found, 'disk');
    expect(fix).toBe('docker image prune --all && docker builder prune');
    expect(detail).toMatch(/^\d+ MiB free under \S+, expected 1000000000$/);
  });

  it('O4 a Node.js that is too old', () => {
    expect(shown.of(found, 'node')).toMatchObject({ detail: 'Node.js 22.9.0, expected 24', fix: 'npm ci' });
  });

  it('O4 a clock that is off', () => {
    const { detail, fix } = shown.of(found, 'clock');
    expect(fix).toBe('sudo timedatectl set-ntp true');
    expect(detail).toMatch(/^\d+\.\d s off the Docker host$/);
  });

  it(
    'O4 Docker that is not there: what is asked through it is red, with the command that installs and starts it',
    () => {
      const without = examine([], { PATH: emptyPath });
      const asked = ['clock', 'containers', 'disk', 'docker', 'session', 'systemd unit', 'versions'];
      expect(Object.keys(without.red)).toEqual(expect.arrayContaining(asked));
      for (const row of ['docker', 'disk'])
        expect(shown.of(without, row)).toMatchObject({
          detail: 'the `docker` command is not installed',
          fix: 'npm run up',
        });
    },
    MINUTES,
  );

  it(
    'O4 a session that is gone asks for a login',
    async () => {
      await inside('gateway-host', 'mv', SESSION, `${SESSION}.away`);
      const without = examine();
      await inside('gateway-host', 'mv', `${SESSION}.away`, SESSION);
      expect(shown.of(without, 'session')).toMatchObject({
        detail: 'no session in /opt/telegram-gateway/.session',
        fix: 'npm run login',
      });
    },
    MINUTES,
  );

  it(
    'O4 all is green again once the cause is gone',
    async () => {
      pool.abort();
      await allGreen();
    },
    4 * MINUTES,
  );
});

describe('O4 parts that stopped, were killed, or are gone', () => {
  const killed = ['redis-sentinel-3'];
  const removed = ['consumer'];
  const stopped = ['redis-sentinel-2', 'timescaledb', 'simulator', 'gateway-api', 'prometheus'];
  let found: Examination;
  beforeAll(async () => {
    await Promise.all(stopped.map((part) => docker('stop', container(part))));
    await docker('kill', ...killed.map(container));
    await docker('rm', '-f', ...removed.map(container));
    // A Sentinel takes another for down after one second.
    const sentinel = openSentinel(1);
    const isAlone = () =>
      sentinel.call('SENTINEL', 'CKQUORUM', SENTINEL_MASTER).then(
        () => false,
        (error: unknown) => String(error).includes('NOQUORUM'),
      );
    await waitFor('a Sentinel without a quorum', isAlone).finally(() => {
      sentinel.disconnect();
    });
    found = examine();
  }, 3 * MINUTES);

  it('O4 every one is named, by Docker and by its own protocol', () => {
    const said = (row: string) => shown.of(found, row).detail;
    for (const part of [...stopped, ...killed]) expect(said('containers')).toContain(`${container(part)} is exited`);
    for (const part of removed) expect(said('containers')).toContain(`${container(part)} is missing`);
    expect(said('redis')).toMatch(/redis-sentinel-1: NOQUORUM .*; redis-sentinel-2: .*ECONNREFUSED/);
    expect(said('timescaledb')).toContain('ECONNREFUSED');
    expect(said('migrations')).toContain('ECONNREFUSED');
    expect(said('gateway')).toMatch(/telegram: .*|database: .*/);
    expect(said('consumer')).toMatch(/^no answer from .*: ECONNREFUSED$/);
    expect(said('api')).toMatch(/^no answer from http:\/\/127\.0\.0\.1:\d+\/health\/ready: ECONNREFUSED$/);
    expect(said('monitoring')).toMatch(/^no answer from http:\/\/127\.0\.0\.1:\d+\/api\/v1\/query: ECONNREFUSED$/);
  });

  it('O4 every fix is the same one command', () => {
    const fixes = Object.values(found.red).map(({ fix }) => fix?.split(';')[0]);
    expect(new Set(fixes)).toEqual(new Set(['npm run up']));
  });

  it(
    'O4 which mends all of them',
    async () => {
      follow(shown.of(found, 'containers').fix);
      await allGreen();
    },
    6 * MINUTES,
  );
});

interface Fault {
  readonly what: string;
  readonly row: string;
  readonly inflict: () => Promise<unknown>;
  readonly detail: RegExp;
  readonly fix: string;
}

/** Each breaks one thing, and is mended by the very command that the doctor prints. Those of a line do not feel each other. */
const FAULTS: readonly (readonly Fault[])[] = [
  [
    {
      what: 'the unit stopped',
      row: 'systemd unit',
      inflict: () => inside('gateway-host', 'systemctl', 'stop', GATEWAY_UNIT),
      detail: /^telegram-gateway\.service is inactive \(success\)$/,
      fix: `docker exec ${container('gateway-host')} systemctl restart ${GATEWAY_UNIT}`,
    },
    {
      what: 'nobody consumes',
      row: 'rabbitmq',
      inflict: async () => {
        await docker('stop', container('consumer'));
        // The broker counts every few seconds.
        await waitFor('the count of consumers', () => Promise.resolve('rabbitmq' in examine().red), MINUTES);
      },
      detail: /^nobody consumes telegram\.consumer\.default$/,
      fix: `npm run up; if it stays so: docker restart ${container('consumer')}`,
    },
  ],
  [
    {
      what: 'a queue was deleted',
      row: 'rabbitmq',
      inflict: () =>
        inside('rabbitmq', 'rabbitmqctl', '-q', 'delete_queue', '--vhost', 'telegram', 'telegram.consumer.default'),
      detail: /^there is no queue telegram\.consumer\.default$/,
      fix: `docker restart ${container('rabbitmq')}`,
    },
    {
      what: 'a container is paused',
      row: 'containers',
      inflict: () => docker('pause', container('redis-replica')),
      detail: /redis-replica is paused$/,
      fix: `docker unpause ${container('redis-replica')}`,
    },
  ],
];

/** What is broken for a moment where the doctor looks, and put right by whoever broke it. */
describe('O4 a fault that no command of the doctor may be tried on', () => {
  const sql = async (text: string): Promise<void> => {
    const client = clientOf('timescaledb');
    await client.connect();
    await client.query(text).finally(() => client.end());
  };
  const stack = () => runningStack({ stack: TEST_STACK });
  // Prometheus is asked for the last minute, which passes while the tests before the one that looks run.
  beforeAll(async () => {
    await docker('stop', container('node-exporter'));
  }, MINUTES);

  it(
    'O4 a migration that is pending, and one whose file was edited',
    async () => {
      const record = 'telegram_gateway.schema_migrations';
      await sql(`create table public.kept as select * from ${record} where version >= 8`);
      try {
        await sql(`delete from ${record} where version = 9`);
        const pending = shown.of(examine(), 'migrations');
        await sql(`update ${record} set checksum = 'another' where version = 8`);
        const edited = shown.of(examine(), 'migrations');
        expect(pending).toMatchObject({ detail: 'pending: 09_api.sql', fix: 'npm run up' });
        expect(edited).toMatchObject({
          detail: '08_policies.sql was changed after it was applied',
          fix: 'git checkout -- sql/08_policies.sql',
        });
      } finally {
        await sql(
          `begin; delete from ${record} where version >= 8; insert into ${record} select * from public.kept; drop table public.kept; commit`,
        );
      }
      expect(examine().red['migrations']).toBeUndefined();
    },
    3 * MINUTES,
  );

  it(
    'O4 a database without the extension',
    async () => {
      await sql('create database doctor_without template template0');
      try {
        const result = await perform(timescaledbIn('doctor_without'), await stack());
        expect(result).toMatchObject({ ok: false, detail: 'the extension timescaledb is not in the database' });
        expect(shown.note(result).fix).toMatch(/^npm run backup -- list; then `npm run restore -- --at /);
      } finally {
        await sql('drop database doctor_without with (force)');
      }
    },
    MINUTES,
  );

  it(
    'O4 a part below its floor, which production may not run',
    async () => {
      const name = container('below-floor');
      const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
      const home = join(folder, basename(dirname(VERSIONS_FILE)));
      mkdirSync(home);
      writeFileSync(join(home, basename(VERSIONS_FILE)), 'redis 7.0.0 8.10.2 below\n');
      const label = `${INSTANCE_LABEL}=${name}`;
      await docker('create', '--name', name, '--label', label, '--network', 'none', (await inspect('consumer')).Image);
      try {
        await docker('cp', home, `${name}:${dirname(dirname(VERSIONS_FILE))}`);
        const own = await stack();
        const told = async (environment: string) =>
          perform(versions, { ...own, outputs: { ...own.outputs, instance: name, environment } });
        const line = 'redis 7.0.0 is below its security floor 8.10.2: fit for development, not for production';
        expect(await told('development')).toMatchObject({ ok: true, detail: `! ${line}` });
        const { ok, detail, fix } = shown.note(await told('production'));
        expect([ok, detail]).toEqual([false, line]);
        expect(fix).toMatch(/^set telegram:images to upstream in \S+Pulumi\.test\.yaml, then `npm run up`$/);
      } finally {
        await docker('rm', '-f', name);
        rmSync(folder, { recursive: true });
      }
    },
    MINUTES,
  );

  it(
    'O4 something that Prometheus has not reached for a minute',
    async () => {
      await waitFor('a minute', () => Promise.resolve('monitoring' in examine().red), 3 * MINUTES);
      const { detail, fix } = shown.of(examine(), 'monitoring');
      expect(detail).toMatch(/^no answer for a minute from node \(\S+:9100\)$/);
      expect(fix).toBe('npm run up');
      follow(fix);
      await allGreen();
    },
    6 * MINUTES,
  );

  it(
    'O4 a replica that is not let in',
    async () => {
      const { master, replica } = await settledPair();
      await asAdmin(master, 'ACL', 'SETUSER', 'replication', 'off');
      try {
        await asAdmin(master, 'CLIENT', 'KILL', 'TYPE', 'replica');
        await waitFor('the replica to lose its master', () => Promise.resolve('redis' in examine().red), MINUTES);
        const { detail, fix } = shown.of(examine(), 'redis');
        expect(detail).toMatch(new RegExp(`${replica}: slave connect`));
        expect(detail).toMatch(new RegExp(`${master}: master`));
        expect(fix).toBe('npm run up');
      } finally {
        await asAdmin(master, 'ACL', 'SETUSER', 'replication', 'on');
      }
      await allGreen();
    },
    4 * MINUTES,
  );
});

describe('O4 a fault, its row, its command', () => {
  it.each(FAULTS.map((group) => [group.map(({ what }) => what).join('; '), group] as const))(
    'O4 %s',
    async (_, group) => {
      for (const { inflict } of group) await inflict();
      const found = examine();
      for (const { row, detail, fix } of group) {
        const red = shown.of(found, row);
        expect(red.detail).toMatch(detail);
        expect(red.fix).toBe(fix);
      }
      for (const { row } of group) follow(shown.of(found, row).fix);
      await allGreen();
    },
    6 * MINUTES,
  );

  it('O4 --disk-floor that is no number is refused', () => {
    const { code, stderr } = run('doctor', ['--disk-floor', 'much']);
    expect([code, stderr.includes('✖ USAGE --disk-floor: expected a number of MiB')]).toEqual([1, true]);
  });
});

/** Shown red and mended in tests/stack/backup.test.ts, while the stack is backed up, and in second-account.test.ts. */
const ELSEWHERE = ['backup', 'accounts'];

describe('the list of the doctor', () => {
  it('O4 every row of it was shown red by a test above, with a command that can be typed', () => {
    expect([...shown.names, ...ELSEWHERE].sort()).toEqual(
      examine()
        .report.checks.map(({ name }) => name)
        .sort(),
    );
  });
});
