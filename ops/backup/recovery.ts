import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { INSTANCE_LABEL, ONE_SHOT_LABEL } from '../../components/stack-context.js';
import type { DockerHost } from '../../stack/docker-host.js';
import { UserError } from '../../stack/errors.js';
import { manifestSchema, type Manifest } from './manifest.js';
import { runDocker, Sidecar } from './sidecar.js';

const DATA = '/var/lib/postgresql/data';
/** How often a server that recovers is asked how far it is, in milliseconds. */
const LOOK_MS = 500;

const inspectedSchema = z.object({
  Image: z.string(),
  Config: z.object({
    Env: z.array(z.string()).nullable(),
    Entrypoint: z.array(z.string()).nullable(),
    Cmd: z.array(z.string()).nullable(),
    User: z.string(),
    Labels: z.record(z.string(), z.string()).nullish(),
  }),
  HostConfig: z.object({
    ShmSize: z.number(),
    Memory: z.number(),
    Tmpfs: z.record(z.string(), z.string()).nullish(),
  }),
  Mounts: z.array(z.object({ Name: z.string().optional(), Destination: z.string(), RW: z.boolean() })),
  NetworkSettings: z.object({ Networks: z.record(z.string(), z.unknown()) }),
});
export type Inspected = z.output<typeof inspectedSchema>;

export async function inspectContainer(docker: DockerHost, name: string): Promise<Inspected> {
  const ran = await runDocker(docker, ['inspect', name], { boundMs: 60_000 });
  if (ran.code !== 0) throw new UserError('NOT_UP', `there is no container ${name}`, { fix: 'npm run up' });
  return z.tuple([inspectedSchema]).parse(JSON.parse(ran.stdout))[0];
}

export interface RecoveryPlan {
  readonly docker: DockerHost;
  readonly namePrefix: string;
  /** The stack's containers as they were made; both may be stopped. */
  readonly database: Inspected;
  readonly backup: Inspected;
  /** Volume to restore into, at the place of the database's own. */
  readonly volume: string;
  /** Folder in it. */
  readonly cluster: string;
  /** `end`, a time as PostgreSQL reads it, or nothing: the moment the newest backup was complete. */
  readonly target?: string;
  readonly say: (line: string) => void;
}

/**
 * A server of its own on restored files: the database's image and settings, no network, no jobs, nothing archived. Recovers to the
 * target and stays up until `close`; then only the files remain.
 */
export class Recovery {
  readonly #server: string;
  readonly #worker: string;
  /** By which `destroy` finds what a killed restore left. */
  readonly #label: string;
  readonly tools: Sidecar;

  constructor(private readonly plan: RecoveryPlan) {
    this.#server = `${plan.namePrefix}telegram-restore`;
    this.#worker = `${plan.namePrefix}telegram-restore-worker`;
    this.#label = `${ONE_SHOT_LABEL}=${plan.backup.Config.Labels?.[INSTANCE_LABEL] ?? ''}`;
    this.tools = new Sidecar(plan.docker, this.#worker);
  }

  /** Starts the container that reads the target. One restore at a time: a second one finds the name taken. */
  async open(): Promise<void> {
    const { backup, volume } = this.plan;
    const ran = await this.#docker([
      ...['run', '-d', '--name', this.#worker, '--user', backup.Config.User, '--network', networkOf(backup)],
      ...['--label', this.#label],
      ...['--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL', '--init'],
      ...backup.Mounts.filter(
        ({ Destination }) => Destination !== DATA && Destination !== '/var/lib/telegram-backup',
      ).flatMap(({ Name = '', Destination, RW }) => ['-v', `${Name}:${Destination}${RW ? '' : ':ro'}`]),
      ...['-v', `${volume}:${DATA}`, '--tmpfs', '/var/lib/telegram-backup:uid=70,gid=70'],
      ...(backup.Config.Env ?? []).filter((line) => !line.startsWith('PATH=')).flatMap((line) => ['-e', line]),
      ...['--entrypoint', 'sleep', backup.Image, 'infinity'],
    ]);
    if (ran.code === 0) return;
    if (/already in use/.test(ran.stderr))
      throw new UserError('RESTORE_BUSY', 'another restore is running, or one was cut off', {
        fix: `Wait for it; if it was cut off: \`${this.plan.docker.typed(`rm -f ${this.#worker} ${this.#server}`)}\`, then the same command again.`,
      });
    await this.close();
    throw new UserError('RESTORE_FAILED', 'the container of the restore does not start', {
      details: [ran.stderr.trim()],
    });
  }

  /** Fetches the files; returns when they are whole, each checked against its checksum. */
  async fetch(): Promise<void> {
    const { cluster, target, say } = this.plan;
    await this.tools.call(['fetch', cluster, ...(target === undefined ? [] : [target])], { onLine: say });
  }

  /** Starts the server and waits until it has recovered and takes changes. */
  async recover(): Promise<void> {
    await this.#docker(['exec', '-d', this.#worker, 'telegram-backup', 'feed', this.plan.cluster]);
    const { database, volume, cluster } = this.plan;
    // Writes the configuration, then becomes whatever follows (components/inline-files.ts).
    const words = [...(database.Config.Entrypoint ?? []), ...(database.Config.Cmd ?? [])];
    const files = words[words.indexOf('-c') + 1] ?? '';
    const started = await this.#docker([
      ...['run', '-d', '--name', this.#server, '--user', database.Config.User, '--network', 'none', '--init'],
      ...['--label', this.#label],
      ...['--shm-size', String(database.HostConfig.ShmSize), '--memory', String(database.HostConfig.Memory)],
      ...['--cap-drop', 'ALL', '--stop-signal', 'SIGINT', '-v', `${volume}:${DATA}`],
      ...Object.entries(database.HostConfig.Tmpfs ?? {}).flatMap(([path, options]) => [
        '--tmpfs',
        `${path}:${options}`,
      ]),
      ...['--entrypoint', '/bin/sh', database.Image, '-c', files, 'sh', 'postgres', '-D', `${DATA}/${cluster}`],
      ...['-c', 'config_file=/telegram/postgresql.conf', '-c', 'hba_file=/telegram/pg_hba.conf'],
      // What is archived from here on is archived by the server that takes over, or not at all.
      ...['-c', 'archive_command=', '-c', 'listen_addresses=', '-c', 'timescaledb.max_background_workers=0'],
    ]);
    if (started.code !== 0)
      throw new UserError('RESTORE_FAILED', 'the server of the restore does not start', {
        details: [started.stderr.trim()],
      });
    while (!(await this.#recovered())) await delay(LOOK_MS);
  }

  /** What the restored database holds of all that was stored until `until`. */
  async manifest(until: number): Promise<Manifest> {
    return manifestSchema.parse(JSON.parse(await this.tools.call(['manifest', String(until)])));
  }

  /** The manifest that was written with the newest backup. */
  async backedUp(): Promise<Manifest> {
    return manifestSchema.parse(JSON.parse(await this.tools.call(['part', 'manifest'])));
  }

  /** Stops the server cleanly; the worker stays. */
  async stopServer(): Promise<void> {
    await this.#docker(['stop', '--time', '120', this.#server]);
    await this.#docker(['rm', '-f', this.#server]);
  }

  async close(): Promise<void> {
    await this.#docker(['rm', '-f', this.#server, this.#worker]);
  }

  async #recovered(): Promise<boolean> {
    const asked = await this.#docker(['exec', this.#worker, 'telegram-backup', 'recovering']);
    if (asked.code === 0 && asked.stdout.trim() === 'f') return true;
    const state = await this.#docker(['inspect', '-f', '{{.State.Running}}', this.#server]);
    if (state.stdout.trim() === 'true') return false;
    const { stdout, stderr } = await this.#docker(['logs', '--tail', '40', this.#server]);
    throw explainRecovery(`${stdout}${stderr}`);
  }

  #docker(args: readonly string[]) {
    return runDocker(this.plan.docker, args, { boundMs: 10 * 60_000 });
  }
}

/** Where the target and the other services are reached. */
function networkOf({ NetworkSettings }: Inspected): string {
  return Object.keys(NetworkSettings.Networks)[0] ?? 'none';
}

/** Why a server ended that was to recover, from its log. */
export function explainRecovery(log: string): UserError {
  const details = log
    .split('\n')
    .filter((line) => /FATAL|PANIC|ERROR|fetch-wal/.test(line))
    .slice(-5);
  if (/recovery ended before configured recovery target was reached/.test(log))
    return new UserError('RESTORE_POINT', 'the archived changes end before that time', {
      details,
      fix: 'npm run restore -- --latest',
    });
  if (/the archive of the backup cannot be read|invalid checksum|invalid page|PANIC/.test(log))
    return new UserError('BACKUP_DAMAGED', 'the archived changes cannot be read to their end', { details });
  return new UserError('RESTORE_FAILED', 'the restored database did not come up', {
    details: details.length > 0 ? details : log.split('\n').slice(-5),
  });
}
