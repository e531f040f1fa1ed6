import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { sqlOn } from '../../ops/sql.js';
import { DATABASE } from '../../runtime/contract.js';
import { parse, parseDocument, stringify } from 'yaml';
import type { Connection } from '../../ops/connections.js';
import { ROOT } from '../../ops/stack-folder.js';
import {
  container,
  docker,
  movePorts,
  must,
  run,
  start,
  TEST_CONFIG,
  TEST_PREFIX,
  TEST_STACK,
  TEST_STATE,
  testEnvironment,
  testSubnet,
  type CommandResult,
  type Inspected,
  type RunningCommand,
} from './test-stack.js';

/** Beside the test stack's ports and those of bad-input.test.ts. */
const PORTS_BY = 2_000;

const GUIDE = join(ROOT, 'docs', 'guides', 'stacks.md');

/** How a command that was cut off ended. */
export interface CutOff {
  /** False when it was done before its time came. */
  readonly cut: boolean;
  readonly code: number | null;
  readonly stderr: string;
}

/** A whole stack beside the test stack: its own names, subnet, ports and state. */
export class OtherStack {
  /** What its names begin with; longer after `rename`. */
  prefix: string;
  readonly #family: string;
  readonly source: string;
  readonly #state: string;

  constructor(name: string, keys: Readonly<Record<string, unknown>>) {
    this.#family = `${TEST_PREFIX}${name}-`;
    this.prefix = this.#family;
    this.#state = join(TEST_STATE, name);
    this.source = join(this.#state, 'source.yaml');
    const { config } = parse(readFileSync(TEST_CONFIG, 'utf8')) as { config: object };
    const own = { 'telegram:namePrefix': this.prefix, 'telegram:subnet': testSubnet(2), ...keys };
    mkdirSync(this.#state, { recursive: true });
    writeFileSync(this.source, stringify({ config: { ...(movePorts(config, PORTS_BY) as object), ...own } }));
  }

  get env(): Record<string, string> {
    return { TELEGRAM_STATE_DIR: this.#state };
  }

  run(command: string, ...args: readonly string[]): CommandResult {
    return run(command, this.#first(command, args), this.env);
  }

  must(command: string, ...args: readonly string[]): CommandResult {
    return must(command, this.#first(command, args), this.env);
  }

  /** The same while the event loop goes on. */
  start(command: string, ...args: readonly string[]): RunningCommand {
    return start(command, this.#first(command, args), this.env);
  }

  /** The same names from a checkout that knows nothing of this one. */
  fromElsewhere(command: string): CommandResult {
    return run(command, this.#first(command, []), { TELEGRAM_STATE_DIR: join(this.#state, 'elsewhere') });
  }

  /** `up` or `destroy` that gets the signal once it has made or removed so many containers, volumes, networks and commands. */
  async cutOff(command: 'up' | 'destroy', things: number, signal: NodeJS.Signals): Promise<CutOff> {
    const own = this.#first(command, command === 'destroy' ? ['--yes'] : []);
    const args = ['--import', 'tsx', 'ops/cli.ts', command, ...own];
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '', ...testEnvironment(), ...this.env },
    });
    const ended = once(child, 'close') as Promise<[number | null]>;
    let made = 0;
    let stderr = '';
    for await (const line of createInterface({ input: child.stderr })) {
      stderr += `${line}\n`;
      if (!/^ {2}(create|replace|update|delete) +(Container|Volume|Network|Command|CopyToRemote) /.test(line)) continue;
      made += 1;
      if (made === things) child.kill(signal);
    }
    const [code] = await ended;
    return { cut: made >= things && code !== 0, code, stderr };
  }

  /** Sets one key of the file that the first `up` starts from. */
  beginWith(key: string, value: unknown): void {
    setKey(this.source, key, value);
  }

  /** Changes one key of the working copy and returns what puts it back. */
  change(key: string, value: unknown): () => void {
    const file = join(this.#state, TEST_STACK, `Pulumi.${TEST_STACK}.yaml`);
    const before = readFileSync(file, 'utf8');
    setKey(file, key, value);
    return () => {
      writeFileSync(file, before);
    };
  }

  /** Moves the data of the destroyed stack to other names, by the very lines of the guide, and names the stack so. */
  rename(): void {
    const [, lines] = /runs these lines -->\n\n```sh\n(.*?)```/s.exec(readFileSync(GUIDE, 'utf8')) ?? [];
    if (lines === undefined) throw new Error(`${GUIDE} does not say how to rename`);
    const before = this.prefix;
    this.prefix = `${this.#family}renamed-`;
    execFileSync('bash', ['-c', lines], {
      env: { ...process.env, OLD: before, NEW: this.prefix, IMAGE: this.#image() },
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 300_000,
    });
    this.change('telegram:namePrefix', this.prefix);
  }

  /** Destroys it, with the data that it keeps, and its state: also of a run that was cut off. */
  async removeAll(): Promise<void> {
    this.run('destroy', '--yes');
    const volumes = await this.volumes();
    if (volumes.length > 0) await docker('volume', 'rm', ...volumes);
    rmSync(this.folder, { recursive: true, force: true });
  }

  async containers(): Promise<Inspected[]> {
    const ids = await docker('ps', '-aq', '--filter', `name=^${this.#family}`);
    return ids === '' ? [] : (JSON.parse(await docker('inspect', ...ids.split('\n'))) as Inspected[]);
  }

  async volumes(): Promise<string[]> {
    return this.#names(await docker('volume', 'ls', '--format', '{{.Name}}'));
  }

  async networks(): Promise<string[]> {
    return this.#names(await docker('network', 'ls', '--format', '{{.Name}}'));
  }

  connection(service: string): Connection {
    const all = JSON.parse(this.must('connections', '--json', '--show-secrets').stdout) as Record<string, Connection>;
    const found = all[service];
    if (!found) throw new Error(`the stack has no ${service}`);
    return found;
  }

  /** Rows of a table of the schema. */
  async rows(table: string): Promise<number> {
    const [row] = await this.query(`select count(*)::int as count from telegram_gateway.${table}`);
    return Number(row?.['count'] ?? -1);
  }

  /** Rows of one statement in its database. */
  async query(text: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    const { host, port, user, password } = this.connection('timescaledb');
    return sqlOn({ host, port, user, password, database: DATABASE })<Record<string, unknown>>(text, values);
  }

  /** Whether a process of it says that it is ready. */
  async ready(service: string): Promise<boolean> {
    const { host, port } = this.connection(service);
    return fetch(`http://${host}:${String(port)}/health/ready`, { signal: AbortSignal.timeout(3_000) }).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** Folder of its state. */
  get folder(): string {
    return join(this.#state, TEST_STACK);
  }

  /** An image with a shell that is here: that of the test stack's own database. */
  #image(): string {
    return execFileSync('docker', ['inspect', '--format', '{{.Image}}', container('timescaledb')], {
      encoding: 'utf8',
      timeout: 60_000,
    }).trim();
  }

  #names(list: string): string[] {
    return list.split('\n').filter((name) => name.startsWith(this.#family));
  }

  #first(command: string, args: readonly string[]): string[] {
    return command === 'up' ? ['--engine', 'embedded', '--config', this.source, ...args] : [...args];
  }
}

function setKey(file: string, key: string, value: unknown): void {
  const document = parseDocument(readFileSync(file, 'utf8'));
  document.setIn(['config', ...key.split('.')], value);
  writeFileSync(file, document.toString());
}
