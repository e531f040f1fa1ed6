import { spawn, spawnSync } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { DockerHost } from '../stack/docker-host.js';
import { UserError } from '../stack/errors.js';
import { say } from './output.js';

/** Programs that the commands need and the Debian package that brings each. */
const NEEDED: readonly { readonly program: string; readonly package: string }[] = [
  { program: 'docker', package: 'docker.io' },
  { program: 'dockerd', package: 'docker.io' },
  { program: 'debootstrap', package: 'debootstrap' },
  { program: 'ss', package: 'iproute2' },
  { program: 'tar', package: 'tar' },
  { program: 'gzip', package: 'gzip' },
];

/** Longest wait for a Docker daemon that was just started, in milliseconds. */
const DAEMON_DEADLINE_MS = 60_000;

/**
 * Brings a fresh machine to where `up` can work: installs what is missing as root or with sudo (Debian, Ubuntu), starts the
 * Docker daemon, and says each thing it does. Where it may not, the error carries the exact commands.
 */
export async function bootstrap(): Promise<void> {
  installMissing();
  await reachDocker('');
}

/** Returns once the Docker engine answers; empty is the one of this machine, which is started when it is down. */
export async function reachDocker(host: string): Promise<void> {
  if (dockerAnswers(host)) return;
  // A daemon started here would not be the one that was meant.
  if (host) throw dockerDown(host);
  startDaemon();
  const deadline = Date.now() + DAEMON_DEADLINE_MS;
  while (!dockerAnswers(host)) {
    if (Date.now() > deadline) throw dockerDown(host);
    await wait(500);
  }
}

/** Installs the programs that are not there, or throws with the commands that do. */
export function installMissing(): void {
  const packages = [...new Set(NEEDED.filter(({ program }) => !onPath(program)).map((need) => need.package))];
  if (packages.length === 0) return;
  const commands = ['apt-get update', `apt-get install -y ${packages.join(' ')}`];
  const become = privilege();
  if (!onPath('apt-get') || become === null)
    throw new UserError('INSTALL', `missing on this machine: ${packages.join(', ')}`, {
      fix: commands.map((command) => `sudo ${command}`).join(' && '),
    });
  say(`• installing ${packages.join(', ')} (apt-get)`);
  for (const command of commands) {
    const done = spawnSync([...become, ...command.split(' ')].join(' '), {
      shell: true,
      encoding: 'utf8',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      maxBuffer: 64 * 2 ** 20,
    });
    if (done.status === 0) continue;
    const why = `${done.stdout}${done.stderr}`.trim().split('\n').slice(-3).join(' / ');
    throw new UserError('INSTALL', `\`${command}\` failed`, { why, fix: `sudo ${command}` });
  }
}

/** Words that make a command run as root, or null where there is no way without a password. */
function privilege(): readonly string[] | null {
  if (process.getuid?.() === 0) return [];
  return onPath('sudo') && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo', '-n'] : null;
}

function onPath(program: string): boolean {
  const path = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;
  return path.split(':').some((folder) => existsSync(`${folder}/${program}`));
}

function dockerAnswers(host: string): boolean {
  const env = new DockerHost(host).environment;
  return (
    spawnSync('docker', ['info'], { stdio: 'ignore', timeout: host.startsWith('ssh:') ? 30_000 : 10_000, env })
      .status === 0
  );
}

/** By systemd where it runs, else by the init script, else by itself. */
function startDaemon(): void {
  const become = privilege();
  if (become === null) throw dockerDown('');
  const attempt = (words: readonly string[]) => {
    const [program = '', ...args] = [...become, ...words];
    return spawnSync(program, args, { stdio: 'ignore', timeout: 60_000 }).status === 0;
  };
  say('• starting Docker');
  if (existsSync('/run/systemd/system')) {
    if (!attempt(['systemctl', 'start', 'docker'])) throw dockerDown('');
    return;
  }
  if (become.length > 0) {
    if (!attempt(['service', 'docker', 'start'])) throw dockerDown('');
    return;
  }
  const log = openSync('/var/log/dockerd.log', 'a', 0o640);
  spawn('dockerd', [], {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  }).unref();
}

function dockerDown(host: string): UserError {
  const why = refusal(host);
  if (why.includes('permission denied') && !host.startsWith('ssh:'))
    return new UserError('DOCKER_DOWN', 'this user may not talk to the Docker engine', {
      fix: 'sudo usermod -aG docker "$USER" && newgrp docker (or run the command with sudo)',
    });
  if (host === '') return new UserError('DOCKER_DOWN', 'no Docker engine answers on this machine', { why });
  const source = process.env['DOCKER_HOST'] === host ? 'DOCKER_HOST' : 'telegram:docker.host';
  return new UserError('DOCKER_DOWN', `no Docker engine answers at ${host} (${source})`, {
    why,
    fix: `Start that engine, or ${source === 'DOCKER_HOST' ? '`unset DOCKER_HOST` to use the one of this machine' : 'correct telegram:docker.host in the stack file'}.`,
  });
}

/** What the command line says about an engine that does not answer. */
function refusal(host: string): string {
  const { stderr } = spawnSync('docker', ['info'], {
    encoding: 'utf8',
    timeout: 30_000,
    env: new DockerHost(host).environment,
  });
  return stderr.trim().split('\n').at(-1) ?? '';
}
