import { setTimeout as delay } from 'node:timers/promises';
import { GATEWAY_UNIT } from '../../runtime/contract.js';
import type { How, Part } from './troubles.js';

/** How a run reaches the stack that it troubles. */
export interface Access {
  /** Output of one `docker` command, on the Docker host of the container that it names. */
  readonly docker: (args: readonly string[]) => Promise<string>;
  /** Runs a script as root on the gateway host. */
  readonly onGateway: (script: string) => Promise<string>;
  /** Begins the name of every container. */
  readonly namePrefix: string;
}

/** Containers and the unit of a stack, and the harm that can be done to them. Whatever is begun is taken back. */
export class Parts {
  readonly #undo = new Map<symbol, () => Promise<unknown>>();

  constructor(private readonly access: Access) {}

  /** Resolves when the trouble is over; what was harmed may then still be on its way back. */
  async harm(part: Part, how: How, forMs: number): Promise<void> {
    if (part === 'gateway') await this.#harmUnit(how, forMs);
    else await this.#harmContainer(await this.#container(part), how, forMs);
  }

  /** Takes back what an interrupted run left. */
  async restore(): Promise<void> {
    const left = await Promise.allSettled([...this.#undo.values()].map((undo) => undo()));
    this.#undo.clear();
    await this.access.onGateway(`systemctl start ${GATEWAY_UNIT}`);
    for (const one of left) if (one.status === 'rejected') throw one.reason;
  }

  async #harmUnit(how: How, forMs: number): Promise<void> {
    const signal = (name: string) => this.access.onGateway(`systemctl kill -s ${name} ${GATEWAY_UNIT}`);
    if (how === 'kill') await signal('KILL');
    else if (how === 'pause')
      await this.#during(
        forMs,
        () => signal('STOP'),
        () => signal('CONT'),
      );
    else await this.access.onGateway(`systemctl restart ${GATEWAY_UNIT}`);
  }

  async #harmContainer(name: string, how: How, forMs: number): Promise<void> {
    const { docker } = this.access;
    switch (how) {
      case 'restart':
        await docker(['restart', name]);
        return;
      case 'kill':
        await this.#during(
          forMs,
          () => docker(['kill', name]),
          () => docker(['start', name]),
        );
        return;
      case 'pause':
        await this.#during(
          forMs,
          () => docker(['pause', name]),
          () => docker(['unpause', name]),
        );
        return;
      case 'disk':
        await this.#fillBroker(name, forMs);
        return;
      case 'cut':
        for (const way of await this.#waysOf(name))
          await this.#during(
            forMs,
            () => docker(['network', 'disconnect', way.network, name]),
            () => docker(['network', 'connect', ...way.options, way.network, name]),
          );
    }
  }

  /** For the broker a disk is full when less is free than it wants: it is told to want more than any disk has. */
  async #fillBroker(name: string, forMs: number): Promise<void> {
    const control = (...words: string[]) => this.access.docker(['exec', name, 'rabbitmqctl', '--quiet', ...words]);
    const limit = (await control('eval', 'rabbit_disk_monitor:get_disk_free_limit().')).trim();
    await this.#during(
      forMs,
      () => control('set_disk_free_limit', '1000000GB'),
      () => control('set_disk_free_limit', limit),
    );
  }

  async #during(forMs: number, begin: () => Promise<unknown>, end: () => Promise<unknown>): Promise<void> {
    const key = Symbol();
    await begin();
    this.#undo.set(key, end);
    await delay(forMs);
    // Until it has succeeded, `restore` tries it once more.
    await end();
    this.#undo.delete(key);
  }

  /** The networks of a container, and how it gets back to where it was. */
  async #waysOf(name: string): Promise<{ network: string; options: string[] }[]> {
    interface Endpoint {
      readonly IPAMConfig: { readonly IPv4Address?: string } | null;
      readonly Aliases: readonly string[] | null;
    }
    const text = await this.access.docker(['inspect', '-f', '{{json .NetworkSettings.Networks}}', name]);
    return Object.entries(JSON.parse(text) as Record<string, Endpoint>).map(([network, { IPAMConfig, Aliases }]) => {
      const address = IPAMConfig?.IPv4Address;
      const aliases = (Aliases ?? []).flatMap((alias) => ['--alias', alias]);
      return { network, options: [...(address ? ['--ip', address] : []), ...aliases] };
    });
  }

  async #container(part: Exclude<Part, 'gateway'>): Promise<string> {
    const named = (suffix: string) => `${this.access.namePrefix}telegram-${suffix}`;
    if (part !== 'redis') return named(part);
    const role = 'REDISCLI_AUTH=$(head -1 /credentials/admin) redis-cli --user admin role';
    const answer = await this.access
      .docker(['exec', named('redis-master'), 'sh', '-c', role])
      .catch(() => 'does not answer');
    return named(answer.startsWith('master') ? 'redis-master' : 'redis-replica');
  }
}
