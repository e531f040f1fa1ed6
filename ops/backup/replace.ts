import { BACKUP_CONTAINER } from '../../components/backup/render.js';
import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../../stack/errors.js';
import type { GatewayLogin } from '../../stack/gateway-login.js';
import type { DockerHosts } from '../docker-hosts.js';
import { onGateway } from '../gateway-shell.js';
import { inspectContainer, Recovery } from './recovery.js';
import { runDocker, Sidecar } from './sidecar.js';

/** Who uses the database, in the order in which they stop; they start the other way round. */
const CLIENTS = ['telegram-consumer', 'telegram-gateway-api', 'telegram-pgbouncer'] as const;
const DATABASE = 'telegram-timescaledb';
const FRESH = 'cluster.restored';
/** Longest that a container may take to be healthy again, in milliseconds. */
const HEALTHY_MS = 5 * 60_000;

export interface ReplacedDatabase {
  /** How long the database did not serve, in milliseconds. */
  readonly awayMs: number;
  /** Folder on the data volume that holds what served before. */
  readonly kept: string;
}

export interface Place {
  readonly hosts: Pick<DockerHosts, 'at'>;
  readonly namePrefix: string;
  /** Where the gateway runs; null for a stack without one. */
  readonly gateway: GatewayLogin | null;
}

/**
 * Puts a restored cluster in the place of the one that serves.
 *
 * Promised: the cluster that serves is untouched until the other one has recovered; the switch is two renames; then the
 *   former one stays beside it until the next restore has succeeded. On failure before the switch: what was stopped runs again,
 *   on the data from before. On a later one: what was stopped is started, and nothing is removed.
 */
export async function replaceDatabase(
  {
    hosts,
    outputs,
  }: {
    readonly hosts: DockerHosts;
    readonly outputs: { readonly namePrefix: string; readonly gatewayLogin: GatewayLogin };
  },
  target: string,
  say: (line: string) => void,
): Promise<ReplacedDatabase> {
  return replaceAt({ hosts, namePrefix: outputs.namePrefix, gateway: outputs.gatewayLogin }, target, say);
}

export async function replaceAt(
  { hosts, namePrefix, gateway }: Place,
  target: string,
  say: (line: string) => void,
): Promise<ReplacedDatabase> {
  const sidecar = Sidecar.of(hosts, namePrefix);
  const { docker } = sidecar;
  const [database, backup] = [
    await inspectContainer(docker, namePrefix + DATABASE),
    await inspectContainer(docker, namePrefix + BACKUP_CONTAINER),
  ];
  const volume = database.Mounts.find(({ Destination }) => Destination === '/var/lib/postgresql/data')?.Name;
  if (volume === undefined) throw new UserError('NOT_UP', 'the database has no volume', { fix: 'npm run up' });
  const kept = `cluster.before-${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}`;
  const recovery = new Recovery({ docker, namePrefix, database, backup, volume, cluster: FRESH, target, say });
  const stopped = new Stopped(hosts, namePrefix, gateway, say);
  let awayMs = 0;
  let switching = false;
  // Before anything is stopped: a restore that is under way already is told here.
  await recovery.open();
  try {
    await sidecar.call(['drop', FRESH]);
    await sidecar.call(['mark']).catch(() => {
      say('• the database does not answer; its last changes are those in the target');
    });
    await stopped.stop();
    const away = Date.now();
    say('• waiting for the last changes to reach the target');
    await sidecar.call(['drained']).catch(() => {
      say('• not all changes reach the target; those that do not are left behind');
    });
    say('• fetching the files');
    await recovery.fetch();
    say('• recovering');
    await recovery.recover();
    await recovery.tools.call(['roles']);
    await recovery.stopServer();
    switching = true;
    await recovery.tools.call(['switch', FRESH, kept]);
    say('• switched to the restored files');
    await stopped.start();
    awayMs = Date.now() - away;
    await dropFormer(sidecar, say);
  } catch (error) {
    await recovery.stopServer();
    if (switching)
      say(
        `✖ failed after the switch began: nothing is removed; where ${kept} is there, it holds the files from before`,
      );
    else await recovery.tools.call(['drop', FRESH]).catch(() => undefined);
    await stopped.start().catch((again: unknown) => {
      say(`✖ not everything started again: ${String(again)}`);
    });
    throw error;
  } finally {
    await recovery.close();
  }
  return { awayMs, kept };
}

/** What earlier restores left, but for the newest: the files that served until now. A restore that has succeeded does not fail here. */
async function dropFormer(sidecar: Sidecar, say: (line: string) => void): Promise<void> {
  try {
    const { left } = JSON.parse(await sidecar.call(['space'])) as { left: string[] };
    for (const folder of left.sort().slice(0, -1)) {
      say(`• removing ${folder}, kept by an earlier restore`);
      await sidecar.call(['drop', folder]);
    }
  } catch (error) {
    say(`• what earlier restores kept is still there: ${String(error)}`);
  }
}

/**
 * All that uses the database, stopped for a restore and started after it. What did not run is started as well: an earlier restore
 * that was cut off may have stopped it.
 */
class Stopped {
  #units: readonly string[] = [];
  #containers: string[] = [];

  constructor(
    private readonly hosts: Place['hosts'],
    private readonly namePrefix: string,
    private readonly gateway: GatewayLogin | null,
    private readonly say: (line: string) => void,
  ) {}

  async stop(): Promise<void> {
    if (this.gateway) {
      this.say('• stopping the gateway');
      const { code, stdout, stderr } = await onGateway(this.gateway, STOP_UNITS);
      if (code !== 0) throw new UserError('RESTORE_FAILED', 'the gateway cannot be stopped', { details: stderr });
      this.#units = stdout.split('\n').filter(Boolean);
    }
    for (const part of [...CLIENTS, DATABASE]) {
      const name = this.namePrefix + part;
      const there = await runDocker(this.hosts.at(name), ['container', 'inspect', name], { boundMs: 60_000 });
      if (there.code === 0) this.#containers.unshift(name);
    }
    for (const name of [...this.#containers].reverse()) {
      this.say(`• stopping ${name}`);
      const { code, stderr } = await runDocker(this.hosts.at(name), ['stop', '--time', '60', name], {
        boundMs: 180_000,
      });
      if (code !== 0) throw new UserError('RESTORE_FAILED', `${name} cannot be stopped`, { details: [stderr.trim()] });
    }
  }

  async start(): Promise<void> {
    for (const name of this.#containers) {
      this.say(`• starting ${name}`);
      await runDocker(this.hosts.at(name), ['start', name], { boundMs: 180_000 });
      await this.#healthy(name);
    }
    if (!this.gateway || this.#units.length === 0) return;
    this.say('• starting the gateway');
    const { code, stderr } = await onGateway(this.gateway, `systemctl start ${this.#units.join(' ')}`);
    if (code !== 0) throw new UserError('RESTORE_FAILED', 'the gateway does not start again', { details: stderr });
  }

  async #healthy(name: string): Promise<void> {
    const ask = ['inspect', '-f', '{{if .State.Health}}{{.State.Health.Status}}{{else}}healthy{{end}}', name];
    const deadline = Date.now() + HEALTHY_MS;
    while (Date.now() < deadline) {
      const { stdout } = await runDocker(this.hosts.at(name), ask, { boundMs: 60_000 });
      if (stdout.trim() === 'healthy') return;
      await delay(500);
    }
    throw new UserError('RESTORE_FAILED', `${name} does not get healthy`, {
      fix: this.hosts.at(name).typed(`logs ${name}`),
    });
  }
}

/** Stops each gateway that runs, or runs when the host starts, and names it. One that a migration has disabled stays as it is. */
const STOP_UNITS = `set -eu
for unit in $({
  systemctl list-units --plain --no-legend --state=active 'telegram-gateway*.service'
  systemctl list-unit-files --no-legend --state=enabled 'telegram-gateway*.service'
} | cut -d ' ' -f 1 | sort -u); do
  systemctl stop "$unit"
  echo "$unit"
done
`;
