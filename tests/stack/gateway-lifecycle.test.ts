import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Proof } from '../../ops/prove/index.js';
import { ROOT } from '../../ops/stack-folder.js';
import { anotherGateway, endedForGood, onHost, override, property } from '../support/gateway-host.js';
import { waitFor } from '../support/services.js';
import { connection, container, docker, flawless, must, ready, run, testEnvironment } from '../support/test-stack.js';

const UNIT = 'telegram-gateway.service';
const SESSION = '/opt/telegram-gateway/.session/default.session';
const ENVIRONMENT = '/etc/telegram-gateway/environment';
/** The watchdog of these tests, in seconds: the unit's own 30 would only make them longer. */
const WATCHDOG_S = 10;
const MINUTES = 60_000;

const isReady = async () => waitFor('the gateway is ready', async () => ready('gateway'), 90_000);
const journalSince = async (cursor: string) =>
  onHost(`journalctl -u ${UNIT} --no-pager -o cat --after-cursor='${cursor}'`);
const cursorNow = async () =>
  onHost('journalctl -n 1 --no-pager -o json --output-fields=__CURSOR | sed "s/.*__CURSOR\\":\\"\\([^\\"]*\\).*/\\1/"');

/** What the control API of the simulator is told to do. */
async function simulator(method: 'POST' | 'DELETE', path: string, body?: object): Promise<void> {
  const { host, port } = connection('simulator-control');
  const response = await fetch(`http://${host}:${String(port)}${path}`, {
    method,
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${String(response.status)}`);
}

async function metricsText(): Promise<string> {
  const { host, port } = connection('gateway');
  return (await fetch(`http://${host}:${String(port)}/metrics`)).text();
}

/** Messages the gateway process has received since it started. */
async function received(): Promise<number> {
  const text = await metricsText();
  const values = [...text.matchAll(/^telegram_messages_received_total(?:\{.*\})? (\d+)/gm)].map(([, value]) =>
    Number(value),
  );
  return values.reduce((sum, value) => sum + value, 0);
}

/** Posts at 50 a second and follows to the consumer, while the test goes on. */
async function smokeInBackground(count: number): Promise<{ stdout: string }> {
  const args = ['--import', 'tsx', 'ops/cli.ts', 'smoke', '--json', '--count', String(count), '--rate', '50'];
  const env = { ...process.env, NODE_OPTIONS: '', ...testEnvironment() };
  return promisify(execFile)(process.execPath, args, { cwd: ROOT, env, timeout: 3 * MINUTES });
}

beforeAll(async () => {
  await override(`[Service]\\nWatchdogSec=${String(WATCHDOG_S)}s\\nRestartSec=1s\\n`);
  await isReady();
}, 3 * MINUTES);

afterAll(async () => {
  // Whatever a failed test left behind.
  await onHost(`for f in ${SESSION} ${ENVIRONMENT}; do [ ! -f $f.kept ] || mv $f.kept $f; done`);
  await override('');
  await isReady();
}, 3 * MINUTES);

describe('S5 the unit and systemd', () => {
  it(
    'S5 `systemctl start` ends when the gateway serves, and its status is told',
    async () => {
      await onHost(`systemctl restart ${UNIT}`);
      const { host, port } = connection('gateway');
      const alive = await fetch(`http://${host}:${String(port)}/health/live`, { signal: AbortSignal.timeout(10_000) });
      expect(alive.status).toBe(200);
      await waitFor('status', async () => (await property('StatusText')).startsWith('connected'), 60_000);
    },
    2 * MINUTES,
  );

  it(
    'S1 S5 O1 a process that hangs is killed by the watchdog and started again: a step of `prove`, which scores the unit too',
    async () => {
      await isReady();
      const cursor = await cursorNow();
      const { ok, steps } = JSON.parse(must('prove', ['--steps', 'unit']).stdout) as Proof;
      expect([ok, steps]).toMatchObject([
        true,
        [{ outcome: 'proven', figures: { watchdog: `${String(WATCHDOG_S)}s` } }],
      ]);
      expect(await journalSince(cursor)).toContain('Watchdog timeout');
      await isReady();
    },
    6 * MINUTES,
  );

  it(
    'S5 N8 stops inside its deadline while messages flow, and none is lost',
    async () => {
      await isReady();
      const before = await received();
      const traffic = smokeInBackground(400);
      await waitFor('messages', async () => (await received()) > before + 20, 60_000);
      const began = performance.now();
      await onHost(`systemctl stop ${UNIT}`);
      const tookMs = performance.now() - began;
      process.stderr.write(`    S5 stop: ${(tookMs / 1000).toFixed(1)} s\n`);
      expect(await property('Result')).toBe('success');
      expect(await property('ExecMainStatus')).toBe('0');
      expect(tookMs).toBeLessThan(20_000);
      await onHost(`systemctl start ${UNIT}`);
      expect(JSON.parse((await traffic).stdout)).toMatchObject(flawless(400));
    },
    4 * MINUTES,
  );

  it(
    'S5 stops inside its deadline, by itself, while the database hangs',
    async () => {
      await docker('pause', container('timescaledb'));
      const began = performance.now();
      await onHost(`systemctl stop ${UNIT}`).finally(() => docker('unpause', container('timescaledb')));
      expect(performance.now() - began).toBeLessThan(25_000);
      expect(await property('Result')).toBe('success');
      await onHost(`systemctl start ${UNIT}`);
      await isReady();
    },
    3 * MINUTES,
  );
});

describe('S5 what a restart cannot mend is not restarted', () => {
  it(
    'S5 a wrong setting: 64, once',
    async () => {
      const cursor = await cursorNow();
      await onHost(`cp -p ${ENVIRONMENT} ${ENVIRONMENT}.kept; echo TELEGRAM_DB_POOL_SIZE=many >> ${ENVIRONMENT}`);
      await onHost(`systemctl restart ${UNIT} || true`);
      expect(await endedForGood()).toBe(64);
      expect(await property('NRestarts')).toBe('0');
      expect(await journalSince(cursor)).toContain('"code":"CONFIG_INVALID"');
      await onHost(`mv ${ENVIRONMENT}.kept ${ENVIRONMENT}; systemctl restart ${UNIT}`);
      await isReady();
    },
    3 * MINUTES,
  );

  it(
    'S5 a session that Telegram refuses: 65, once, and the journal says what to do',
    async () => {
      const cursor = await cursorNow();
      await simulator('POST', '/faults', {
        kind: 'rpcError',
        method: '*',
        code: 401,
        message: 'AUTH_KEY_UNREGISTERED',
      });
      await onHost(`systemctl restart ${UNIT} || true`);
      expect(await endedForGood().finally(() => simulator('DELETE', '/faults'))).toBe(65);
      expect(await property('NRestarts')).toBe('0');
      const said = await journalSince(cursor);
      expect(said).toContain('"code":"TELEGRAM_AUTH_FATAL"');
      expect(said).toContain('Run `npm run login`');
      const { checks } = JSON.parse(run('doctor', ['--json']).stdout) as { checks: { name: string; detail: string }[] };
      expect(checks.find(({ name }) => name === 'systemd unit')?.detail).toContain('TELEGRAM_AUTH_FATAL');
      await onHost(`systemctl restart ${UNIT}`);
      await isReady();
      expect(await metricsText()).toMatch(
        /^telegram_last_fatal_exit_timestamp_seconds\{code="TELEGRAM_AUTH_FATAL",reason="AUTH_KEY_UNREGISTERED"\} /m,
      );
    },
    3 * MINUTES,
  );

  it(
    'S5 a session that another gateway holds: 66, in either order, though the unit sees no other process',
    async () => {
      const another = await anotherGateway();
      const second = await onHost(`systemd-run --quiet --wait --collect ${another}; echo $?`);
      expect(second).toBe('66');
      await onHost(`systemctl stop ${UNIT}; systemd-run --quiet --unit=other-gateway ${another}`);
      await waitFor('the other one holds it', async () => (await onHost(`ls ${SESSION}.lock || true`)) !== '', 60_000);
      await onHost(`systemctl start ${UNIT} || true`);
      expect(await endedForGood()).toBe(66);
      expect(await property('NRestarts')).toBe('0');
      await onHost(`systemctl stop other-gateway; systemctl restart ${UNIT}`);
      await isReady();
    },
    4 * MINUTES,
  );

  it(
    'S5 without a session it runs, is not ready, says what it waits for, and takes the session when it is there',
    async () => {
      await onHost(`mv ${SESSION} ${SESSION}.kept; systemctl restart ${UNIT}`);
      const { host, port } = connection('gateway');
      const url = `http://${host}:${String(port)}/health/ready`;
      const readiness = async () => fetch(url, { signal: AbortSignal.timeout(10_000) });
      await waitFor('reason', async () => (await (await readiness()).text()).includes('npm run login'), 60_000);
      expect((await readiness()).status).toBe(503);
      expect(await property('ActiveState')).toBe('active');
      await waitFor('status', async () => (await property('StatusText')).includes('npm run login'), 60_000);
      const pid = await property('MainPID');
      await onHost(`mv ${SESSION}.kept ${SESSION}`);
      await isReady();
      expect(await property('MainPID')).toBe(pid);
    },
    3 * MINUTES,
  );
});
