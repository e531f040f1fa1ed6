import * as docker from '@pulumi/docker';
import * as pulumi from '@pulumi/pulumi';
import { Component } from '../components/component.js';
import { ImageCatalogue } from '../components/images.js';
import { INSTANCE_LABEL, type StackContext } from '../components/stack-context.js';
import type { StackConfig } from './config-schema.js';
import type { HostCheck } from './host-check.js';
import type { Release } from './release.js';
import { publishedAddress } from './published-address.js';
import { addressIn } from './subnets.js';

/** The ground that all components stand on: Docker provider, network and images. */
export class Ground extends Component {
  readonly context: StackContext;

  constructor(config: StackConfig, host: HostCheck, release: Release) {
    super('telegram:stack:Ground', 'ground');
    const dockerHost = config.docker.host;
    const provider = new docker.Provider(
      this.child('docker'),
      { host: dockerHost || 'unix:///var/run/docker.sock' },
      this.under(),
    );
    const network = this.#network(config, host, provider);
    const { namePrefix } = config;
    const images = new ImageCatalogue({ source: host.imageSource, provider, dockerHost, namePrefix, parent: this });
    this.context = {
      namePrefix,
      instance: host.instance,
      provider,
      dockerHost,
      network,
      address: (last) => addressIn(config.subnet, last),
      bindAddress: config.bindAddress,
      publishedAddress: publishedAddress(config),
      retainData: config.dataPolicy === 'retain',
      probesStart: Number.parseInt(host.facts.version, 10) >= 25,
      images,
      runtimeImage: images.get('runtime', release.imageContext, release.imageTag),
    };
    this.registerOutputs({});
  }

  /** Fixed addresses in the lower half, one-shot tools in the upper. */
  #network(config: StackConfig, host: HostCheck, provider: docker.Provider): docker.Network {
    return new docker.Network(
      this.child('network'),
      {
        name: `${config.namePrefix}telegram-network`,
        driver: 'bridge',
        labels: [{ label: INSTANCE_LABEL, value: host.instance }],
        ipamConfigs: [
          {
            subnet: config.subnet,
            gateway: addressIn(config.subnet, 1),
            ipRange: `${addressIn(config.subnet, 128)}/25`,
          },
        ],
      },
      this.under({ provider, deleteBeforeReplace: true }),
    );
  }
}

/** Everything a `dependsOn` of several components comes to. */
export function allReady(...parts: readonly ({ readonly ready: pulumi.Resource[] } | null)[]): pulumi.Resource[] {
  return parts.flatMap((part) => part?.ready ?? []);
}
