import { isIPv4 } from 'node:net';
import { overlaps } from './subnets.js';

/** Networks that no public route leads to: RFC 1918, and the shared address space that overlays such as Tailscale use. */
export const PRIVATE_NETWORKS = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'] as const;

/** Whether an IPv4 address can be reached from private networks alone. */
export function isPrivate(address: string): boolean {
  return isIPv4(address) && PRIVATE_NETWORKS.some((network) => overlaps(network, `${address}/32`));
}
