import * as docker from '@pulumi/docker';
import * as pulumi from '@pulumi/pulumi';
import { Component } from '../components/component.js';
import { ImageCatalogue } from '../components/images.js';
import { INSTANCE_LABEL, type StackContext } from '../components/stack-context.js';
import type { StackConfig } from './config-schema.js';
import type { HostCheck, SiteCheck } from './host-check.js';
import type { Release } from './release.js';
import { addressIn } from './subnets.js';

/** The ground that components stand on, one for each Docker host: provider, network and images. */
export class Ground extends Component {
  readonly context: StackContext;

  constructor(config: StackConfig, { instance, site, facts, imageSource }: GroundCheck, release: Release) {
    const { on, host: dockerHost } = site;
    super('telegram:stack:Ground', on === '' ? 'ground' : `ground-on-${on}`);
    const provider = new docker.Provider(
      this.child('docker'),
      { host: dockerHost || 'unix:///var/run/docker.sock' },
      this.under(),
    );
    const network = this.#network(config, { instance, site }, provider);
    const { namePrefix } = config;
    const images = new ImageCatalogue({ source: imageSource, provider, dockerHost, namePrefix, on, parent: this });
    this.context = {
      namePrefix,
      instance,
      on,
      provider,
      dockerHost,
      network,
      address: (last) => addressIn(site.subnet, last),
      bindAddress: site.bindAddress,
      publishedAddress: site.publishedAddress,
      retainData: config.dataPolicy === 'retain',
      probesStart: Number.parseInt(facts.version, 10) >= 25,
      images,
      runtimeImage: images.get('runtime', release.imageContext, release.imageTag),
    };
    this.registerOutputs({});
  }

  /** Fixed addresses in the lower half, one-shot tools in the upper. */
  #network(
    { namePrefix }: StackConfig,
    { instance, site: { subnet } }: Pick<GroundCheck, 'instance' | 'site'>,
    provider: docker.Provider,
  ): docker.Network {
    return new docker.Network(
      this.child('network'),
      {
        name: `${namePrefix}telegram-network`,
        driver: 'bridge',
        labels: [{ label: INSTANCE_LABEL, value: instance }],
        ipamConfigs: [{ subnet, gateway: addressIn(subnet, 1), ipRange: `${addressIn(subnet, 128)}/25` }],
      },
      this.under({ provider, deleteBeforeReplace: true }),
    );
  }
}

/** What is known of a Docker host before anything is created there. */
interface GroundCheck extends SiteCheck {
  readonly instance: string;
}

/** The ground of each Docker host of the stack. */
export class Grounds {
  readonly #contexts: ReadonlyMap<string, StackContext>;

  constructor(config: StackConfig, { instance, sites }: HostCheck, release: Release) {
    this.#contexts = new Map(
      sites.map((check) => [check.site.on, new Ground(config, { ...check, instance }, release).context]),
    );
  }

  /** The Docker host of everything that is not placed elsewhere. */
  get home(): StackContext {
    return this.at('');
  }

  /** The further Docker hosts that something stands on. */
  get further(): StackContext[] {
    return [...this.#contexts.values()].filter(({ on }) => on !== '');
  }

  /** The Docker host of that name; empty is the home host. */
  at(on: string): StackContext {
    const found = this.#contexts.get(on);
    if (!found) throw new Error(`there is no Docker host "${on}"`);
    return found;
  }
}

/** Everything a `dependsOn` of several components comes to. */
export function allReady(...parts: readonly ({ readonly ready: pulumi.Resource[] } | null)[]): pulumi.Resource[] {
  return parts.flatMap((part) => part?.ready ?? []);
}
