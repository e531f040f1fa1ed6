import type { StackConfig } from './config-schema.js';
import { PLACEABLE, placeOf, siteName, sitesOf } from './sites.js';
import { overlaps } from './subnets.js';

/** Whether the parts' Docker hosts exist and can stand beside each other, as lines `path: expectation`. */
export function placing(config: StackConfig): string[] {
  const unknown = unknownHosts(config);
  return unknown.length > 0 ? unknown : [...meetingSubnets(config), ...unreachableHome(config)];
}

function unknownHosts(config: StackConfig): string[] {
  const known = Object.keys(config.dockerHosts);
  return PLACEABLE.filter((part) => !['', ...known].includes(placeOf(config, part))).map(
    (part) =>
      `telegram:${part}.on: expected ${known.length === 0 ? 'a Docker host of telegram:dockerHosts, which names none' : `one of ${known.join(', ')}`}, got "${placeOf(config, part)}"`,
  );
}

/** An address says by itself in which network it is, and is never one of a network that a container takes for its own. */
function meetingSubnets(config: StackConfig): string[] {
  const sites = sitesOf(config);
  return sites.slice(1).flatMap((site, n) => {
    const path = `telegram:dockerHosts.${site.on}`;
    const taken = sites.slice(0, n + 1).find(({ subnet }) => overlaps(subnet, site.subnet));
    const inside = sites.find(({ subnet }) => overlaps(subnet, `${site.bindAddress}/32`));
    return [
      ...(taken ? [`${path}.subnet: ${site.subnet} is also that of ${siteName(taken.on)}; choose another /24`] : []),
      ...(inside ? [`${path}.address: ${site.bindAddress} is in the stack's own network ${inside.subnet}`] : []),
    ];
  });
}

/** The backup stands beside the database and copies what cache and broker hold. */
function unreachableHome(config: StackConfig): string[] {
  const on = placeOf(config, 'timescale');
  const [home] = sitesOf(config);
  if (!config.backup.enabled || on === '' || !home) return [];
  const [loopback] = [home.bindAddress, home.publishedAddress].filter((address) => address.startsWith('127.'));
  if (loopback === undefined) return [];
  return (['redis', 'rabbitmq'] as const)
    .filter((part) => config[part].kind === 'container' && placeOf(config, part) === '')
    .map(
      (part) =>
        `telegram:${part}.on: expected ${on}, or a private telegram:bindAddress: the backup on ${on} cannot reach ${loopback} of the home host`,
    );
}
