import { stackFile } from './stack-file.js';

/** A further Docker host as a stack file names it. */
export const DATA_HOST = { host: 'ssh://deploy@10.0.0.12', address: '10.0.0.12', subnet: '172.28.77.0/24' };

/** A stack file with the given parts on the further Docker host `data`. */
export function placedStack(
  file: string,
  parts: readonly ('timescale' | 'redis' | 'rabbitmq')[],
  host: typeof DATA_HOST = DATA_HOST,
): Record<string, unknown> {
  const before = stackFile(file);
  const placed = parts.map((part) => [part, { ...(before[part] as object), on: 'data' }] as const);
  return { ...before, dockerHosts: { data: host }, ...Object.fromEntries(placed) };
}
