import * as docker from '@pulumi/docker';
import * as pulumi from '@pulumi/pulumi';
import { Component } from '../component.js';
import { dataVolume } from '../data-volume.js';
import type { Ready } from '../endpoint.js';
import { filesInVolume } from '../one-shot.js';
import { serviceContainer } from '../service-container.js';
import { HOST_NUMBERS, INSTANCE_LABEL, type StackContext } from '../stack-context.js';
import {
  BACKUP_CONTAINER,
  CREDENTIALS,
  OWNER,
  STATE,
  TARGET,
  backupEnvironment,
  backupFiles,
  type BackupSecrets,
  type BackupSettings,
  type BackupTarget,
} from './render.js';

/** Mount of the database's volume, here and in the database's container. */
const DATABASE_FILES = '/var/lib/postgresql/data';

export interface BackupArgs {
  readonly stack: StackContext;
  /** What is backed up, when, and for how long. A change replaces the container; the backups stay. */
  readonly settings: BackupSettings;
  readonly target: BackupTarget;
  /** Folder of the Docker host that is the target; empty is a volume of the stack's own. Counts with a folder only. */
  readonly folder: string;
  /** A change is taken over with the next backup; nothing restarts. */
  readonly secrets: pulumi.Output<BackupSecrets>;
  /** Data volume of the stack's own database; null where it is somebody else's. */
  readonly databaseVolume: pulumi.Output<string> | null;
  /** CPU limit, in cores. A change replaces the container. */
  readonly cpus: number;
  /** Memory limit in MiB. Changed in place. */
  readonly memoryMb: number;
  /** What must be ready before the first backup. */
  readonly after: readonly pulumi.Resource[];
}

/**
 * Backs the stack up, all by itself: PostgreSQL with every point in time, sessions, Redis and the broker's topology, encrypted,
 * into a folder or a bucket. Beside the database, with its uid and its volume; it has no port and takes no orders but by
 * `docker exec`. What it does is in images/backup/scripts.
 */
export class Backup extends Component implements Ready {
  readonly container: docker.Container;
  /** Volume with `telegram_backup.prom` at its root. */
  readonly metrics: pulumi.Output<string>;
  readonly ready: pulumi.Resource[];

  constructor(args: BackupArgs, opts?: pulumi.ComponentResourceOptions) {
    super('telegram:data:Backup', BACKUP_CONTAINER, opts);
    const state = dataVolume(args.stack, this.child('state'), this.under());
    const credentials = dataVolume(args.stack, this.child('credentials'), this.under(), 'disposable');
    const written = this.#writeSecrets(args, credentials);
    this.metrics = state.name;
    this.container = this.#container(args, { state, credentials, target: this.#target(args), written });
    this.ready = [this.container, written];
    this.registerOutputs({});
  }

  /** A folder of the host is a volume too, so that it shows whose it is. Never edited, and kept where data is kept. */
  #target({ stack, target, folder }: BackupArgs): docker.Volume | null {
    if (target.kind !== 'folder') return null;
    const name = this.child('data');
    if (folder === '') return dataVolume(stack, name, this.under());
    return new docker.Volume(
      this.child('folder'),
      {
        name: stack.namePrefix + this.child('folder'),
        driver: 'local',
        driverOpts: { type: 'none', o: 'bind', device: folder },
        labels: [{ label: INSTANCE_LABEL, value: stack.instance }],
      },
      // Removing this volume removes no file of the folder.
      this.under({ provider: stack.provider, ignoreChanges: ['labels'], deleteBeforeReplace: true }),
    );
  }

  #writeSecrets({ stack, settings, target, secrets, after }: BackupArgs, volume: docker.Volume): pulumi.Resource {
    const files = pulumi.secret(secrets.apply((plain) => backupFiles(settings, target, plain)));
    const names = Object.keys(
      backupFiles(settings, target, { key: '', redis: '', rabbitmq: { user: '', password: '' }, roles: {} }),
    );
    return filesInVolume(
      stack,
      this.child('secrets'),
      {
        volume: volume.name,
        files: Object.fromEntries(names.map((name) => [name, files.apply((contents) => contents[name] ?? '')])),
        owner: OWNER,
      },
      this.under({ dependsOn: [...after] }),
    );
  }

  #container(
    args: BackupArgs,
    parts: { state: docker.Volume; credentials: docker.Volume; target: docker.Volume | null; written: pulumi.Resource },
  ): docker.Container {
    const { stack, settings, target, databaseVolume, cpus, memoryMb } = args;
    return serviceContainer(
      stack,
      {
        name: this.componentName,
        image: stack.images.get('backup'),
        host: HOST_NUMBERS.backup,
        cpus,
        memoryMb,
        command: ['telegram-backup', 'serve'],
        env: backupEnvironment(settings, target),
        volumes: [
          { volume: parts.state.name, path: STATE },
          { volume: parts.credentials.name, path: CREDENTIALS, readOnly: true },
          ...(parts.target ? [{ volume: parts.target.name, path: TARGET }] : []),
          ...(databaseVolume ? [{ volume: databaseVolume, path: DATABASE_FILES }] : []),
        ],
        user: OWNER,
        health: ['telegram-backup', 'health'],
        graceS: 30,
      },
      this.under({ dependsOn: [...args.after, parts.written] }),
    );
  }
}
