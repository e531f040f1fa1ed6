import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ignoreRules, packContext } from '../../../ops/engine/resources/build-context.js';
import { containerRequest } from '../../../ops/engine/resources/container-request.js';
import { containerSchema } from '../../../ops/engine/resources/container-schema.js';
import { nanoseconds } from '../../../ops/engine/resources/duration.js';
import { tarOf } from '../../../ops/engine/resources/tar.js';

describe('O10 durations', () => {
  it.each([
    ['1m30s', 90e9],
    ['500ms', 5e8],
    ['1.5s', 15e8],
    ['0', 0],
    ['1h', 36e11],
  ])('%s', (text, expected) => {
    expect(nanoseconds(text)).toBe(expected);
  });
  it.each(['', '5', 's', '1 s', '-1s', 'soon'])('%j is none', (text) => {
    expect(nanoseconds(text)).toBeUndefined();
  });
});

describe('O10 .dockerignore', () => {
  it.each([
    ['node_modules', 'node_modules/a/b', true],
    ['node_modules', 'sub/node_modules/a', false],
    ['**/node_modules', 'sub/node_modules/a', true],
    ['*.log', 'a.log', true],
    ['*.log', 'sub/a.log', false],
    ['/dist/', 'dist/x', true],
    ['*\n!keep', 'keep', false],
    ['*\n!keep', 'other', true],
    ['# note\n\na?c', 'abc', true],
    ['a+b', 'aab', false],
  ])('%j on %s', (rules, path, ignored) => {
    expect(ignoreRules(rules)(path)).toBe(ignored);
  });
});

describe('O10 archives', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'engine-tar-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const unpack = (archive: Buffer, name: string): string => {
    const target = join(folder, name);
    mkdirSync(target);
    execFileSync('tar', ['-x', '-C', target], { input: archive });
    return target;
  };
  const pack = async (context: string): Promise<Buffer> => {
    const parts: Buffer[] = [];
    for await (const part of packContext(context, ['Dockerfile'])) parts.push(part);
    return Buffer.concat(parts);
  };

  it('tar reads what was packed: modes, owners, long names, any size', () => {
    const long = `${'a'.repeat(90)}/${'b'.repeat(90)}`;
    const file = (name: string, content: string) => ({
      name,
      kind: 'file' as const,
      mode: 0o640,
      uid: 7,
      gid: 8,
      content: Buffer.from(content),
    });
    const archive = tarOf([file('one', 'x'.repeat(512)), file(long, 'y'), file('empty', '')]);
    const target = unpack(archive, 'modes');
    expect(readFileSync(join(target, 'one'), 'utf8')).toHaveLength(512);
    expect(readFileSync(join(target, long), 'utf8')).toBe('y');
    const list = execFileSync('tar', ['-tv', '--numeric-owner'], { input: archive }).toString();
    expect(list).toMatch(/^-rw-r----- 7\/8\s+512 .* one$/m);
  });

  it('a build context leaves out what is ignored, keeps links and the Dockerfile, and is the same every time', async () => {
    const context = join(folder, 'context');
    mkdirSync(join(context, 'node_modules/x'), { recursive: true });
    writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\n');
    writeFileSync(join(context, '.dockerignore'), 'node_modules\nDockerfile\n');
    writeFileSync(join(context, 'node_modules/x/file'), '1');
    writeFileSync(join(context, 'empty'), '');
    symlinkSync('empty', join(context, 'link'));
    const archive = await pack(context);
    const target = unpack(archive, 'unpacked');
    expect(readdirSync(target).sort()).toEqual(['.dockerignore', 'Dockerfile', 'empty', 'link']);
    expect(readlinkSync(join(target, 'link'))).toBe('empty');
    expect((await pack(context)).equals(archive)).toBe(true);
  });

  it('a build context that is not there is an error', async () => {
    await expect(pack(join(folder, 'nowhere'))).rejects.toThrow('nowhere is not a folder');
  });
});

describe('O10 container request', () => {
  const request = (inputs: object) =>
    containerRequest('c', containerSchema.parse({ image: 'sha256:1', ...inputs }), { l: '1' });

  it('says nothing that the program did not say', () => {
    expect(request({})).toEqual({
      name: 'c',
      Image: 'sha256:1',
      Labels: { l: '1' },
      ExposedPorts: {},
      Volumes: {},
      HostConfig: { PortBindings: {}, Binds: [] },
    });
  });

  it('uses the units of the provider: megabytes, CPUs, Go durations', () => {
    const made = request({
      memory: 64,
      memorySwap: -1,
      cpus: '1.5',
      shmSize: 64,
      healthcheck: { tests: ['CMD', 'true'], interval: '1m0s', retries: 3 },
    });
    expect(made.HostConfig).toMatchObject({
      Memory: 67_108_864,
      MemorySwap: -1,
      NanoCpus: 1_500_000_000,
      ShmSize: 67_108_864,
    });
    expect(made.Healthcheck).toEqual({ Test: ['CMD', 'true'], Interval: 60e9, Retries: 3 });
  });

  it('is made in its first own network, not in the default one', () => {
    const made = request({
      networkMode: 'bridge',
      networksAdvanced: [{ name: 'net', aliases: ['db'], ipv4Address: '10.0.0.2' }, { name: 'second' }],
    });
    expect(made.HostConfig?.NetworkMode).toBe('net');
    expect(made.NetworkingConfig?.EndpointsConfig).toEqual({
      net: { Aliases: ['db'], IPAMConfig: { IPv4Address: '10.0.0.2' } },
    });
  });

  it('publishes, mounts and limits', () => {
    const made = request({
      ports: [
        { internal: 80, external: 8080, ip: '127.0.0.1', protocol: 'tcp' },
        { internal: 80, external: 8081, ip: '127.0.0.1' },
      ],
      volumes: [
        { volumeName: 'data', containerPath: '/data' },
        { hostPath: '/sys', containerPath: '/sys', readOnly: true },
        { containerPath: '/anonymous' },
      ],
      ulimits: [{ name: 'nofile', soft: 10, hard: 20 }],
      capabilities: { adds: ['CAP_SYS_ADMIN'], drops: ['ALL'] },
      hosts: [{ host: 'db', ip: '10.0.0.3' }],
      restart: 'on-failure',
      maxRetryCount: 3,
      logDriver: 'json-file',
      logOpts: { 'max-size': '10m' },
    });
    expect(made.HostConfig).toMatchObject({
      PortBindings: {
        '80/tcp': [
          { HostIp: '127.0.0.1', HostPort: '8080' },
          { HostIp: '127.0.0.1', HostPort: '8081' },
        ],
      },
      Binds: ['data:/data:rw', '/sys:/sys:ro'],
      Ulimits: [{ Name: 'nofile', Soft: 10, Hard: 20 }],
      CapAdd: ['CAP_SYS_ADMIN'],
      CapDrop: ['ALL'],
      ExtraHosts: ['db:10.0.0.3'],
      RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m' } },
    });
    expect(made.Volumes).toEqual({ '/anonymous': {} });
  });
});
