import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listAccounts, makeAccount, mustExist, placeOf } from '../../../components/gateway-service/accounts.js';
import { readinessScript } from '../../../components/gateway-service/readiness.js';
import { loginScript, logoutScript, sessionStatusScript } from '../../../components/gateway-service/sessions.js';

const ACCOUNT = 'second';
const SETTINGS = '/etc/telegram-gateway';
const WANTED = '/etc/systemd/system/multi-user.target.wants';

let folder: string;
/** Runs a script as on a gateway host whose folder of settings, and of enabled units, is `folder`. */
const onHost = (script: string) => {
  const here = script.replaceAll(SETTINGS, folder).replaceAll(WANTED, folder);
  const { status, stdout, stderr } = spawnSync('sh', ['-eu'], { input: here, encoding: 'utf8', timeout: 30_000 });
  return { status, stdout, stderr };
};
const settingsOf = (account: string) => readFileSync(join(folder, `${account}.environment`), 'utf8');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'accounts-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('further accounts of a gateway host', () => {
  it.each([
    ['login', loginScript({ account: ACCOUNT, timeoutS: 60 })],
    ['status', sessionStatusScript(true, ACCOUNT)],
    ['logout', logoutScript(ACCOUNT)],
    ['readiness', readinessScript(ACCOUNT)],
    ['list', listAccounts()],
  ])('R13 %s is valid POSIX shell', (_, script) => {
    const { status, stderr } = spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('R13 each gets a session of its own and the next port, and keeps what it has', () => {
    writeFileSync(join(folder, 'environment'), '# Written by the stack\nA="1"\nTELEGRAM_LISTEN_PORT="4006"\n');
    for (const account of [ACCOUNT, 'third', ACCOUNT])
      expect(onHost(makeAccount(account))).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(settingsOf(ACCOUNT)).toBe(
      'TELEGRAM_SESSION_FILE="/opt/telegram-gateway/.session/second.session"\nTELEGRAM_LISTEN_PORT="4007"\n',
    );
    expect(settingsOf('third')).toContain('TELEGRAM_LISTEN_PORT="4008"\n');
  });

  it('R13 has its unit, and its settings have the last word', () => {
    expect(placeOf(ACCOUNT)).toEqual({
      unit: 'telegram-gateway@second.service',
      environment: ['/etc/telegram-gateway/environment', '/etc/telegram-gateway/second.environment'],
    });
    expect(placeOf()).toEqual({
      unit: 'telegram-gateway.service',
      environment: ['/etc/telegram-gateway/environment'],
    });
  });

  it.each(['', 'default', '../x', 'a b', "a'b", 'x'.repeat(33)])('R13 "%s" is no name of one', (name) => {
    expect(() => placeOf(name)).toThrow(RangeError);
  });

  it('R13 one that was never logged in is named, with the command that makes it', () => {
    expect(onHost(mustExist('third'))).toEqual({
      status: 1,
      stdout: '',
      stderr: 'there is no account "third" on this host; `npm run login -- --account third` makes it\n',
    });
  });

  it('R13 those that are to run are listed', () => {
    expect(onHost(listAccounts())).toEqual({ status: 0, stdout: '', stderr: '' });
    for (const name of ['third', ACCOUNT]) symlinkSync('/nowhere', join(folder, `telegram-gateway@${name}.service`));
    symlinkSync('/nowhere', join(folder, 'telegram-gateway.service'));
    expect(onHost(listAccounts()).stdout).toBe('second\nthird\n');
  });
});
