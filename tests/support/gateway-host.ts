import { GATEWAY_PATHS, GATEWAY_UNIT } from '../../runtime/contract.js';
import { waitFor } from './services.js';
import { inside } from './test-stack.js';

/** Output of a shell script on the dev gateway host, as root. */
export async function onHost(script: string): Promise<string> {
  return inside('gateway-host', 'sh', '-c', script);
}

/** One property of the gateway's unit, as systemd tells it. */
export async function property(name: string): Promise<string> {
  return onHost(`systemctl show ${GATEWAY_UNIT} -P ${name}`);
}

/** The unit has ended for good: not running, and not about to be started again. Returns the exit code. */
export async function endedForGood(): Promise<number> {
  await waitFor('the unit has failed', async () => (await property('SubState')) === 'failed', 60_000);
  return Number(await property('ExecMainStatus'));
}

/** Settings of the unit for the time of a test; an empty text takes them back. The unit is restarted. */
export async function override(settings: string): Promise<void> {
  const folder = `/run/systemd/system/${GATEWAY_UNIT}.d`;
  const write = settings === '' ? `rm -rf ${folder}` : `mkdir -p ${folder}; printf '${settings}' > ${folder}/test.conf`;
  await onHost(
    `${write}; systemctl daemon-reload; systemctl reset-failed ${GATEWAY_UNIT} 2>/dev/null; systemctl restart ${GATEWAY_UNIT}`,
  );
}

/** Command line of another gateway process beside the unit, with the unit's own settings and another health port. */
export async function anotherGateway(): Promise<string> {
  const exec = await onHost(`sed -n 's/^ExecStart=//p' ${GATEWAY_PATHS.unit}`);
  return `-p User=telegram-gateway -p EnvironmentFile=${GATEWAY_PATHS.environment} /usr/bin/env TELEGRAM_LISTEN_PORT=4999 ${exec}`;
}
