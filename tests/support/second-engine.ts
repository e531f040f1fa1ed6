import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { TEST_PREFIX } from './test-stack.js';

const execute = promisify(execFile);
const SLOT = Number(process.env['TEST_SLOT'] ?? 0);

/** Longest wait for an engine to answer, and for one that is told to end, in milliseconds. */
const ANSWERS_MS = 60_000;
const ENDS_MS = 90_000;
const COMMAND_MS = 300_000;

/** What an engine needs besides being root. */
const TOOLS = ['dockerd', 'nsenter', 'unshare', 'setpriv', 'ip', 'iptables'];

/**
 * A second Docker engine, as another machine would have it: in a network namespace, with firewall rules of its own, so that the
 * first engine's are not touched; reached at an address of its own. It ends with the process that started it.
 */
export class SecondEngine {
  /** Where its published ports are. */
  readonly address = `10.213.${String(SLOT)}.2`;
  readonly #gateway = `10.213.${String(SLOT)}.1`;
  readonly #namespace = `${TEST_PREFIX}engine`;
  readonly #link = `ths${String(SLOT)}`;
  /** Layers cannot lie on a file system of layers, so not in a temporary folder. */
  readonly #data = `/var/lib/${TEST_PREFIX}telegram-engine`;
  readonly #run = `/run/${TEST_PREFIX}telegram-engine`;
  #daemon: ChildProcess | undefined;

  /** Why there can be none on this machine; null where there can. */
  static refusal(): string | null {
    if (process.getuid?.() !== 0) return 'this needs root';
    const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`.split(':');
    const missing = TOOLS.filter((tool) => !path.some((folder) => existsSync(join(folder, tool))));
    return missing.length > 0 ? `this needs ${missing.join(', ')}` : null;
  }

  get host(): string {
    return `unix://${this.#run}/docker.sock`;
  }

  /** Output of one `docker` command there. */
  async docker(...args: readonly string[]): Promise<string> {
    const { stdout } = await execute('docker', ['-H', this.host, ...args], {
      timeout: COMMAND_MS,
      maxBuffer: 64 * 2 ** 20,
    });
    return stdout.trim();
  }

  /** From nothing, whatever an earlier run has left. */
  async create(): Promise<void> {
    await this.remove();
    mkdirSync('/etc/docker', { recursive: true });
    for (const folder of [join(this.#run, 'etc'), this.#data]) mkdirSync(folder, { recursive: true });
    const [here, there] = [`${this.#link}h`, `${this.#link}c`];
    const inside = (...args: string[]) => {
      ip('-n', this.#namespace, ...args);
    };
    ip('netns', 'add', this.#namespace);
    ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', this.#namespace);
    ip('addr', 'add', `${this.#gateway}/30`, 'dev', here);
    ip('link', 'set', here, 'up');
    inside('addr', 'add', `${this.address}/30`, 'dev', there);
    inside('link', 'set', there, 'up');
    inside('link', 'set', 'lo', 'up');
    inside('route', 'add', 'default', 'via', this.#gateway);
    await this.start();
  }

  /** Also after `stop`: what ran then runs again. */
  async start(): Promise<void> {
    const log = openSync(join(this.#run, 'log'), 'a');
    const own = TEST_PREFIX.replace(/-$/, '');
    // Settings and identity of the first one are in /etc/docker.
    const script = 'mount --bind "$0" /etc/docker && exec setpriv --pdeathsig TERM dockerd "$@"';
    this.#daemon = spawn(
      'nsenter',
      [
        ...[`--net=/run/netns/${this.#namespace}`, 'unshare', '--mount', 'sh', '-c', script, join(this.#run, 'etc')],
        ...['-H', this.host, '--data-root', this.#data, '--exec-root', join(this.#run, 'exec')],
        ...['--pidfile', join(this.#run, 'pid'), '--bip', `10.214.${String(SLOT)}.1/24`],
        ...['--containerd-namespace', own, '--containerd-plugins-namespace', `${own}-plugins`],
      ],
      { stdio: ['ignore', log, log], env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` } },
    );
    const deadline = Date.now() + ANSWERS_MS;
    while (!(await this.#answers())) {
      if (Date.now() > deadline || this.#daemon.exitCode !== null)
        throw new Error(
          `the second engine does not start: ${readFileSync(join(this.#run, 'log'), 'utf8').slice(-2_000)}`,
        );
      await wait(250);
    }
  }

  /** As a machine that is shut down: its containers end, its data stays. */
  async stop(): Promise<void> {
    const daemon = this.#daemon;
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const ended = once(daemon, 'exit');
    daemon.kill('SIGTERM');
    const late = setTimeout(() => daemon.kill('SIGKILL'), ENDS_MS);
    await ended;
    clearTimeout(late);
  }

  /** Leaves nothing of it. */
  async remove(): Promise<void> {
    await this.stop();
    await this.#endLeftOver();
    spawnSync('ip', ['netns', 'del', this.#namespace], { stdio: 'ignore' });
    spawnSync('ip', ['link', 'del', `${this.#link}h`], { stdio: 'ignore' });
    for (const folder of [this.#run, this.#data]) {
      unmountBelow(folder);
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /**
   * Brings images of the first engine there with the steps that made them, so that a build of the same comes out of the cache. Made
   * by the classic builder, as that alone keeps them.
   */
  async copyImages(contexts: readonly string[], base: string): Promise<void> {
    const built: string[] = [];
    for (const context of contexts) {
      const { stdout } = await execute('docker', ['build', '-q', '--build-arg', `BASE=${base}`, context], {
        timeout: COMMAND_MS,
        env: { ...process.env, DOCKER_BUILDKIT: '0' },
      });
      built.push(stdout.trim().split('\n').at(-1) ?? '');
    }
    const steps = await Promise.all(
      [base, ...built].map(async (image) => (await execute('docker', ['history', '-q', '--no-trunc', image])).stdout),
    );
    const ids = new Set(
      steps
        .join('\n')
        .split('\n')
        .filter((id) => id.startsWith('sha256:')),
    );
    const script = 'set -o pipefail; host=$1; shift; docker save "$@" | docker -H "$host" load -q >/dev/null';
    await execute('bash', ['-c', script, 'bash', this.host, base, ...ids], { timeout: COMMAND_MS });
  }

  async #answers(): Promise<boolean> {
    return execute('docker', ['-H', this.host, 'version', '--format', '{{.Server.Version}}'], { timeout: 5_000 }).then(
      () => true,
      () => false,
    );
  }

  /** The engine of a run that was cut off hard. */
  async #endLeftOver(): Promise<void> {
    const file = join(this.#run, 'pid');
    if (!existsSync(file)) return;
    const process_ = `/proc/${readFileSync(file, 'utf8').trim()}`;
    const isOurs = () => existsSync(process_) && readFileSync(`${process_}/cmdline`, 'utf8').includes(this.#data);
    if (!isOurs()) return;
    process.kill(Number(process_.slice('/proc/'.length)), 'SIGTERM');
    for (const deadline = Date.now() + ENDS_MS; isOurs() && Date.now() < deadline;) await wait(250);
  }
}

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8', timeout: 30_000 });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
}

/** What a killed engine left mounted. */
function unmountBelow(folder: string): void {
  if (!statSync(folder, { throwIfNoEntry: false })) return;
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${folder}/`));
  for (const path of mounts.reverse()) spawnSync('umount', ['-l', path], { stdio: 'ignore', timeout: 30_000 });
}
