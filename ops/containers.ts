import { INSTANCE_LABEL } from '../components/stack-context.js';
import { labelOf, type DockerContainer, type DockerHost } from '../stack/docker-host.js';

/** Order in which containers start: who needs whom. Stopping goes the other way. */
const ORDER = [
  'timescaledb',
  'redis-master',
  'redis-replica',
  'redis-sentinel',
  'rabbitmq',
  'pgbouncer',
  'simulator',
  'gateway-host',
  'gateway-api',
  'consumer',
] as const;

const rank = ({ Names }: DockerContainer) => {
  const found = ORDER.findIndex((part) => Names.includes(part));
  return found === -1 ? ORDER.length : found;
};

/** Every container of a stack, stopped ones too, in the order in which they start. */
export async function containersOf(docker: DockerHost, instance: string): Promise<DockerContainer[]> {
  const all = await docker.containers();
  return all
    .filter((container) => labelOf(container, INSTANCE_LABEL) === instance)
    .sort((one, other) => rank(one) - rank(other) || one.Names.localeCompare(other.Names));
}
