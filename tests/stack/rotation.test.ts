import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { StackFolder } from '../../ops/stack-folder.js';
import { activeSlot } from '../../stack/rotation.js';
import { askDatabase, askPooler } from '../support/logins.js';
import { RotationRun, identity, refusedOf, rotate } from '../support/rotation-run.js';
import { embeddedPasswords } from '../support/secrets/collect.js';
import { waitFor } from '../support/services.js';
import { Traffic } from '../support/traffic.js';
import {
  connection,
  container,
  docker,
  flawless,
  inside,
  must,
  run,
  smoke,
  start,
  TEST_STACK,
} from '../support/test-stack.js';

const MINUTES = 60_000;
const folder = new StackFolder(TEST_STACK);
let rotation: RotationRun;

beforeAll(async () => {
  rotation = new RotationRun(folder, embeddedPasswords);
  await rotation.perform();
  process.stderr.write(`    O5 ${rotation.summary}\n`);
}, 20 * MINUTES);
afterAll(() => rotation.traffic.stop());

describe('two rotations in a row', () => {
  it('O5 fail not one request of any client', () => {
    const { failures, requests } = rotation.traffic;
    expect(failures).toEqual([]);
    expect(Object.entries(requests).filter(([, n]) => n < 10)).toEqual([]);
  });

  it(
    'O5 lose no message: each is stored, published and handled once',
    async () => {
      const { posts } = rotation;
      expect(posts.receipts.length).toBeGreaterThan(100);
      const all = async () => (await posts.missing()).length === 0;
      await waitFor('the last message', all, 2 * MINUTES).catch(() => undefined);
      expect(await posts.missing()).toEqual([]);
    },
    3 * MINUTES,
  );

  it('O5 restart nothing: containers, unit and the connection to Telegram are the same', () => {
    expect(rotation.after).toEqual(rotation.before);
  });

  it('O5 leave the former logins valid after the first step', () => {
    expect(rotation.stillAccepted).toEqual(rotation.former.map(({ name }) => name));
  });

  it('O5 were tried with every password that the stack made, and of these only the superuser has no second slot', () => {
    expect(rotation.untried).toEqual([]);
    expect(rotation.former.length).toBeGreaterThanOrEqual(35);
    expect(rotation.refusedAtOnce).toEqual(['postgres']);
  });

  it(
    'O5 leave no former login valid after the second',
    async () => {
      const { superuser, former } = rotation;
      const all = [...(superuser ? [superuser] : []), ...former];
      expect(await refusedOf(all)).toEqual(['postgres', ...former.map(({ name }) => name)]);
    },
    2 * MINUTES,
  );

  it(
    'O5 give every process other credentials, and accept both API keys',
    async () => {
      const { told, former, epoch } = rotation;
      expect(Object.values(told).map((credentials) => credentials.epoch)).toEqual(Array(3).fill(epoch + 2));
      const now = JSON.stringify(Object.values(told));
      expect(former.filter(({ password }) => now.includes(password))).toEqual([]);
      expect(told.api.apiKeys).toHaveLength(2);
      expect(told.api.apiKeys).toContain(connection('api').key);
      for (const service of ['gateway', 'consumer', 'api']) {
        const { host, port } = connection(service);
        const text = await (await fetch(`http://${host}:${String(port)}/metrics`)).text();
        expect(text).toMatch(new RegExp(`^telegram_credential_epoch ${String(epoch + 2)}$`, 'm'));
      }
    },
    MINUTES,
  );

  it(
    'O5 leave no connection open on the former slot',
    async () => {
      const slot = activeSlot(rotation.epoch + 1);
      const { user = '', password = '' } = connection('timescaledb');
      const sessions = () =>
        askDatabase(
          { user, password },
          { service: 'timescaledb', database: 'telegram_gateway' },
          `select usename from pg_stat_activity where usename like '%\\_${slot}'`,
        );
      // PgBouncer lets go of a server connection that nobody asked for within a minute.
      await waitFor('the last server connection', async () => (await sessions()).length === 0, 3 * MINUTES);
      const users = (await inside('rabbitmq', 'rabbitmqctl', '--quiet', 'list_connections', 'user')).split('\n');
      expect(users.filter((name) => name.endsWith(`_${slot}`))).toEqual([]);
      expect(users.filter((name) => /^(gateway|consumer)_/.test(name)).length).toBeGreaterThanOrEqual(2);
    },
    4 * MINUTES,
  );

  it(
    'O5 say what they did and how long it took, and leave nothing to do',
    () => {
      const { steps, epoch } = rotation;
      steps.forEach(({ stderr }, n) => {
        const [from, to] = [String(epoch + n), String(epoch + n + 1)];
        expect(stderr).toContain(
          `• credentials: epoch ${from} → ${to}, slot ${activeSlot(epoch + n + 1)} comes into use; engine: embedded\n`,
        );
        expect(stderr).toMatch(new RegExp(`^✔ epoch ${to} complete in [\\d.]+ (s|min)`, 'm'));
        expect(stderr).toMatch(
          /^✔ rotated in .*; the former passwords stay valid until the next step, but for those of the superuser postgres( and Grafana's admin)?$/m,
        );
        expect(stderr).not.toMatch(/ Container /);
      });
      expect(must('up').stderr).toContain('✔ no changes');
    },
    3 * MINUTES,
  );
});

/** Clients of one login that keep their server connections busy for as long as they are asked to. */
function saturate(traffic: Traffic, process: 'gateway' | 'consumer'): void {
  for (const credentials of [rotation.told, rotation.toldBetween]) {
    const login = credentials[process].database;
    if (!login) throw new Error(`${process} has no login for the database`);
    for (let n = 0; n < 10; n++)
      traffic.client(`${login.user} ${String(n)}`, 0, () => askPooler(process, login, 'select pg_sleep(0.5)'));
  }
}

describe('while both logins of a client work', () => {
  const busy = new Traffic();
  afterEach(() => busy.stop());

  it(
    'O5 D2 gateway and consumer, asking for all they can get, do not keep the others out',
    async () => {
      saturate(busy, 'gateway');
      saturate(busy, 'consumer');
      const stats = connection('pgbouncer-admin');
      const pools = async () =>
        (await askDatabase(
          { user: stats.user ?? '', password: stats.password ?? '' },
          { service: 'pgbouncer', database: 'pgbouncer' },
          'show pools',
        )) as { database: string; user: string; cl_waiting: string | number; sv_active: string | number }[];
      const waiting = async () =>
        (await pools()).filter(
          ({ database, cl_waiting: n }) => ['gateway', 'consumer'].includes(database) && Number(n) > 0,
        );
      await waitFor('clients that wait, of both logins of both', async () => (await waiting()).length === 4, MINUTES);

      const small = new Traffic();
      const api = rotation.told.api.database;
      const { user = '', password = '' } = connection('pgbouncer');
      small.client('api', 50, () => askPooler('api', api ?? { user: '', password: '' }));
      small.client('reader', 50, () => askPooler('reader', { user, password }));
      const answered = () => Promise.resolve(Object.values(small.requests).every((n) => n >= 10));
      // Kept out, each would be given up after ten seconds.
      await waitFor('ten answers each', answered, MINUTES).finally(() => small.stop());
      process.stderr.write(`    O5 answered meanwhile: ${JSON.stringify(small.requests)}\n`);
      expect(small.failures).toEqual([]);
      const active = (await pools()).map(({ sv_active: n }) => Number(n)).reduce((sum, n) => sum + n, 0);
      expect(active).toBeLessThanOrEqual(20);
    },
    5 * MINUTES,
  );
});

describe('a step that would cut somebody off', () => {
  let now: number;
  beforeAll(() => {
    now = folder.credentialEpoch;
  });
  afterEach(() => {
    folder.credentialEpoch = now;
  });

  const record = () => ['begun', 'completed'].map((stage) => container(`credential-epoch-${String(now)}-${stage}`));

  it.each([
    ['lower', -1, 'is below the completed', 'the record stands'],
    ['higher by two', 2, 'skips from', 'the record stands'],
    ['lower', -1, 'is below the completed', 'the record is gone'],
    ['higher by two', 2, 'skips from', 'the record is gone'],
  ])(
    'O5 an epoch that is %s is refused with the reason, and nothing is touched (%s %s; %s)',
    async (_, by, reason, state) => {
      if (state === 'the record is gone') await docker('volume', 'rm', '-f', ...record());
      const before = await identity();
      folder.credentialEpoch = now + by;
      const { code, stdout, stderr } = run('up');
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain('✖ PREFLIGHT ');
      expect(stderr).toContain(`telegram:credentialEpoch: ${String(now + by)} ${reason} ${String(now)}`);
      expect(stderr).not.toMatch(/^ {2}(create|update|replace|delete) /m);
      expect(await identity()).toEqual(before);
    },
    2 * MINUTES,
  );

  it(
    'O5 an `up` puts back a record that is gone',
    async () => {
      expect(must('up').stderr).toContain('✔ 2 create, ');
      const names = await docker('volume', 'ls', '-q', '--filter', `name=^${container('credential-epoch-')}`);
      expect(names.split('\n')).toHaveLength(2);
    },
    3 * MINUTES,
  );
});

describe('a rotation that is interrupted', () => {
  it(
    'O5 can only be finished, which the next `rotate` does; with --both two more steps follow',
    async () => {
      const epoch = folder.credentialEpoch;
      const interrupted = start('rotate');
      await interrupted.said('update   Command telegram-migrations-roles');
      interrupted.kill('SIGINT');
      const { code, stderr } = await interrupted.ended;
      expect(code).not.toBe(0);
      expect(stderr).toContain(`! epoch ${String(epoch + 1)} is not complete; \`npm run rotate\` goes on with it`);
      expect(smoke(20)).toMatchObject(flawless(20));

      folder.credentialEpoch = epoch;
      const back = run('up');
      expect(back.code).toBe(1);
      expect(back.stderr).toContain(
        `telegram:credentialEpoch: ${String(epoch)} is not ${String(epoch + 1)}, which has begun`,
      );

      const { stderr: said } = await rotate('--both');
      for (const step of [1, 2, 3]) expect(said).toContain(`✔ epoch ${String(epoch + step)} complete in `);
      expect(said).toMatch(/^✔ rotated in .*; no password from before these 3 steps is accepted any more$/m);
      expect(folder.credentialEpoch).toBe(epoch + 3);
      expect(smoke(20)).toMatchObject(flawless(20));
      expect(run('doctor').code).toBe(0);
    },
    10 * MINUTES,
  );
});

describe('an epoch that was raised by hand', () => {
  it(
    'O5 is a rotation too: `up` takes the step',
    () => {
      const epoch = folder.credentialEpoch;
      folder.credentialEpoch = epoch + 1;
      must('up');
      expect(smoke(20)).toMatchObject(flawless(20));
      expect(must('rotate').stderr).toContain(`✔ epoch ${String(epoch + 2)} complete in `);
    },
    5 * MINUTES,
  );
});
