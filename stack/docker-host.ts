import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { UserError } from './errors.js';

const run = promisify(execFile);

const infoSchema = z.object({
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
  readonly version: string;
  readonly cgroupVersion: 1 | 2;
  readonly apparmor: boolean;
  readonly rootDir: string;
  readonly memoryMb: number;
  readonly cpus: number;
}

/** The Docker host as its command line sees it; also one behind `ssh://`. */
export class DockerHost {
  constructor(readonly host: string) {}

  get isLocal(): boolean {
    return this.host === '' || this.host.startsWith('unix://');
  }

  /** Output of one `docker` command, bounded to two minutes. */
  async docker(args: readonly string[], timeoutMs = 120_000): Promise<string> {
    const env = { ...process.env, ...(this.host && { DOCKER_HOST: this.host }) };
    const { stdout } = await run('docker', [...args], { env, timeout: timeoutMs, maxBuffer: 64 * 2 ** 20 });
    return stdout.trim();
  }

  /** Facts of the host, or the one error that says why there is none. */
  async facts(): Promise<DockerFacts> {
    const info = infoSchema.parse(JSON.parse(await this.#info()));
    return {
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

  async volumes(): Promise<DockerVolume[]> {
    return this.#list(volumeSchema, ['volume', 'ls']);
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

  async #info(): Promise<string> {
    try {
      return await this.docker(['info', '--format', '{{json .}}'], 20_000);
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')
        throw new UserError('DOCKER_MISSING', 'the `docker` command is not installed', { cause });
      const where = this.isLocal ? 'on this machine' : `at ${this.host}`;
      throw new UserError('DOCKER_DOWN', `no Docker engine answers ${where}`, { cause, why: lastLine(cause) });
    }
  }
}

/** Value of one label in `docker ps` form (`a=b,c=d`). */
export function labelOf(listed: { readonly Labels: string }, label: string): string | undefined {
  const pair = listed.Labels.split(',').find((text) => text.startsWith(`${label}=`));
  return pair?.slice(label.length + 1);
}

function lastLine(error: unknown): string {
  const text = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
  return text.trim().split('\n').at(-1) ?? '';
}
