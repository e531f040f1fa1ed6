import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listAccounts, makeAccount, mustExist, placeOf } from '../../../components/gateway-service/accounts.js';
import { keepAccounts, namedAccounts } from '../../../components/gateway-service/named-accounts.js';
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
/** `keepAccounts` where systemd only says what it is told, and the units in `running` run. */
const keep = (names: readonly string[], running: readonly string[] = []) => {
  const { status, stdout, stderr } = onHost(`
put() {
  cat > "$1.new"
  if cmp -s "$1.new" "$1"; then rm -f "$1.new"; else mv -f "$1.new" "$1"; changed=yes; fi
}
systemctl() {
  case "$1" in is-active) case ' ${running.map(unitOf).join(' ')} ' in *" $3 "*) return 0 ;; *) return 3 ;; esac ;; esac
  echo "$@" | tr -s ' '
}
changed=no
${keepAccounts(namedAccounts(names, 4006))}
echo "changed=$changed"`);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trim().split('\n');
};
const unitOf = (account: string) => `telegram-gateway@${account}.service`;
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

  it('R13 those that the configuration names have their ports in its order, run, and restart nobody else', () => {
    writeFileSync(join(folder, 'environment'), 'TELEGRAM_LISTEN_PORT="4006"\n');
    const units = `${unitOf(ACCOUNT)} ${unitOf('third')}`;
    expect(keep([ACCOUNT, 'third'])).toEqual([
      `stop ${unitOf(ACCOUNT)}`,
      `stop ${unitOf('third')}`,
      `enable --quiet ${units}`,
      `start --no-block ${units}`,
      'changed=no',
    ]);
    expect(settingsOf(ACCOUNT)).toBe(
      'TELEGRAM_SESSION_FILE="/opt/telegram-gateway/.session/second.session"\nTELEGRAM_LISTEN_PORT="4007"\n',
    );
    expect(settingsOf('third')).toContain('TELEGRAM_LISTEN_PORT="4008"\n');
    expect(keep([ACCOUNT, 'third'])).toEqual([`enable --quiet ${units}`, `start --no-block ${units}`, 'changed=no']);
  });

  it('R13 one that a login made gives way to one that is named, and is started again where it ran', () => {
    writeFileSync(join(folder, 'environment'), 'TELEGRAM_LISTEN_PORT="4006"\n');
    for (const account of [ACCOUNT, 'third', 'fourth']) onHost(makeAccount(account));
    expect(keep(['fourth'], [ACCOUNT])).toEqual([
      `stop ${unitOf(ACCOUNT)}`,
      `stop ${unitOf('fourth')}`,
      `enable --quiet ${unitOf('fourth')}`,
      `start --no-block ${unitOf('fourth')} ${unitOf(ACCOUNT)}`,
      'changed=no',
    ]);
    const ports = ['fourth', 'third', ACCOUNT].map((account) => /PORT="(\d+)"/.exec(settingsOf(account))?.[1]);
    expect(ports).toEqual(['4007', '4008', '4010']);
    expect(settingsOf(ACCOUNT)).toContain('/second.session"');
  });

  it('R13 a stack that names none leaves what logins made as it is', () => {
    writeFileSync(join(folder, 'environment'), 'TELEGRAM_LISTEN_PORT="4006"\n');
    onHost(makeAccount(ACCOUNT));
    expect(keep([])).toEqual(['changed=no']);
    expect(settingsOf(ACCOUNT)).toContain('"4007"');
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
