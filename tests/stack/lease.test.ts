import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GATEWAY_PATHS, GATEWAY_UNIT } from '../../runtime/contract.js';
import { endedForGood, onHost, override, property } from '../support/gateway-host.js';
import { waitFor } from '../support/services.js';
import { ready } from '../support/test-stack.js';
import { WatchedChannel } from '../support/watched-channel.js';

const MINUTES = 60_000;
/** Units of the other machine: one that comes too early, and one that takes over. */
const EARLY = 'other-machine-early';
const OTHER = 'other-machine';

const isReady = async () => waitFor('the gateway is ready', async () => ready('gateway'), 90_000);
const journal = async (unit: string) => onHost(`journalctl -u ${unit} --no-pager -o cat -n 50`);

/**
 * A gateway as another machine would run it, with a copy of the session: it shares neither lock nor boot id with the unit, so
 * that the database alone can tell the two apart.
 */
async function onAnotherMachine(name: string): Promise<void> {
  const exec = await onHost(`sed -n 's/^ExecStart=//p' ${GATEWAY_PATHS.unit}`);
  const folder = `/tmp/${name}`;
  const session = `install -d -o telegram-gateway -m 700 ${folder}; install -o telegram-gateway -m 600 /opt/telegram-gateway/.session/default.session ${folder}/`;
  const environment = `TELEGRAM_BOOT_ID=0123456789abcdef TELEGRAM_LISTEN_PORT=4998 TELEGRAM_SESSION_FILE=${folder}/default.session`;
  const unit = `--unit=${name} -p User=telegram-gateway -p EnvironmentFile=${GATEWAY_PATHS.environment}`;
  await onHost(`${session}; systemd-run --quiet ${unit} /usr/bin/env ${environment} ${exec}`);
}

describe('two machines with one account', () => {
  let channel: WatchedChannel;
  beforeAll(async () => {
    // The unit must be able to stand still for longer than its lease, and would come back at once if it were restarted.
    await override('[Service]\\nWatchdogSec=0\\nRestartSec=100ms\\n');
    await isReady();
    channel = await WatchedChannel.make('two machines');
    await channel.post(1);
    await channel.caughtUp();
  }, 3 * MINUTES);

  afterAll(async () => {
    for (const name of [EARLY, OTHER])
      await onHost(`systemctl stop ${name}; systemctl reset-failed ${name}; rm -rf /tmp/${name}; true`);
    await override('');
    await channel.close();
    await isReady();
  }, 3 * MINUTES);

  it(
    'S5 another one is refused while the first is alive: 66, and the first goes on as if nothing had been',
    async () => {
      const pid = await property('MainPID');
      const took = performance.now();
      await onAnotherMachine(EARLY);
      const about = async (name: string) => onHost(`systemctl show ${EARLY} -P ${name}`);
      await waitFor('the other one has ended', async () => (await about('SubState')) === 'failed', 90_000);
      process.stderr.write(`    S5 refused after ${((performance.now() - took) / 1_000).toFixed(1)} s\n`);
      expect(await about('ExecMainStatus')).toBe('66');
      const said = await journal(EARLY);
      expect(said).toContain('"code":"SESSION_IN_USE"');
      // It never came as far as Telegram.
      expect(said).not.toContain('connected to Telegram');
      expect(await property('MainPID')).toBe(pid);
      await channel.post(3);
      await channel.caughtUp();
    },
    3 * MINUTES,
  );

  it(
    'S5 R2 one that stood still too long is fenced out by the other: 67, once, and it stored nothing',
    async () => {
      const pid = await property('MainPID');
      await onHost(`kill -STOP ${pid}`);
      await channel.post(20);
      await onAnotherMachine(OTHER);
      await waitFor('it is waited for', async () => (await journal(OTHER)).includes('held this account'), 60_000);
      const began = performance.now();
      process.stderr.write(`    R2 the other machine took over in ${(await channel.caughtUp(90_000)).toFixed(1)} s\n`);
      expect(performance.now() - began).toBeLessThan(90_000);
      expect(await journal(OTHER)).toContain('waiting for it to leave Telegram');
      await onHost(`kill -CONT ${pid}`);
      await channel.post(20);
      expect(await endedForGood()).toBe(67);
      expect(await property('NRestarts')).toBe('0');
      expect(await journal(GATEWAY_UNIT)).toContain('"code":"LEASE_LOST"');
      await channel.caughtUp();
      expect((await channel.kept()).every(({ events }) => events === 1)).toBe(true);
    },
    4 * MINUTES,
  );
});
