import type * as pulumi from '@pulumi/pulumi';

/** Where something listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * One service as seen from both sides of the container network. Who stands inside (API, consumer, exporters, the dev
 * gateway host) takes `inNetwork`; who stands outside (a native gateway, a person) takes `published`. An external
 * engine gives the same address for both.
 */
export interface Endpoint {
  readonly inNetwork: Address;
  readonly published: Address;
  readonly tls: boolean;
}

export type Viewpoint = 'inNetwork' | 'published';

/** A component that is ready to be used: its endpoint, and what to depend on. */
export interface Ready {
  readonly ready: pulumi.Resource[];
}
