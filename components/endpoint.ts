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
  /** Connections use TLS, and verify certificate and host name. */
  readonly tls: boolean;
  /** PEM certificates of the authorities to verify with. @default the well-known ones */
  readonly authorities?: string | undefined;
}

export type Viewpoint = 'inNetwork' | 'published';

/** A component that is ready to be used: its endpoint, and what to depend on. */
export interface Ready {
  readonly ready: pulumi.Resource[];
}
