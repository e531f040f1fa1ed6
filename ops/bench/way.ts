import { once } from 'node:events';
import { connect } from 'node:net';
import type { Address } from '../../components/endpoint.js';
import type { DockerHost } from '../../stack/docker-host.js';

/** Longest wait for a connection inside of a machine. */
const CONNECT_MS = 1_000;

/**
 * The way to a container that the stack's own containers take: its address in their network, where this machine is on it, as the
 * host of a Linux engine is. A published port of loopback leads through a process of the engine that copies every byte, which no
 * message of the stack has to pay for. Elsewhere `published`.
 */
export async function wayTo(
  docker: DockerHost,
  container: string,
  inside: number,
  published: Address,
): Promise<Address> {
  // Behind another host's engine the same address may be somebody else's.
  if (!docker.isLocal) return published;
  const [host = ''] = (await docker.docker(['inspect', '--format', ADDRESS, container])).split(' ').filter(Boolean);
  if (host === '') return published;
  const address = { host, port: inside };
  return (await connects(address)) ? address : published;
}

const ADDRESS = '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}';

async function connects(address: Address): Promise<boolean> {
  const socket = connect(address);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_MS) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
