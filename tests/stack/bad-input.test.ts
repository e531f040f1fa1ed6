import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import {
  container,
  docker,
  movePorts,
  run,
  TEST_CONFIG,
  TEST_PREFIX,
  TEST_STACK,
  testPort,
  testSubnet,
  type CommandResult,
} from '../support/test-stack.js';

const BOUND_MS = 120_000;
/** Names that only these tests would make. */
const PREFIX = `${TEST_PREFIX}bad-`;
const SUBNET = testSubnet(1);

type Keys = Readonly<Record<string, unknown>>;

const TEST_KEYS = (parse(readFileSync(TEST_CONFIG, 'utf8')) as { config: Keys }).config;

/** The config of the test stack at another place: names, subnet and every port. */
const ELSEWHERE: Keys = {
  ...(movePorts(TEST_KEYS, 4_000) as Keys),
  'telegram:namePrefix': PREFIX,
  'telegram:subnet': SUBNET,
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bad-input-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** `up` of a fresh stack with these keys changed. */
function upWith(name: string, keys: Keys, env: Record<string, string> = {}, base: Keys = ELSEWHERE): CommandResult {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, stringify({ config: { ...base, ...keys } }));
  const args = ['--engine', 'embedded', '--config', file];
  return run('up', args, { TELEGRAM_STATE_DIR: join(folder, name), ...env });
}

/** One message: not a word on stdout, an exit code, a fix and its document, and nothing of ours in Docker. */
async function refused({ code, stdout, stderr }: CommandResult, errorCode: string): Promise<void> {
  expect(stderr).toContain(`✖ ${errorCode} `);
  expect(stderr).toMatch(/\n {2}fix: {2}\S/);
  expect(stderr).toContain(`\n  docs: docs/errors.md#${errorCode.toLowerCase()}`);
  expect(stderr.match(/✖/g)).toHaveLength(1);
  expect([code, stdout]).toEqual([1, '']);
  const lists = await Promise.all([
    docker('ps', '-a', '--format', '{{.Names}}'),
    docker('network', 'ls', '--format', '{{.Name}}'),
    docker('volume', 'ls', '--format', '{{.Name}}'),
  ]);
  expect(
    lists
      .join('\n')
      .split('\n')
      .filter((name) => name.startsWith(PREFIX)),
  ).toEqual([]);
}

describe('configuration that is wrong', () => {
  it(
    'R12 unknown keys and wrong types are told at once, with path, expectation and the file to correct',
    async () => {
      const result = upWith('types', { 'telegram:colour': 'red', 'telegram:api': { port: 'many', size: 1 } });
      await refused(result, 'CONFIG');
      expect(result.stderr).toContain("the stack's configuration has 3 mistake(s)");
      expect(result.stderr).toContain('  - telegram:colour: unknown key\n');
      expect(result.stderr).toContain('  - telegram:api.size: unknown key\n');
      expect(result.stderr).toMatch(/ {2}- telegram:api\.port: .*expected number/);
      expect(result.stderr).toContain(join(folder, 'types', TEST_STACK, 'Pulumi.test.yaml'));
    },
    BOUND_MS,
  );

  it(
    'O11 two ports alike, an even number of Sentinels and pools beyond max_connections',
    async () => {
      const result = upWith('sums', {
        'telegram:api': { port: 18_011 },
        'telegram:redis': { ...(ELSEWHERE['telegram:redis'] as Keys), sentinels: 2 },
        'telegram:pgbouncer': { ...(ELSEWHERE['telegram:pgbouncer'] as Keys), maxServerConnections: 75 },
      });
      await refused(result, 'CONFIG');
      expect(result.stderr).toContain(
        `  - telegram:consumer.port: port ${String(testPort(18_011))} is also telegram:api.port`,
      );
      expect(result.stderr).toContain('  - telegram:redis.sentinels: expected an odd number, got 2');
      expect(result.stderr).toContain('  - telegram:pgbouncer.maxServerConnections: expected at most 70');
    },
    BOUND_MS,
  );

  it(
    'R12 a production stack without API id or host key',
    async () => {
      const result = upWith('production', {
        'telegram:environment': 'production',
        'telegram:dataPolicy': 'retain',
        'telegram:telegram': { kind: 'real', apiHash: '0'.repeat(32) },
        'telegram:gateway': { kind: 'machine', host: 'gateway.example.org' },
      });
      await refused(result, 'CONFIG');
      expect(result.stderr).toContain('  - telegram:telegram.apiId: ');
      expect(result.stderr).toContain('  - telegram:gateway.hostKey: ');
    },
    BOUND_MS,
  );

  it(
    'R10 a production stack with the simulator; a stack that was refused belongs to no engine',
    async () => {
      const result = upWith('simulator', {
        'telegram:environment': 'production',
        'telegram:dataPolicy': 'retain',
        'telegram:gateway': {
          kind: 'machine',
          host: 'gateway.example.org',
          hostKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5',
        },
      });
      await refused(result, 'CONFIG');
      expect(result.stderr).toContain(
        'telegram:telegram.kind: expected "real": a production stack refuses the simulator',
      );
      const env = { TELEGRAM_STATE_DIR: join(folder, 'simulator') };
      expect(run('doctor', [], env).stderr).toContain('✖ NOT_UP stack "test" is not up');
    },
    BOUND_MS,
  );
});

describe('a machine that is in the way', () => {
  let listener: Server;
  beforeAll(async () => {
    listener = createServer().listen(18_010, '127.0.0.1');
    await once(listener, 'listening');
    await docker('network', 'create', '--subnet', testSubnet(1, '128/25'), `${TEST_PREFIX}overlap`);
  });
  afterAll(async () => {
    listener.close();
    await docker('network', 'rm', `${TEST_PREFIX}overlap`);
  });

  it(
    'D9 D13 O11 a port in use and an overlapping subnet are both told, with who holds them',
    async () => {
      const result = upWith('held', {});
      await refused(result, 'PREFLIGHT');
      expect(result.stderr).toContain('2 thing(s) stand in the way');
      expect(result.stderr).toMatch(
        new RegExp(
          `telegram:api\\.port: port ${String(testPort(18_010))} is in use by .*\\(process ${String(process.pid)}\\); stop it with`,
        ),
      );
      expect(result.stderr).toContain(
        `telegram:subnet: ${SUBNET} overlaps ${testSubnet(1, '128/25')} of Docker network ${TEST_PREFIX}overlap; choose another /24`,
      );
    },
    BOUND_MS,
  );

  it(
    'D13 names, ports and network of a stack that is up are told with their owner',
    async () => {
      const result = upWith('twin', {}, {}, TEST_KEYS);
      await refused(result, 'PREFLIGHT');
      expect(result.stderr).toMatch(
        new RegExp(
          `name: container ${container('rabbitmq')} belongs to stack "test-[0-9a-f]{8}"; set telegram:namePrefix`,
        ),
      );
      expect(result.stderr).toContain(
        `telegram:timescale.port: port ${String(testPort(15_434))} is published by container ${container('timescaledb')}; stop it with`,
      );
      expect(result.stderr).toMatch(
        new RegExp(`name: network ${TEST_PREFIX}telegram-network belongs to stack "test-[0-9a-f]{8}"`),
      );
    },
    BOUND_MS,
  );
});

describe('engines and Docker', () => {
  it.each([
    ['pulumi', 'embedded'],
    ['embedded', 'pulumi'],
  ])(
    'O1 the state of the %s engine is not touched by the %s one',
    async (made, wanted) => {
      const state = join(folder, `engine-${made}`);
      mkdirSync(join(state, TEST_STACK), { recursive: true });
      writeFileSync(join(state, TEST_STACK, 'engine'), `${made}\n`);
      const result = run('up', ['--engine', wanted, '--config', TEST_CONFIG], { TELEGRAM_STATE_DIR: state });
      await refused(result, 'ENGINE_MISMATCH');
      expect(result.stderr).toContain(`stack "test" was made by the ${made} engine, not by ${wanted}`);
    },
    BOUND_MS,
  );

  it(
    'O1 a Docker engine that does not answer is told within seconds, and none is started in its place',
    async () => {
      const began = performance.now();
      const address = 'unix:///nonexistent/docker.sock';
      const result = upWith('down', {}, { DOCKER_HOST: address });
      await refused(result, 'DOCKER_DOWN');
      expect(result.stderr).toContain(`no Docker engine answers at ${address} (DOCKER_HOST)`);
      expect(result.stderr).not.toContain('starting Docker');
      expect(performance.now() - began).toBeLessThan(60_000);
    },
    BOUND_MS,
  );

  it(
    'O1 Docker that is missing and cannot be installed: the error is the commands to run',
    async () => {
      const result = upWith('missing', {}, { PATH: join(folder, 'nothing-here') });
      await refused(result, 'INSTALL');
      expect(result.stderr).toMatch(/missing on this machine: .*docker\.io/);
      expect(result.stderr).toMatch(/fix: {2}sudo apt-get update && sudo apt-get install -y .*docker\.io/);
    },
    BOUND_MS,
  );
});
