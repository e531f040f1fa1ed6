/** Where engines stand that no stack made: a network of their own, whose gateway's address is that of all of them. */
import type { Authority } from './issued.js';
import { docker, inspect, TEST_PREFIX, testSubnet } from './test-stack.js';

/** Begins as all that `clearLeftovers` takes away. */
export const PREFIX = `${TEST_PREFIX}external-telegram-`;
const NETWORK = `${PREFIX}network`;
const SUBNET = 4;
/** Address of every engine, for everybody. */
export const HOST = testSubnet(SUBNET, '1');
export const PASSWORD = 'not-of-the-stack';

/** Writes what came by the environment to files that only the server's user may read. */
export const TLS_FILES = `set -eu
umask 077
mkdir -p /tmp/tls
printf '%s' "$AUTHORITY" >/tmp/tls/authority.pem
printf '%s' "$CERTIFICATE" >/tmp/tls/server.pem
printf '%s' "$KEY" >/tmp/tls/server.key
`;

export interface EngineContainer {
  readonly name: string;
  /** Container of the test stack whose image it runs on, and as whose user. */
  readonly like: string;
  readonly script: string;
  /** At `HOST`, and inside the container. */
  readonly ports: readonly [outside: number, inside: number];
}

export async function makeNetwork(): Promise<void> {
  await docker('network', 'create', '--subnet', testSubnet(SUBNET), '--gateway', HOST, NETWORK);
}

export async function runEngine(
  { name, like, script, ports: [outside, inside] }: EngineContainer,
  { certificate, server }: Authority,
): Promise<void> {
  const { Image, Config } = await inspect(like);
  const texts = { AUTHORITY: certificate, CERTIFICATE: server.certificate, KEY: server.key };
  const variables = Object.entries(texts).flatMap(([key, text]) => ['--env', `${key}=${text}`]);
  const place = ['--network', NETWORK, '--hostname', name, '--network-alias', name];
  const port = ['--publish', `${HOST}:${String(outside)}:${String(inside)}`];
  const limits = ['--memory', '384m', '--memory-swap', '384m', '--shm-size', '64m', '--user', Config.User];
  const options = ['--detach', '--name', PREFIX + name, ...place, ...port, ...limits, ...variables];
  await docker('run', ...options, '--entrypoint', 'sh', Image, '-c', script);
}

/** Containers of engines that run. */
export async function runningEngines(): Promise<string[]> {
  return (await docker('ps', '--filter', `name=^${PREFIX}`, '--format', '{{.Names}}')).split('\n').sort();
}

/** Takes all of it away, data included. */
export async function removeEngines(): Promise<void> {
  const ids = await docker('ps', '-aq', '--filter', `name=^${PREFIX}`);
  if (ids !== '') await docker('rm', '-f', '-v', ...ids.split('\n'));
  const networks = await docker('network', 'ls', '-q', '--filter', `name=^${NETWORK}$`);
  if (networks !== '') await docker('network', 'rm', networks);
}
