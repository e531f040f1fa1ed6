import { beforeAll, describe, expect, it } from '@jest/globals';
import { waitFor } from '../support/services.js';
import { flawless, inside, ready, smoke } from '../support/test-stack.js';

const UNIT = 'telegram-gateway.service';
const ROOT = '/opt/telegram-gateway';

const onHost = async (script: string): Promise<string> => inside('gateway-host', 'sh', '-c', script);
const property = async (name: string): Promise<string> => onHost(`systemctl show ${UNIT} -P ${name}`);

/** Contract of row S1. */
const EXPOSURE_LIMIT = 1.3;

describe('the gateway under systemd', () => {
  let unit: string;
  beforeAll(async () => {
    unit = await onHost(`cat /etc/systemd/system/${UNIT}`);
  });

  it.each([
    'User=telegram-gateway',
    'Restart=on-failure',
    'RestartSec=10s',
    'SyslogIdentifier=telegram-gateway',
    'PrivateTmp=yes',
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    'Type=notify',
    'WatchdogSec=30s',
    'RestartPreventExitStatus=64 65 66 67',
  ])('S1 S5 its unit says %s', (line) => {
    expect(unit.split('\n')).toContain(line);
  });

  it(`S1 systemd-analyze security gives at most ${String(EXPOSURE_LIMIT)}`, async () => {
    const report = await onHost(`systemd-analyze security --no-pager ${UNIT}`);
    const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(report)?.[1]);
    process.stderr.write(`    S1 exposure: ${String(exposure)}\n`);
    expect(exposure).toBeLessThanOrEqual(EXPOSURE_LIMIT);
  });

  it('S1 S6 runs as its own user, by systemd, and comes up with the host', async () => {
    expect(await property('ActiveState')).toBe('active');
    expect(await property('UnitFileState')).toBe('enabled');
    const pid = await property('MainPID');
    expect(await onHost(`stat -c %U /proc/${pid}`)).toBe('telegram-gateway');
    expect(await onHost('cat /proc/1/comm')).toBe('systemd');
  });

  it('S2 the session is for its owner alone', async () => {
    expect(await onHost(`stat -c '%a %U' ${ROOT}/.session`)).toBe('700 telegram-gateway');
    expect(await onHost(`stat -c '%a %U' ${ROOT}/.session/default.session`)).toBe('600 telegram-gateway');
    expect(await onHost(`find ${ROOT}/.session -type f ! -perm 600`)).toBe('');
  });

  it('S3 the release is a folder by its hash behind the link `current`, Node shipped along', async () => {
    const current = await onHost(`readlink ${ROOT}/current`);
    expect(current).toMatch(/^releases\/[0-9a-f]{12}$/);
    expect(await onHost(`ls ${ROOT}/${current}`)).toContain('telegram.cjs');
    expect(await onHost(`${ROOT}/node/*/node --version`)).toMatch(/^v24\./);
    expect(await onHost('command -v node npm || echo none')).toBe('none');
    expect(await onHost(`ls ${ROOT}/staging`)).toBe('');
  });

  it('S4 environment and credentials are 0600, and the environment holds no secret', async () => {
    expect(await onHost("stat -c '%a %U' /etc/telegram-gateway/environment")).toBe('600 root');
    const file = `${ROOT}/credentials/credentials.json`;
    expect(await onHost(`stat -c '%a %U' ${file}`)).toBe('600 telegram-gateway');
    expect(await onHost(`stat -c %a ${ROOT}/credentials`)).toBe('700');
    const { database, redis, rabbitmq } = JSON.parse(await onHost(`cat ${file}`)) as Record<
      'database' | 'redis' | 'rabbitmq',
      { password: string }
    >;
    const environment = await onHost('cat /etc/telegram-gateway/environment');
    for (const { password } of [database, redis, rabbitmq]) expect(environment).not.toContain(password);
  });
});

describe('the gateway killed', () => {
  let before: { pid: string; restarts: number };
  let backMs: number;
  beforeAll(async () => {
    before = { pid: await property('MainPID'), restarts: Number(await property('NRestarts')) };
    await onHost(`kill -9 ${before.pid}`);
    const killed = performance.now();
    await waitFor('another process', async () => !['0', before.pid].includes(await property('MainPID')), 60_000);
    await waitFor('the gateway is ready', async () => ready('gateway'), 60_000);
    backMs = performance.now() - killed;
  }, 150_000);

  it('S5 N6 systemd starts it again, and it finds its place', async () => {
    process.stderr.write(`    N6 gateway back after SIGKILL: ${(backMs / 1000).toFixed(1)} s\n`);
    expect(Number(await property('NRestarts'))).toBe(before.restarts + 1);
    expect(await property('ActiveState')).toBe('active');
    expect(backMs).toBeLessThan(60_000);
  });

  it('S5 messages flow as before', () => {
    expect(smoke(50)).toMatchObject(flawless(50));
  }, 120_000);
});
