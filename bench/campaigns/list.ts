import type { Timed } from '../chaos/schedule.js';
import type { How, Part, Trouble } from '../chaos/troubles.js';

type Harm = Exclude<Trouble, { on: 'world' }>;

const part = (name: Part, how: How, seconds = 0): Harm => ({
  ...{ on: 'part', kind: `${name} ${how}`, part: name, how, forMs: seconds * 1_000 },
});

/** What an operator asks "and what if …?" of, in the order in which it is done: Redis has time to settle in between. */
export const CAMPAIGNS = {
  'redis-killed': part('redis', 'kill', 8),
  'unit-killed': part('gateway', 'kill'),
  'pgbouncer-restarted': part('pgbouncer', 'restart'),
  'redis-paused': part('redis', 'pause', 8),
  'host-rebooted': part('gateway-host', 'restart'),
  'timescaledb-restarted': part('timescaledb', 'restart'),
  'redis-partitioned': part('redis', 'cut', 8),
  'rabbitmq-restarted': part('rabbitmq', 'restart'),
  'rabbitmq-out-of-disk': part('rabbitmq', 'disk', 10),
  'clock-jump': { on: 'telegram', kind: 'clockSkew', wish: { kind: 'clockSkew', offsetSeconds: 600 }, forMs: 5_000 },
} as const satisfies Readonly<Record<string, Harm>>;

export type CampaignName = keyof typeof CAMPAIGNS;
export const CAMPAIGN_NAMES = Object.keys(CAMPAIGNS) as CampaignName[];

/** One trouble after the other, with so many calm seconds before each and after the last. */
export function inTurn(
  names: readonly CampaignName[],
  calmMs: number,
): { troubles: Timed<Trouble>[]; durationMs: number } {
  let atMs = calmMs;
  const troubles = names.map((name): Timed<Trouble> => {
    const what: Harm = { ...CAMPAIGNS[name], kind: name };
    const begun = { atMs, what };
    atMs += what.forMs + calmMs;
    return begun;
  });
  return { troubles, durationMs: atMs };
}
