import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { BACKUP_CONTAINER } from '../../components/backup/render.js';
import type { DockerHost } from '../../stack/docker-host.js';
import { UserError } from '../../stack/errors.js';
import type { DockerHosts } from '../docker-hosts.js';
import { explainBackup } from './explain.js';

/** A backup of a big database takes hours, and so may a restore; in milliseconds. */
const BOUND_MS = 24 * 3_600_000;
/** What the second of two backups says; its exit code is one of pgBackRest's as well. */
const BUSY = 'telegram-backup: another backup is running';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `docker` and says what it prints on stderr, line by line, as it comes. */
export async function runDocker(
  docker: DockerHost,
  args: readonly string[],
  options: { readonly boundMs?: number; readonly onLine?: (line: string) => void } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      'docker',
      [...args],
      { env: docker.environment, timeout: options.boundMs ?? BOUND_MS, maxBuffer: 256 * 2 ** 20 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, stdout, stderr });
      },
    );
    const { onLine } = options;
    if (onLine)
      for (const stream of [child.stdout, child.stderr])
        stream?.on('data', (text: string) => {
          text.split('\n').filter(Boolean).forEach(onLine);
        });
  });
}

/** A container in which `telegram-backup` can be called: the stack's own, or one made for a restore. */
export class Sidecar {
  constructor(
    readonly docker: DockerHost,
    readonly container: string,
  ) {}

  /** The stack's own. */
  static of(hosts: Pick<DockerHosts, 'at'>, namePrefix: string): Sidecar {
    const name = namePrefix + BACKUP_CONTAINER;
    return new Sidecar(hosts.at(name), name);
  }

  /** Output of one call, or the error that says what is wrong with target, key or backup. */
  async call(args: readonly string[], options: { readonly onLine?: (line: string) => void } = {}): Promise<string> {
    const ran = await runDocker(this.docker, ['exec', this.container, 'telegram-backup', ...args], options);
    if (ran.code === 0) return ran.stdout;
    throw this.#explained(args, `${ran.stdout}\n${ran.stderr}`);
  }

  /**
   * The output of one call as a file (0600), byte for byte. It appears whole or not at all: until the call has succeeded it is
   * `<file>.new`, which must not be there. Throws as `call` does.
   */
  async write(args: readonly string[], file: string): Promise<void> {
    const fresh = `${file}.new`;
    const child = spawn('docker', ['exec', this.container, 'telegram-backup', ...args], {
      env: this.docker.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: BOUND_MS,
    });
    const ended = once(child, 'close').then(
      ([code]) => code as number | null,
      () => null,
    );
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const [written, code] = await Promise.all([
      pipeline(child.stdout, createWriteStream(fresh, { mode: 0o600, flags: 'wx' })).then(
        () => null,
        (error: unknown) => error as NodeJS.ErrnoException,
      ),
      ended,
    ]);
    if (written === null && code === 0) return rename(fresh, file);
    if (written?.code !== 'EEXIST') await rm(fresh, { force: true });
    throw written ?? this.#explained(args, said);
  }

  #explained(args: readonly string[], said: string): UserError {
    if (said.includes(BUSY)) return new UserError('BACKUP_BUSY', 'another backup is running');
    if (/No such container|is not running/.test(said))
      return new UserError('NOT_UP', `${this.container} does not run`, { fix: 'npm run start' });
    return explainBackup(args.join(' '), said);
  }
}

const listSchema = z.object({
  engine: z.enum(['pgbackrest', 'dump']),
  /** When WAL last reached the target, in seconds since 1970; 0 is never. */
  walArchivedAt: z.number(),
  /** When a drill was last good, likewise. */
  drilledAt: z.number(),
  status: z.string(),
  database: z.array(
    z.object({
      label: z.string(),
      type: z.enum(['full', 'diff', 'incr']),
      startedAt: z.number(),
      endedAt: z.number(),
      databaseBytes: z.number(),
      storedBytes: z.number(),
      error: z.boolean().nullish(),
    }),
  ),
  parts: z.array(z.object({ part: z.string(), at: z.string(), id: z.string(), bytes: z.number() })),
});
export type BackupList = z.output<typeof listSchema>;

export async function listBackups(sidecar: Sidecar): Promise<BackupList> {
  return listSchema.parse(JSON.parse(await sidecar.call(['list'])));
}
