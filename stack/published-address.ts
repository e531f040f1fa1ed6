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
  const there = sshTo(dockerHost);
  const ports = [...new Set(services.filter(({ host }) => host.startsWith('127.')).map(({ port }) => port))];
  if (!there || ports.length === 0) return null;
  const forwards = ports.map((port) => `-L ${String(port)}:127.0.0.1:${String(port)}`);
  const [ssh, ...options] = there.command;
  return [ssh, '-N', ...options, ...forwards, there.login].join(' ');
}

/** How a person reaches the machine behind `ssh://`: the command with its options, and the login; null for any other one. */
export function sshTo(dockerHost: string): { readonly command: readonly string[]; readonly login: string } | null {
  const [, login, port] = /^ssh:\/\/([^/]+?)(?::(\d+))?(?:\/|$)/.exec(dockerHost) ?? [];
  return login === undefined ? null : { command: ['ssh', ...(port ? ['-p', port] : [])], login };
}
