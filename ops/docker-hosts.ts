import { INSTANCE_LABEL } from '../components/stack-context.js';
import { DockerHost, labelOf, type DockerContainer } from '../stack/docker-host.js';
import type { StackOutputs } from '../stack/outputs.js';

/** A container of a stack and the Docker host that it is on. */
export interface LocatedContainer extends DockerContainer {
  readonly docker: DockerHost;
}

/** The Docker hosts of a stack, and which container is where. */
export class DockerHosts {
  /** Where everything stands that is not placed elsewhere. */
  readonly home: DockerHost;
  readonly #further: readonly { readonly docker: DockerHost; readonly containers: ReadonlySet<string> }[];

  constructor({ dockerHost, further = [] }: Pick<StackOutputs, 'dockerHost' | 'further'>) {
    this.home = new DockerHost(dockerHost);
    this.#further = further.map((host) => ({
      docker: new DockerHost(host.dockerHost),
      containers: new Set(host.containers),
    }));
  }

  /** All of them, the home host first. */
  get all(): readonly DockerHost[] {
    return [this.home, ...this.#further.map(({ docker }) => docker)];
  }

  /** The Docker host of a container, by its full name. */
  at(container: string): DockerHost {
    return this.#further.find(({ containers }) => containers.has(container))?.docker ?? this.home;
  }

  /** The Docker host of the container that a `docker` command names. */
  named(command: readonly string[]): DockerHost {
    const found = command.map((word) => this.at(word)).find((docker) => docker !== this.home);
    return found ?? this.home;
  }

  /** Output of one `docker` command, on the host of the container that it names. */
  async docker(command: readonly string[], timeoutMs?: number): Promise<string> {
    return this.named(command).docker(command, timeoutMs);
  }

  /** The same as a person types it; `command` begins behind `docker`. */
  typed(container: string, command: string): string {
    return this.at(container).typed(command);
  }

  /** Every container of a stack, stopped ones too, in the order in which they start. */
  async containersOf(instance: string): Promise<LocatedContainer[]> {
    const found = await Promise.all(this.all.map(async (docker) => containersOn(docker, instance)));
    return found.flat().sort((one, other) => rank(one) - rank(other) || one.Names.localeCompare(other.Names));
  }
}

/** Containers of a stack on one Docker host, stopped ones too. Throws `DOCKER_DOWN` where it does not answer. */
export async function containersOn(docker: DockerHost, instance: string): Promise<LocatedContainer[]> {
  const all = await docker.containers().catch(async (error: unknown) => {
    await docker.facts();
    throw error;
  });
  return all
    .filter((container) => labelOf(container, INSTANCE_LABEL) === instance)
    .map((container) => ({ ...container, docker }));
}

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
