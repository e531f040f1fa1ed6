import { INSTANCE_LABEL } from '../components/stack-context.js';
import type { StackConfig } from './config-schema.js';
import { labelOf, type DockerContainer, type DockerNetwork, type DockerVolume } from './docker-host.js';
import { partOf, PLACEABLE, placeOf, siteName, type Site } from './sites.js';

interface Stack {
  readonly config: Pick<StackConfig, 'namePrefix'>;
  readonly instance: string;
}

/** What every name of the stack begins with. */
const beginning = (prefix: string) => `${prefix}telegram-`;

/**
 * Volumes under this stack's names that hold another stack's data: Docker would hand them over without a word. A volume
 * without the label was made by a person, who may well have put a restored copy there.
 */
export function foreignVolumes({ config, instance }: Stack, volumes: readonly DockerVolume[]): string[] {
  const found = new Map<string, string[]>();
  for (const volume of volumes) {
    const owner = labelOf(volume, INSTANCE_LABEL);
    if (!owner || owner === instance || !volume.Name.startsWith(beginning(config.namePrefix))) continue;
    found.set(owner, [...(found.get(owner) ?? []), volume.Name]);
  }
  return [...found].map(
    ([owner, names]) =>
      `name: ${counted(names, 'volume')} with the data of stack "${owner}"; take it over with telegram:instanceId: ${owner}, set telegram:namePrefix, or delete it with \`docker volume rm ${names.join(' ')}\``,
  );
}

/** What this very stack made under another prefix: under a new one it would start with empty volumes. */
export function renamed(
  { config, instance, containers }: Stack & { readonly containers: readonly DockerContainer[] },
  networks: readonly DockerNetwork[],
  volumes: readonly DockerVolume[],
): string[] {
  const own = [
    ...containers.filter((one) => labelOf(one, INSTANCE_LABEL) === instance).map(({ Names }) => Names),
    ...networks.filter(({ Labels }) => Labels?.[INSTANCE_LABEL] === instance).map(({ Name }) => Name),
    ...volumes.filter((one) => labelOf(one, INSTANCE_LABEL) === instance).map(({ Name }) => Name),
  ];
  const strays = own.filter((name) => !name.startsWith(beginning(config.namePrefix)));
  const [first] = strays;
  if (first === undefined) return [];
  const old = first.slice(0, Math.max(0, first.indexOf('telegram-')));
  return [
    `telegram:namePrefix: this stack is named "${beginning(old)}…" (${counted(strays, 'thing')}), and "${beginning(config.namePrefix)}…" would start with empty volumes; set it back to "${old}", or rename as docs/guides/stacks.md says`,
  ];
}

/** A network keeps its subnet: every container in it has its address from it. */
export function movedSubnet(
  { config, site, instance }: Stack & { readonly site: Site },
  networks: readonly DockerNetwork[],
): string[] {
  return networks
    .filter(
      ({ Name, Labels }) => Name === `${beginning(config.namePrefix)}network` && Labels?.[INSTANCE_LABEL] === instance,
    )
    .flatMap(({ IPAM }) => IPAM.Config ?? [])
    .filter(({ Subnet }) => Subnet !== undefined && Subnet !== site.subnet)
    .map(
      ({ Subnet }) =>
        `telegram:${subnetKey(site)}: the stack's network is ${Subnet ?? ''}; set it back, or run \`npm run destroy\` first (docs/guides/stacks.md says what that keeps)`,
    );
}

/**
 * Parts of this stack that stand elsewhere than the configuration says, or only their volumes: a part does not move with its data.
 * Parts that the configuration has no more are the engine's to remove.
 */
export function misplaced(
  {
    config,
    site,
    instance,
    containers,
  }: Stack & {
    readonly config: Pick<StackConfig, (typeof PLACEABLE)[number]>;
    readonly site: Site;
    readonly containers: readonly DockerContainer[];
  },
  volumes: readonly DockerVolume[],
): string[] {
  const own = [
    ...containers.filter((one) => labelOf(one, INSTANCE_LABEL) === instance).map(({ Names }) => Names),
    ...volumes.filter((one) => labelOf(one, INSTANCE_LABEL) === instance).map(({ Name }) => Name),
  ].filter((name) => name.startsWith(config.namePrefix));
  return PLACEABLE.filter((part) => config[part].kind === 'container').flatMap((part) => {
    const wanted = placeOf(config, part);
    const strays = own.filter((name) => partOf(name.slice(config.namePrefix.length)) === part);
    if (wanted === site.on || strays.length === 0) return [];
    return [
      `telegram:${part}.on: ${counted(strays, 'thing')} of it on ${siteName(site.on)}, not on ${siteName(wanted)}; set it back, or move the part with its data as docs/guides/deployment.md says`,
    ];
  });
}

/** The key of a Docker host's subnet. */
export function subnetKey({ on }: Pick<Site, 'on'>): string {
  return on === '' ? 'subnet' : `dockerHosts.${on}.subnet`;
}

/** `2 volumes (a, b)`, the names of more than three cut short. */
function counted(names: readonly string[], what: string): string {
  const listed = names.length > 3 ? [...names.slice(0, 3), '…'] : names;
  return `${String(names.length)} ${what}${names.length === 1 ? '' : 's'} (${listed.join(', ')})`;
}
