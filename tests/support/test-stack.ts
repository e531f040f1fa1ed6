import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import type { Connection } from '../../ops/connections.js';
import type { SmokeResult } from '../../ops/smoke.js';
import { ROOT } from '../../ops/stack-folder.js';

/** The stack that the tests bring up: its own names, subnet and ports, so that it lives beside a developer's own. */
export const TEST_STACK = 'test';
/** Two checkouts test on one machine at the same time when their `TEST_SLOT` differs: 0 (the default) to 9. */
const SLOT = Number(process.env['TEST_SLOT'] ?? 0);
export const TEST_PREFIX = SLOT === 0 ? 'test-' : `test${String(SLOT)}-`;
export const TEST_STATE = join(ROOT, '.stack', 'tests');
export const TEST_CONFIG = join(TEST_STATE, 'Pulumi.test.yaml');

/** A port of Pulumi.test.yaml as this slot has it. */
export const testPort = (port: number) => port + 100 * SLOT;

/** Port of this machine at which the Alertmanager of the test stack finds `Webhook`. */
export const WEBHOOK_PORT = testPort(19_099);

/** Subnet of this slot, by number: 0 is the test stack's, the others are for stacks that single tests make. */
export const testSubnet = (number: number, host = '0/24') => `172.28.${String(41 + 20 * number + SLOT)}.${host}`;

/** Any config with its ports moved. */
export function movePorts(value: unknown, by: number): unknown {
  if (Array.isArray(value)) return value.map((inner) => movePorts(inner, by));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, /port$/i.test(key) ? Number(inner) + by : movePorts(inner, by)]),
  );
}

/** Pulumi.test.yaml as this slot has it. */
export function writeTestConfig(): void {
  const source = parse(readFileSync(join(ROOT, 'tests', 'support', 'Pulumi.test.yaml'), 'utf8')) as { config: object };
  const config = movePorts(source.config, testPort(0)) as Record<string, object>;
  const own = {
    'telegram:namePrefix': TEST_PREFIX,
    'telegram:subnet': testSubnet(0),
    'telegram:monitoring': {
      ...config['telegram:monitoring'],
      alertWebhook: `http://${testSubnet(0, '1')}:${String(WEBHOOK_PORT)}/`,
    },
  };
  mkdirSync(TEST_STATE, { recursive: true });
  writeFileSync(TEST_CONFIG, stringify({ config: { ...config, ...own } }));
}

/** What every test process gets. */
export function testEnvironment(): Record<string, string> {
  return { TELEGRAM_STACK: TEST_STACK, TELEGRAM_STATE_DIR: TEST_STATE };
}

let stateEnvironment: Record<string, string> = {};

/** From now on this test file works on the stack whose state is in another folder. */
export function useState(folder: string): void {
  stateEnvironment = { TELEGRAM_STATE_DIR: folder };
  Object.assign(process.env, stateEnvironment);
  forgetConnections();
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Longest any command may take, in milliseconds. */
const COMMAND_BOUND_MS = 15 * 60_000;

/** Runs one of the project's commands on a stack, as a person would. */
export function run(command: string, args: readonly string[] = [], env: Record<string, string> = {}): CommandResult {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'ops/cli.ts', command, ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: COMMAND_BOUND_MS,
    maxBuffer: 256 * 2 ** 20,
    env: { ...process.env, NODE_OPTIONS: '', ...testEnvironment(), ...stateEnvironment, ...env },
  });
  return { code: status ?? 1, stdout, stderr };
}

export interface RunningCommand {
  readonly ended: Promise<CommandResult>;
  /** Resolves when the command has said this on stderr; rejects when it ends before. */
  said(text: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** The same while the event loop goes on, for what has to happen meanwhile. */
export function start(command: string, args: readonly string[] = [], env: Record<string, string> = {}): RunningCommand {
  const child = spawn(process.execPath, ['--import', 'tsx', 'ops/cli.ts', command, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: COMMAND_BOUND_MS,
    env: { ...process.env, NODE_OPTIONS: '', ...testEnvironment(), ...stateEnvironment, ...env },
  });
  const texts = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => (texts[stream] += text));
  const ended = new Promise<CommandResult>((resolve) => {
    child.on('close', (code) => {
      resolve({ code: code ?? 1, ...texts });
    });
  });
  return {
    ended,
    said: async (text) => {
      const told = () => texts.stderr.includes(text);
      const last = ended.then(() => told());
      while (!told()) {
        const ends = await Promise.race([last, delay(50).then(() => null)]);
        if (ends === false) throw new Error(`\`${command}\` ended without saying "${text}"\n${texts.stderr}`);
      }
    },
    kill: (signal) => void child.kill(signal),
  };
}

/** A command that has to succeed; its own words are in the error when it does not. */
export function must(command: string, args: readonly string[] = [], env: Record<string, string> = {}): CommandResult {
  const result = run(command, args, env);
  if (result.code === 0) return result;
  throw new Error(
    `\`${command} ${args.join(' ')}\` ended with ${String(result.code)}\n${result.stderr}\n${result.stdout}`,
  );
}

/** Output of one `docker` command, bounded to two minutes; the event loop goes on meanwhile. */
export async function docker(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('docker', [...args], { timeout: 120_000, maxBuffer: 64 * 2 ** 20 });
  return stdout.trim();
}

/** Full name of a container of the test stack: `container('consumer')`. */
export function container(part: string): string {
  return `${TEST_PREFIX}telegram-${part}`;
}

/** Output of a command inside a container of the test stack. */
export async function inside(part: string, ...command: readonly string[]): Promise<string> {
  return docker('exec', container(part), ...command);
}

/** As much of `docker inspect` as the tests look at. */
export interface Inspected {
  readonly Id: string;
  readonly Name: string;
  /** Id of its image. */
  readonly Image: string;
  readonly State: {
    readonly Status: string;
    /** Of its first process, as the Docker host sees it. */
    readonly Pid: number;
    readonly StartedAt: string;
    readonly Health?: { readonly Status: string };
  };
  readonly Config: { readonly Env: readonly string[] | null; readonly User: string };
  readonly HostConfig: {
    readonly Memory: number;
    readonly MemorySwap: number;
    readonly NanoCpus: number;
    readonly Privileged: boolean;
    readonly ReadonlyRootfs: boolean;
    readonly CapDrop: readonly string[] | null;
    readonly CapAdd: readonly string[] | null;
    readonly SecurityOpt: readonly string[] | null;
    readonly Tmpfs?: Readonly<Record<string, string>>;
    readonly LogConfig: { readonly Config: Readonly<Record<string, string>> };
  };
  readonly Mounts: readonly { readonly Type: string; readonly Name?: string; readonly Destination: string }[];
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { HostIp: string; HostPort: string }[] | null>>;
    readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>>;
  };
}

export async function inspect(part: string): Promise<Inspected> {
  const [found] = JSON.parse(await docker('inspect', container(part))) as Inspected[];
  if (!found) throw new Error(`no container ${part}`);
  return found;
}

/** Every container with the test stack's prefix, also stopped ones. */
export async function inspectAll(): Promise<Inspected[]> {
  const ids = await docker('ps', '-aq', '--filter', `name=^${TEST_PREFIX}telegram-`);
  return ids === '' ? [] : (JSON.parse(await docker('inspect', ...ids.split('\n'))) as Inspected[]);
}

export type Connections = Readonly<Record<string, Connection>>;

/** Addresses and logins, asked once a test file. */
export function connections(): Connections {
  known ??= JSON.parse(must('connections', ['--json', '--show-secrets']).stdout) as Connections;
  return known;
}
let known: Connections | undefined;

/** After a rotation the logins are others. */
export function forgetConnections(): void {
  known = undefined;
}

export function connection(service: string): Connection {
  const found = connections()[service];
  if (!found) throw new Error(`the test stack has no ${service}`);
  return found;
}

/** Messages from the simulator to the consumer's handler. */
export function smoke(count = 200): SmokeResult {
  const args = ['--json', '--count', String(count), '--rate', '50'];
  return JSON.parse(must('smoke', args).stdout) as SmokeResult;
}

/** The smoke result of which nothing is missing and nothing came twice. */
export function flawless(count = 200): object {
  return { posted: count, stored: count, published: count, consumed: count, duplicates: 0, unimplemented: [] };
}

/** Whether a process of the runtime says that it is ready. */
export async function ready(service: 'gateway' | 'consumer' | 'api'): Promise<boolean> {
  const { host, port } = connection(service);
  return fetch(`http://${host}:${String(port)}/health/ready`, { signal: AbortSignal.timeout(3_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}
