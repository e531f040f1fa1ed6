import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { UserError } from './errors.js';

const run = promisify(execFile);

const infoSchema = z.object({
  ID: z.string().default(''),
  ServerVersion: z.string(),
  CgroupVersion: z.string().default('1'),
  SecurityOptions: z.array(z.string()).nullable().default([]),
  DockerRootDir: z.string(),
  MemTotal: z.number(),
  NCPU: z.number(),
});

const containerSchema = z.object({
  ID: z.string(),
  Names: z.string(),
  Image: z.string(),
  Networks: z.string(),
  State: z.string(),
  Ports: z.string(),
  Labels: z.string(),
});
export type DockerContainer = z.output<typeof containerSchema>;

const volumeSchema = z.object({ Name: z.string(), Labels: z.string() });
export type DockerVolume = z.output<typeof volumeSchema>;

const networkSchema = z.array(
  z.object({
    Name: z.string(),
    Labels: z.record(z.string(), z.string()).nullable(),
    IPAM: z.object({ Config: z.array(z.object({ Subnet: z.string().optional() })).nullable() }),
  }),
);
export type DockerNetwork = z.output<typeof networkSchema>[number];

/** What a Docker host is: version, size, and what decides how systemd can run in a container. */
export interface DockerFacts {
  /** What tells one engine from another. */
  readonly id: string;
  readonly version: string;
  readonly cgroupVersion: 1 | 2;
  readonly apparmor: boolean;
  readonly rootDir: string;
  readonly memoryMb: number;
  readonly cpus: number;
}

/** The local engine, as the provider takes it when a stack names none. */
export const LOCAL_DOCKER = 'unix:///var/run/docker.sock';

/** Engine that the `docker` of this shell talks to, by DOCKER_HOST or a context; empty where that is the local one. */
export async function shellDockerHost(): Promise<string> {
  const asked = await run('docker', ['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}']).then(
    ({ stdout }) => stdout.trim(),
    () => process.env['DOCKER_HOST'] ?? '',
  );
  return asked === LOCAL_DOCKER ? '' : asked;
}

/** The Docker host as its command line sees it; also one behind `ssh://`. Empty is the local one, whatever the shell says. */
export class DockerHost {
  constructor(readonly host: string) {}

  get isLocal(): boolean {
    return this.host === '' || this.host.startsWith('unix://');
  }

  /** The one that the provider takes when a stack names none. */
  get isOwn(): boolean {
    return this.host === '' || this.host === LOCAL_DOCKER;
  }

  /** A command as a person types it, wherever that is; `command` begins behind `docker`. */
  typed(command: string): string {
    return this.isOwn ? `docker ${command}` : `docker -H ${this.host} ${command}`;
  }

  /** For a `docker` command that somebody else starts. */
  get environment(): NodeJS.ProcessEnv {
    return { ...process.env, DOCKER_HOST: this.host || LOCAL_DOCKER };
  }

  /** Output of one `docker` command, bounded to two minutes. */
  async docker(args: readonly string[], timeoutMs = 120_000): Promise<string> {
    return (await this.#run(args, timeoutMs)).stdout.trim();
  }

  /** Both outputs of one command, such as a log. */
  async output(args: readonly string[]): Promise<string> {
    const { stdout, stderr } = await this.#run(args, 30_000);
    return `${stdout}${stderr}`;
  }

  async #run(args: readonly string[], timeout: number): Promise<{ stdout: string; stderr: string }> {
    return run('docker', [...args], { env: this.environment, timeout, maxBuffer: 64 * 2 ** 20 });
  }

  /** Facts of the host, or the one error that says why there is none. */
  async facts(timeoutMs = 20_000): Promise<DockerFacts> {
    const info = infoSchema.parse(JSON.parse(await this.#info(timeoutMs)));
    return {
      id: info.ID,
      version: info.ServerVersion,
      cgroupVersion: info.CgroupVersion === '2' ? 2 : 1,
      apparmor: (info.SecurityOptions ?? []).some((option) => option.includes('apparmor')),
      rootDir: info.DockerRootDir,
      memoryMb: Math.floor(info.MemTotal / 2 ** 20),
      cpus: info.NCPU,
    };
  }

  async containers(): Promise<DockerContainer[]> {
    return this.#list(containerSchema, ['ps', '-a', '--no-trunc']);
  }

  /** Volumes, of which `label` keeps those that carry it. */
  async volumes(label?: string): Promise<DockerVolume[]> {
    return this.#list(volumeSchema, ['volume', 'ls', ...(label ? ['--filter', `label=${label}`] : [])]);
  }

  /** An ASCII file of a container, also of a stopped one; no process is started for it. */
  async file(container: string, path: string): Promise<string> {
    return onlyFile(await this.docker(['cp', `${container}:${path}`, '-'], 10_000));
  }

  async networks(): Promise<DockerNetwork[]> {
    const ids = (await this.docker(['network', 'ls', '-q'])).split('\n').filter(Boolean);
    return networkSchema.parse(JSON.parse(await this.docker(['network', 'inspect', ...ids])));
  }

  /** A listing of the command line, one JSON document a line. */
  async #list<T>(schema: z.ZodType<T>, args: readonly string[]): Promise<T[]> {
    const text = await this.docker([...args, '--format', '{{json .}}']);
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => schema.parse(JSON.parse(line)));
  }

  async #info(timeoutMs: number): Promise<string> {
    try {
      return await this.docker(['info', '--format', '{{json .}}'], timeoutMs);
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')
        throw new UserError('DOCKER_MISSING', 'the `docker` command is not installed', { cause });
      const where = this.isOwn ? 'on this machine' : `at ${this.host}`;
      throw new UserError('DOCKER_DOWN', `no Docker engine answers ${where}`, { cause, why: lastLine(cause) });
    }
  }
}

/** Facts of a further Docker host; where it does not answer, the error names the key that it comes from. */
export async function furtherFacts(name: string, host: DockerHost): Promise<DockerFacts> {
  return host.facts().catch((error: unknown) => {
    if (!(error instanceof UserError) || error.code !== 'DOCKER_DOWN') throw error;
    const key = `telegram:dockerHosts.${name}.host`;
    throw new UserError('DOCKER_DOWN', `${error.message} (${key})`, {
      cause: error,
      ...(error.why !== undefined && { why: error.why }),
      fix: `Start that engine, or correct ${key} in the stack file.`,
    });
  });
}

/** Value of one label in `docker ps` form (`a=b,c=d`). */
export function labelOf(listed: { readonly Labels: string }, label: string): string | undefined {
  const pair = listed.Labels.split(',').find((text) => text.startsWith(`${label}=`));
  return pair?.slice(label.length + 1);
}

/** Content of a tar archive of one ASCII file: a header of 512 bytes, in which the size stands in octal. */
function onlyFile(archive: string): string {
  return archive.slice(512, 512 + Number.parseInt(archive.slice(124, 135), 8));
}

function lastLine(error: unknown): string {
  const text = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
  return text.trim().split('\n').at(-1) ?? '';
}
