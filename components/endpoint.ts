import type * as pulumi from '@pulumi/pulumi';
import type { StackContext } from './stack-context.js';

/** Where something listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * One service as seen from both sides of a container network. Who stands inside takes `inNetwork`; who stands outside (a native
 * gateway, a person, a part on another Docker host) takes `published`: `addressFor` chooses. An external engine gives the
 * same address for both.
 */
export interface Endpoint {
  readonly inNetwork: Address;
  readonly published: Address;
  /** Further Docker host in whose network it stands. @default the home host */
  readonly on?: string;
  /** Connections use TLS, and verify certificate and host name. */
  readonly tls: boolean;
  /** PEM certificates of the authorities to verify with. @default the well-known ones */
  readonly authorities?: string | undefined;
}

/** Who asks: somebody in the stack's network on one of its Docker hosts, or somebody in none of them. */
export type Viewer = Pick<StackContext, 'on'> | 'outside';

/** Whether a service is reached by its address in the network. */
export function isNear(viewer: Viewer, { on = '' }: Pick<Endpoint, 'on'>): boolean {
  return viewer !== 'outside' && viewer.on === on;
}

/** The address at which a service is reached. */
export function addressFor(viewer: Viewer, endpoint: Endpoint): Address {
  return isNear(viewer, endpoint) ? endpoint.inNetwork : endpoint.published;
}

/** Endpoint of a container of the stack, by the last number of its fixed address, with its port there and on the Docker host. */
export function endpointIn(
  stack: StackContext,
  { host, internal, external }: { readonly host: number; readonly internal: number; readonly external: number },
): Endpoint {
  return {
    inNetwork: { host: stack.address(host), port: internal },
    published: { host: stack.publishedAddress, port: external },
    ...(stack.on !== '' && { on: stack.on }),
    tls: false,
  };
}

/** A component that is ready to be used: its endpoint, and what to depend on. */
export interface Ready {
  readonly ready: pulumi.Resource[];
}
