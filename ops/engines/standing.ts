import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { INSTANCE_LABEL } from '../../components/stack-context.js';
import { progressOf } from '../../stack/epoch-progress.js';
import { UserError } from '../../stack/errors.js';
import type { FurtherHost, StackOutputs } from '../../stack/outputs.js';
import { DockerHosts, type LocatedContainer } from '../docker-hosts.js';
import { say } from '../output.js';
import type { StackFolder } from '../stack-folder.js';

const recordSchema = z.object({
  instance: z.string(),
  dockerHost: z.string(),
  /** @default none */
  further: z
    .array(
      z.object({ name: z.string(), dockerHost: z.string(), imageSource: z.string(), containers: z.array(z.string()) }),
    )
    .default([]),
  /** Container id → the networks it is in, and its limits. */
  containers: z.record(z.string(), z.string()),
});

/** Longest wait for a started container to be healthy, in milliseconds: that of the slowest one's first start. */
const HEALTHY_MS = 180_000;

/**
 * What the last `up` left standing in Docker. As long as all of it stands, the next `up` may believe the state of the Pulumi
 * CLI and leave its refresh, which asks every provider about every resource, for the day when something is gone.
 * Not promised: that other drift is seen; `npm run pulumi -- refresh` is for that.
 */
export class Standing {
  readonly #file: string;

  constructor(folder: StackFolder) {
    this.#file = join(folder.path, 'standing.json');
  }

  /** Where the stack stands, or null before the first `up`. */
  get dockerHost(): string | null {
    return this.#read()?.dockerHost ?? null;
  }

  /** Further Docker hosts that parts of it stand on. */
  get further(): readonly FurtherHost[] {
    return this.#read()?.further ?? [];
  }

  async record(outputs: StackOutputs): Promise<void> {
    const { instance, dockerHost, further } = outputs;
    const containers = await fingerprint(await new DockerHosts(outputs).containersOf(instance));
    const record = { instance, dockerHost, further, containers };
    writeFileSync(this.#file, `${JSON.stringify(record, null, 1)}\n`, { mode: 0o600 });
  }

  forget(): void {
    rmSync(this.#file, { force: true });
  }

  /** Starts what had stopped. `whole`: nothing is missing or new, so that a refresh would find nothing. */
  async restore(): Promise<{ readonly whole: boolean; readonly started: number }> {
    const record = this.#read();
    if (!record) return { whole: false, started: 0 };
    const hosts = new DockerHosts(record);
    const containers = await hosts.containersOf(record.instance);
    const started = await startStopped(containers.filter(({ ID }) => ID in record.containers));
    const now = started.length > 0 ? await hosts.containersOf(record.instance) : containers;
    const { completed } = progressOf(await hosts.home.volumes(INSTANCE_LABEL), record.instance);
    const whole =
      completed !== null &&
      now.every(({ State }) => State === 'running') &&
      same(await fingerprint(now), record.containers);
    if (whole) await healthy(started);
    return { whole, started: started.length };
  }

  #read(): z.output<typeof recordSchema> | null {
    if (!existsSync(this.#file)) return null;
    return recordSchema.parse(JSON.parse(readFileSync(this.#file, 'utf8')));
  }
}

/** What `docker update` changes. */
const LIMITS =
  '{{.Id}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}} {{.HostConfig.RestartPolicy.Name}}';

async function fingerprint(containers: readonly LocatedContainer[]): Promise<Record<string, string>> {
  const hosts = [...new Set(containers.map(({ docker }) => docker))];
  const inspected = await Promise.all(
    hosts.map(async (host) => {
      const ids = containers.filter(({ docker }) => docker === host).map(({ ID }) => ID);
      return host.docker(['inspect', '--format', LIMITS, ...ids]);
    }),
  );
  const limits = new Map(
    inspected
      .flatMap((lines) => lines.split('\n'))
      .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]),
  );
  return Object.fromEntries(containers.map(({ ID, Networks }) => [ID, `${Networks} ${limits.get(ID) ?? ''}`]));
}

function same(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const ids = Object.keys(one);
  return ids.length === Object.keys(other).length && ids.every((id) => one[id] === other[id]);
}

/** Starts the stopped and goes on with the paused ones; what does not start is left to the refresh, which replaces it. */
async function startStopped(containers: readonly LocatedContainer[]): Promise<LocatedContainer[]> {
  const started: LocatedContainer[] = [];
  for (const container of containers) {
    const verb = VERBS[container.State];
    if (verb === undefined) continue;
    say(`• starting ${container.Names}, which was ${container.State}`);
    const done = await container.docker.docker([verb, container.ID]).then(
      () => true,
      () => false,
    );
    if (done) started.push(container);
  }
  return started;
}

const VERBS: Readonly<Record<string, 'start' | 'unpause'>> = { exited: 'start', created: 'start', paused: 'unpause' };

async function healthy(containers: readonly LocatedContainer[]): Promise<void> {
  const deadline = Date.now() + HEALTHY_MS;
  for (const { ID, Names, docker } of containers) {
    const health = async () => docker.docker(['inspect', '--format', '{{.State.Health.Status}}', ID]);
    for (let status = await health(); status !== 'healthy'; status = await health()) {
      if (Date.now() > deadline)
        throw new UserError('RESOURCE_FAILED', `${Names} was started again and is ${status}`, {
          fix: `npm run logs -- ${Names.slice(Names.indexOf('telegram-') + 'telegram-'.length)}`,
        });
      await wait(250);
    }
  }
}
