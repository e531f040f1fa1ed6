import type { StackConfig } from './config-schema.js';

type Where = Pick<StackConfig, 'bindAddress' | 'docker'>;

/**
 * Address at which somebody outside the stack's network reaches the published ports: what the config says, else the address
 * that they bind to. Nobody can connect to 0.0.0.0: that becomes the Docker host's own name, or loopback where it is this machine.
 */
export function publishedAddress({ bindAddress, docker }: Where): string {
  if (docker.address) return docker.address;
  if (bindAddress !== '0.0.0.0') return bindAddress;
  return remoteName(docker.host) ?? '127.0.0.1';
}

/** Name of the machine behind `ssh://` or `tcp://`; null for this one. */
export function remoteName(dockerHost: string): string | null {
  const [, name = ''] = /^(?:ssh|tcp):\/\/(?:[^@/]*@)?(\[[^\]]*\]|[^:/]+)/.exec(dockerHost) ?? [];
  return name === '' ? null : name;
}

/**
 * The command that brings ports which a remote Docker host publishes on its own loopback to this machine; null where they
 * can be reached as they are.
 */
export function tunnelCommand(dockerHost: string, services: readonly { host: string; port: number }[]): string | null {
  const [, login] = /^ssh:\/\/([^/]+)/.exec(dockerHost) ?? [];
  const ports = [...new Set(services.filter(({ host }) => host.startsWith('127.')).map(({ port }) => port))];
  if (!login || ports.length === 0) return null;
  const [, who = login, sshPort] = /^(.*):(\d+)$/.exec(login) ?? [];
  const forwards = ports.map((port) => `-L ${String(port)}:127.0.0.1:${String(port)}`);
  return ['ssh -N', ...(sshPort ? [`-p ${sshPort}`] : []), ...forwards, who].join(' ');
}
