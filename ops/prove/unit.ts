import { setTimeout as delay } from 'node:timers/promises';
import { readinessScript } from '../../components/gateway-service/readiness.js';
import { GATEWAY_UNIT } from '../../runtime/contract.js';
import { gatewayHost, type GatewayHost } from '../doctor/gateway-host.js';
import { NotProven, type Figures, type Surroundings } from './step.js';

/** What `systemd-analyze security` may give at most: row S1 of the contract. */
const EXPOSURE_LIMIT = 1.3;
/** Longest wait for systemd to kill and start it, and for the gateway to be ready again, in milliseconds each. */
const BACK_MS = 180_000;
const PAUSE_MS = 1_000;

/** Scores the unit with its process running, then stops that process in its tracks: the watchdog has to bring it back. */
export async function unit({ stack }: Surroundings): Promise<Figures> {
  const host = gatewayHost(await stack());
  const exposure = await exposureOf(host);
  if (!(exposure <= EXPOSURE_LIMIT)) throw new NotProven(`${GATEWAY_UNIT} scores ${String(exposure)}`, { exposure });
  const before = await show(host);
  if (before.ActiveState !== 'active') throw new NotProven(`${GATEWAY_UNIT} is ${before.ActiveState}`);
  const began = Date.now();
  await host.run(`kill -STOP ${before.MainPID}`);
  await until('the watchdog has not brought it back', async () => {
    const { MainPID } = await show(host);
    return !['0', before.MainPID].includes(MainPID);
  });
  const killedMs = Date.now() - began;
  await until('it does not get ready again', async () => isReady(host));
  const after = await show(host);
  if (Number(after.NRestarts) !== Number(before.NRestarts) + 1)
    throw new NotProven(`it was restarted ${after.NRestarts} times, ${before.NRestarts} before it hung`);
  return {
    exposure,
    limit: EXPOSURE_LIMIT,
    watchdog: before.WatchdogUSec,
    startedAgainAfterSeconds: Math.round(killedMs / 1_000),
    readyAfterSeconds: Math.round((Date.now() - began) / 1_000),
  };
}

async function exposureOf(host: GatewayHost): Promise<number> {
  const report = await host.run(`systemd-analyze security --no-pager ${GATEWAY_UNIT}`);
  return Number(/Overall exposure level for \S+: ([\d.]+)/.exec(report)?.[1]);
}

const PROPERTIES = ['ActiveState', 'MainPID', 'NRestarts', 'WatchdogUSec'] as const;
type Shown = Readonly<Record<(typeof PROPERTIES)[number], string>>;

async function show(host: GatewayHost): Promise<Shown> {
  const text = await host.run(`systemctl show ${GATEWAY_UNIT} ${PROPERTIES.map((name) => `-p ${name}`).join(' ')}`);
  const told = Object.fromEntries(text.split('\n').map((line) => line.split('=') as [string, string]));
  return { ActiveState: '?', MainPID: '?', NRestarts: '?', WatchdogUSec: '?', ...told };
}

async function isReady(host: GatewayHost): Promise<boolean> {
  const answer = await host.run(readinessScript()).catch(() => '{}');
  return (JSON.parse(answer) as { readonly ready?: boolean }).ready === true;
}

async function until(otherwise: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + BACK_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new NotProven(`${otherwise} within ${String(BACK_MS / 1_000)} s`);
    await delay(PAUSE_MS);
  }
}
