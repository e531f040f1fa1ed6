import type { ConnectionOptions } from 'node:tls';

/**
 * What a TLS connection is verified with: PEM certificates of authorities, or the well-known ones where none are named. The
 * certificate has to be of the host that is connected to, by name or address.
 */
export function trust(authorities: string | undefined): Pick<ConnectionOptions, 'ca'> {
  return authorities === undefined ? {} : { ca: authorities };
}
