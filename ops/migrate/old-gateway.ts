import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { DockerHost } from '../../stack/docker-host.js';
import type { SourceConfig } from '../../stack/config-schema.js';
import { tarOf } from '../engine/resources/tar.js';
import type { OldGateway } from './ports.js';
import { tarFiles } from './tar.js';

/** Longest that the old gateway may take to end, in seconds. */
const STOP_S = 60;
const COPY_MS = 120_000;

/** The container of the old gateway and its sessions, by the `docker` command of the stack's Docker host. */
export class DockerOldGateway implements OldGateway {
  constructor(
    private readonly host: DockerHost,
    private readonly source: Pick<SourceConfig, 'container' | 'sessions'>,
  ) {}

  async isRunning(): Promise<boolean | null> {
    const listed = await this.host.docker(['ps', '-a', '--format', '{{.Names}} {{.State}}']);
    const line = listed.split('\n').find((text) => text.split(' ')[0] === this.source.container);
    return line === undefined ? null : line.endsWith(' running');
  }

  async restartPolicy(): Promise<string> {
    const format = '{{.HostConfig.RestartPolicy.Name}}';
    const policy = await this.host.docker(['inspect', '--format', format, this.source.container]);
    return policy === '' ? 'no' : policy;
  }

  async stop(): Promise<void> {
    const { container } = this.source;
    await this.host.docker(['update', '--restart', 'no', container]);
    await this.host.docker(['stop', '--time', String(STOP_S), container]);
  }

  async start(restartPolicy: string): Promise<void> {
    const { container } = this.source;
    await this.host.docker(['update', '--restart', restartPolicy === '' ? 'no' : restartPolicy, container]);
    await this.host.docker(['start', container]);
  }

  async sessions(): Promise<Buffer> {
    return this.#beside('ro', async (id) => docker(this.host, ['cp', `${id}:/sessions/.`, '-']));
  }

  async putSession(name: string, session: string): Promise<void> {
    const file = `${name}.session`;
    // An old gateway that is not root must still be able to read it.
    const { mode, uid, gid } = tarFiles(await this.sessions()).get(file) ?? { mode: 0o600, uid: 0, gid: 0 };
    const entry = { name: file, kind: 'file', content: Buffer.from(session), ...{ mode, uid, gid } } as const;
    await this.#beside('rw', async (id) => docker(this.host, ['cp', '-', `${id}:/sessions`], tarOf([entry])));
  }

  /** A container that never runs, with the sessions mounted: `docker cp` reads and writes through it, on any Docker host. */
  async #beside<T>(mode: 'ro' | 'rw', work: (id: string) => Promise<T>): Promise<T> {
    const { container, sessions } = this.source;
    const image = await this.host.docker(['inspect', '--format', '{{.Image}}', container]);
    const id = await this.host.docker(['create', '-v', `${sessions}:/sessions:${mode}`, '--entrypoint', 'true', image]);
    try {
      return await work(id);
    } finally {
      await this.host.docker(['rm', '-f', id]);
    }
  }
}

/** One command whose input and output are bytes. */
async function docker(host: DockerHost, args: readonly string[], input?: Buffer): Promise<Buffer> {
  const options = { env: host.environment, encoding: 'buffer', timeout: COPY_MS, maxBuffer: 64 * 2 ** 20 } as const;
  const running = promisify(execFile)('docker', [...args], options);
  running.child.stdin?.on('error', () => undefined);
  running.child.stdin?.end(input);
  return (await running).stdout;
}
