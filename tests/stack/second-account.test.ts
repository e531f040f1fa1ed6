import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../ops/stack-folder.js';
import { control } from '../support/control.js';
import { rowsOf } from '../support/database.js';
import { examine, follow, ShownRed } from '../support/doctor.js';
import { waitFor } from '../support/services.js';
import { flawless, inside, must, ready, run, smoke } from '../support/test-stack.js';
import { endAll, typing } from '../support/typing.js';
import { WatchedChannel } from '../support/watched-channel.js';

const MINUTES = 60_000;
const ACCOUNT = 'second';
const PORT = 4007;
const UNIT = `telegram-gateway@${ACCOUNT}.service`;
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

describe('a second account on the gateway host', () => {
  let before: string;
  const first = () => onHost('systemctl show telegram-gateway.service -P MainPID -P NRestarts');

  beforeAll(async () => {
    before = await first();
    await addAccount();
  }, 4 * MINUTES);
  afterAll(async () => {
    endAll();
    await removeAccount();
  }, 2 * MINUTES);

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
});
