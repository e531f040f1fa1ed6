import { nodeExporterOn } from '../components/monitoring/render.js';
import type { StackConfig } from './config-schema.js';
import { publishedAddress } from './published-address.js';

/** One Docker host of a stack. */
export interface Site {
  /** Its name in `dockerHosts`; empty is the home host. */
  readonly on: string;
  /** Docker host of the command line; empty is the local daemon. */
  readonly host: string;
  readonly subnet: string;
  /** Address that published ports bind to. */
  readonly bindAddress: string;
  /** Address at which those outside its network reach them. */
  readonly publishedAddress: string;
}

/** Parts that may stand on a further Docker host. */
export const PLACEABLE = ['timescale', 'redis', 'rabbitmq'] as const;
export type Placeable = (typeof PLACEABLE)[number];
type Places = Pick<StackConfig, Placeable>;

/** The Docker host that one of the parts stands on; empty is the home host, and where it is no part of the stack. */
export function placeOf(config: Places, part: Placeable): string {
  const { [part]: chosen } = config;
  return chosen.kind === 'container' ? chosen.on : '';
}

/**
 * What decides where a container or a volume stands, by its name without the stack's prefix; null for what stays on the home
 * host. With the database go the pool in front of it and the backup, which shares its files.
 */
export function partOf(name: string): Placeable | null {
  if (/^telegram-(timescaledb|pgbouncer(?!-exporter)|backup)(-|$)/.test(name)) return 'timescale';
  if (/^telegram-redis-(?!exporter)/.test(name)) return 'redis';
  return /^telegram-rabbitmq(-|$)/.test(name) ? 'rabbitmq' : null;
}

/** The Docker host of a container, by its name without the stack's prefix; empty is the home host. */
export function siteOf(config: Places, container: string): string {
  const part = partOf(container);
  if (part) return placeOf(config, part);
  return furtherNames(config).find((on) => container === nodeExporterOn(on)) ?? '';
}

/** Names of the further Docker hosts that something stands on, sorted. */
export function furtherNames(config: Places): string[] {
  const names = PLACEABLE.map((part) => placeOf(config, part));
  return [...new Set(names)].filter((on) => on !== '').sort();
}

/** How a Docker host is called in a sentence. */
export const siteName = (on: string) => (on === '' ? 'the home host' : on);

/** The Docker host of everything that is not placed elsewhere. */
export function homeOf(config: StackConfig): Site {
  const { docker, subnet, bindAddress } = config;
  return { on: '', host: docker.host, subnet, bindAddress, publishedAddress: publishedAddress(config) };
}

/** The home host, and then every further one that has a name. */
export function namedSites(config: StackConfig): Site[] {
  const further = Object.entries(config.dockerHosts).map(([on, { host, address, subnet }]): Site => ({
    on,
    host,
    subnet,
    bindAddress: address,
    publishedAddress: address,
  }));
  return [homeOf(config), ...further.sort((one, other) => (one.on < other.on ? -1 : 1))];
}

/** The home host, and then every further one that something stands on. */
export function sitesOf(config: StackConfig): Site[] {
  const used = ['', ...furtherNames(config)];
  return namedSites(config).filter(({ on }) => used.includes(on));
}
