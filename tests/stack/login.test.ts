import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { endAll, typing } from '../support/typing.js';
import { waitFor } from '../support/services.js';
import { connection, flawless, inside, ready, smoke } from '../support/test-stack.js';

const UNIT = 'telegram-gateway.service';
const SESSION = '/opt/telegram-gateway/.session/default.session';
const BOUND_MS = 180_000;

const onHost = async (script: string): Promise<string> => inside('gateway-host', 'sh', '-c', script);
const pid = async () => onHost(`systemctl show ${UNIT} -P MainPID`);
async function status(): Promise<{ state: string; userId: string | null }> {
  const { seen, end, ended } = typing(['session', 'status', '--json']);
  end();
  await ended();
  return JSON.parse(seen.out) as { state: string; userId: string | null };
}

async function control(path: string, body: unknown): Promise<unknown> {
  const { host, port } = connection('simulator-control');
  const answer = await fetch(`http://${host}:${String(port)}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return answer.json();
}

const readyAgain = () => waitFor('the gateway is ready', async () => ready('gateway'), BOUND_MS);

describe('a login on the gateway host', () => {
  beforeAll(readyAgain, BOUND_MS);
  afterAll(endAll);

  it(
    'O9 the status names the session in use, and a logout ends it: the unit goes on and waits',
    async () => {
      expect(await status()).toMatchObject({ state: expect.stringContaining('in use'), userId: null });
      const logout = typing(['session', 'logout', '--yes']);
      logout.end();
      await logout.ended();
      expect(logout.seen).toMatchObject({ code: 0 });
      expect(await onHost(`ls ${SESSION} 2>&1 || true`)).toContain('No such file');
      expect(await onHost(`systemctl is-active ${UNIT}`)).toBe('active');
      expect(await status()).toMatchObject({ state: 'absent' });
      expect(await ready('gateway')).toBe(false);
    },
    3 * BOUND_MS,
  );

  it(
    'O9 S5 by QR code and without a terminal: the waiting unit goes on with the session, without a restart',
    async () => {
      const before = await pid();
      const login = typing(['login', '--qr']);
      login.end();
      await login.shows('tg://login?token=');
      const token = /tg:\/\/login\?token=[\w-]+/.exec(login.seen.err)?.[0];
      expect(await control('/logins/accept', { token, userId: 777 })).toEqual({ accepted: true });
      await login.ended();
      expect(login.seen).toMatchObject({ code: 0, out: '777\n' });
      await readyAgain();
      expect(await pid()).toBe(before);
      expect(await onHost(`stat -c '%a %U' ${SESSION}`)).toBe('600 telegram-gateway');
    },
    3 * BOUND_MS,
  );

  it(
    'O9 at a terminal, by number, code and password without echo; the running unit is restarted with the new session',
    async () => {
      const before = await pid();
      const login = typing(['login', '--phone', '+99966000778'], true);
      await login.shows('Make a new one in its place? [y/N]');
      login.type('y\r');
      await login.shows('Code: ');
      login.type('00000\r');
      await login.shows('That is not the code.');
      login.type('22222\r');
      await login.shows('Password (hint');
      login.seen.out = '';
      login.type('simulated password\r');
      await login.ended();
      expect(login.seen.out).toContain('✔ logged in as account 778');
      expect(login.seen.out).not.toContain('simulated password');
      expect(login.seen.code).toBe(0);
      expect(await pid()).not.toBe(before);
      expect(await onHost(`stat -c '%a %U' ${SESSION}`)).toBe('600 telegram-gateway');
      await readyAgain();
    },
    3 * BOUND_MS,
  );

  it(
    'O9 by lines of stdin; wrong ones end it with a reason and leave the session alone',
    async () => {
      const before = await onHost(`cksum ${SESSION}`);
      const wrong = typing(['login', '--replace']);
      wrong.type('99966000777\n1\n2\n3\n');
      wrong.end();
      await wrong.ended();
      expect(wrong.seen).toMatchObject({ code: 1, out: '' });
      expect(wrong.seen.err).toContain('✖ LOGIN_REFUSED 3 codes were wrong');
      expect(await onHost(`cksum ${SESSION}`)).toBe(before);
      const right = typing(['login', '--replace']);
      right.type('99966000777\n77777\n');
      right.end();
      await right.ended();
      expect(right.seen).toMatchObject({ code: 0, out: '777\n' });
      await readyAgain();
      expect(smoke(20)).toMatchObject(flawless(20));
    },
    4 * BOUND_MS,
  );
});
