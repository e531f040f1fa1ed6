import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { ROOT } from '../../ops/stack-folder.js';
import { control } from '../support/control.js';
import { rowsOf } from '../support/database.js';
import { examine, follow, ShownRed } from '../support/doctor.js';
import { Prometheus } from '../support/prometheus.js';
import { waitFor } from '../support/services.js';
import {
  connection,
  flawless,
  inside,
  must,
  ready,
  run,
  smoke,
  TEST_STACK,
  TEST_STATE,
} from '../support/test-stack.js';
import { endAll, typing } from '../support/typing.js';
import { WatchedChannel } from '../support/watched-channel.js';

const MINUTES = 60_000;
const ACCOUNT = 'second';
const PORT = 4007;
const UNIT = `telegram-gateway@${ACCOUNT}.service`;
const CONFIG = join(TEST_STATE, TEST_STACK, 'Pulumi.test.yaml');
const GUIDE = join(ROOT, 'docs', 'guides', 'gateway-machine.md');
/** Of the simulator's account 778, as `docs/simulator.md` has them: number, code, password. */
const ANSWERS = ['99966000778', '22222', 'simulated password'];

const onHost = (script: string) => inside('gateway-host', 'sh', '-c', script);
/** What the instance says of itself; null while it does not answer. */
const readiness = async () =>
  onHost(
    `/opt/telegram-gateway/node/*/node -e 'fetch("http://127.0.0.1:${String(PORT)}/health/ready").then(async (r) => process.stdout.write(await r.text()))'`,
  ).then(
    (text) => JSON.parse(text) as { ready: boolean },
    () => null,
  );

/** The line of the guide, with the answers that it asks for. */
async function addAccount(): Promise<void> {
  const [, line = ''] =
    /runs this line -->\n\n```sh\nnpm run login -- (.*?) +#/.exec(readFileSync(GUIDE, 'utf8')) ?? [];
  expect(line).toBe(`--account ${ACCOUNT}`);
  const login = typing(['login', ...line.split(' ')]);
  login.type(`${ANSWERS.join('\n')}\n`);
  login.end();
  await login.ended();
  expect(login.seen).toMatchObject({ code: 0, out: '778\n' });
}

async function removeAccount(): Promise<void> {
  await onHost(
    `systemctl disable --now ${UNIT}; rm -f /etc/telegram-gateway/${ACCOUNT}.environment /opt/telegram-gateway/.session/${ACCOUNT}.session*`,
  );
  for (const table of ['channels', 'account_state', 'account_flood_waits', 'session_copies', 'accounts'])
    await rowsOf(`delete from telegram_gateway.${table} where account_id = $1`, [ACCOUNT]);
}

interface StatusView {
  readonly parts: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
}

/** What the status page says of the gateways, as soon as it does. */
async function gatewaysShown(): Promise<StatusView['parts']> {
  const { host, port } = connection('api');
  const ask = () =>
    fetch(`http://${host}:${String(port)}/v1/status`).then(
      async (answer) => ((await answer.json()) as StatusView).parts.filter(({ name }) => name.startsWith('gateway')),
      () => [],
    );
  return waitFor('the status page', async () => ask().then((parts) => parts.length > 0 && parts), MINUTES);
}

describe('a second account on the gateway host', () => {
  let before: string;
  /** The configuration before it named the account. */
  let named: string | undefined;
  const first = () => onHost('systemctl show telegram-gateway.service -P MainPID -P NRestarts');

  beforeAll(async () => {
    before = await first();
    await addAccount();
  }, 4 * MINUTES);
  afterAll(async () => {
    endAll();
    await removeAccount();
    if (named === undefined) return;
    writeFileSync(CONFIG, named, { mode: 0o600 });
    must('up');
  }, 6 * MINUTES);

  it(
    'R13 has a unit, a session, a port and a lease of its own, and the first one is not touched',
    async () => {
      await waitFor('the second gateway to be ready', async () => (await readiness())?.ready === true, 2 * MINUTES);
      expect(await onHost(`systemctl is-enabled ${UNIT}; systemctl is-active ${UNIT}`)).toBe('enabled\nactive');
      expect(await onHost('stat -c "%a %U %n" /opt/telegram-gateway/.session/second.session')).toBe(
        '600 telegram-gateway /opt/telegram-gateway/.session/second.session',
      );
      const leases = await rowsOf<{ account_id: string }>(
        'select account_id from telegram_gateway.account_state where lease_until > now() order by 1',
      );
      expect(leases.map(({ account_id: account }) => account)).toEqual(['default', ACCOUNT]);
      expect(await first()).toBe(before);
      expect(await ready('gateway')).toBe(true);
    },
    4 * MINUTES,
  );

  it(
    'R13 O4 its session is told by name, and the doctor sees when its gateway stops, with the command that starts it',
    async () => {
      const { stdout } = must('session', ['status', '--json', '--account', ACCOUNT]);
      expect(JSON.parse(stdout)).toMatchObject({
        file: '/opt/telegram-gateway/.session/second.session',
        state: expect.stringContaining('in use') as unknown,
      });
      const { code, stderr } = run('session', ['status', '--account', 'third']);
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringContaining('`npm run login -- --account third`') as unknown,
      });

      await onHost(`systemctl stop ${UNIT}`);
      const { detail, fix } = new ShownRed().of(examine(), 'accounts');
      expect(detail).toBe(`${ACCOUNT}: its gateway does not answer`);
      follow(fix);
      await waitFor('the second gateway to be ready', async () => (await readiness())?.ready === true, 2 * MINUTES);
      expect(examine().report.checks.find(({ name }) => name === 'accounts')).toMatchObject({
        ok: true,
        detail: `also ready: ${ACCOUNT}`,
      });
    },
    4 * MINUTES,
  );

  it(
    'R13 a channel that both are in has one owner: each message is stored and handled once',
    async () => {
      const channel = await WatchedChannel.make('of two accounts');
      try {
        await control('PUT', `/channels/${channel.id}/members/778`, { state: 'member' });
        await channel.post(40, 40);
        await channel.caughtUp(2 * MINUTES);
        const owners = await rowsOf<{ account_id: string }>(
          'select distinct account_id from telegram_gateway.messages where channel_id = $1',
          [channel.id],
        );
        const [owner] = await rowsOf<{ account_id: string }>(
          'select account_id from telegram_gateway.channels where channel_id = $1',
          [channel.id],
        );
        expect(owners).toEqual([owner]);
        expect(smoke(20)).toMatchObject(flawless(20));
      } finally {
        await channel.close();
      }
    },
    5 * MINUTES,
  );

  it(
    'R13 what new credentials and a new release do to further accounts reaches it: read again, started again',
    async () => {
      const started = () => onHost(`systemctl show ${UNIT} -P ExecMainStartTimestampMonotonic`);
      const then = await started();
      await onHost(`systemctl reload 'telegram-gateway@*.service'`);
      expect(await started()).toBe(then);
      await onHost(`systemctl try-restart 'telegram-gateway@*.service'`);
      expect(await started()).not.toBe(then);
      await waitFor('the second gateway to be ready', async () => (await readiness())?.ready === true, 2 * MINUTES);
    },
    3 * MINUTES,
  );

  it(
    'R13 M1 R9 is watched once the configuration names it: in Prometheus, on the status page, by its own log',
    async () => {
      const prometheus = Prometheus.ofStack();
      const asked = async () =>
        Object.keys(await prometheus.targets()).filter((target) => target.startsWith('gateway '));
      expect(await asked()).toHaveLength(1);
      expect((await gatewaysShown()).map(({ name }) => name)).toEqual(['gateway']);

      named = readFileSync(CONFIG, 'utf8');
      const document = parseDocument(named);
      document.setIn(['config', 'telegram:gateway', 'accounts'], [ACCOUNT]);
      writeFileSync(CONFIG, document.toString(), { mode: 0o600 });
      const gateways = await onHost(`systemctl show telegram-gateway.service ${UNIT} -P MainPID`);
      must('up');
      // It had this port before: neither gateway is started again.
      expect(await onHost(`systemctl show telegram-gateway.service ${UNIT} -P MainPID`)).toBe(gateways);

      const up = () => prometheus.query('up{job="gateway"} == 1').catch(() => []);
      const accounts = async () => (await up()).map(({ metric }) => metric['account']).sort();
      await waitFor(
        'Prometheus to ask both',
        async () => (await accounts()).join() === `default,${ACCOUNT}`,
        2 * MINUTES,
      );
      const connected = { ok: true, detail: 'connected to Telegram' };
      await waitFor(
        'the status page to show both',
        async () => (await gatewaysShown()).every(({ ok }) => ok),
        2 * MINUTES,
      );
      expect(await gatewaysShown()).toEqual([
        { name: 'gateway', ...connected },
        { name: `gateway ${ACCOUNT}`, ...connected },
      ]);

      const logged = (...words: string[]) => must('logs', ['gateway', '-n', '500', ...words]).stdout;
      const telling = `"accountId":"${ACCOUNT}"`;
      expect(logged('--account', ACCOUNT)).toContain(telling);
      expect(logged()).not.toContain(telling);
      expect(run('logs', ['api', '--account', ACCOUNT]).stderr).toContain('--account goes with `gateway` alone');
    },
    8 * MINUTES,
  );
});
