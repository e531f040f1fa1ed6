import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
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
  if (dockerAnswers()) return;
  // Somebody pointed the command elsewhere: a daemon started here would not be the one that was meant.
  if (process.env['DOCKER_HOST']) throw dockerDown();
  startDaemon();
  const deadline = Date.now() + DAEMON_DEADLINE_MS;
  while (!dockerAnswers()) {
    if (Date.now() > deadline) throw dockerDown();
    await wait(500);
  }
}

function installMissing(): void {
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

function dockerAnswers(): boolean {
  return spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 10_000 }).status === 0;
}

/** By systemd where it runs, else by the init script, else by itself. */
function startDaemon(): void {
  const become = privilege();
  if (become === null) throw dockerDown();
  const attempt = (words: readonly string[]) => {
    const [program = '', ...args] = [...become, ...words];
    return spawnSync(program, args, { stdio: 'ignore', timeout: 60_000 }).status === 0;
  };
  say('• starting Docker');
  if (existsSync('/run/systemd/system')) {
    if (!attempt(['systemctl', 'start', 'docker'])) throw dockerDown();
    return;
  }
  if (become.length > 0) {
    if (!attempt(['service', 'docker', 'start'])) throw dockerDown();
    return;
  }
  const log = openSync('/var/log/dockerd.log', 'a', 0o640);
  spawn('dockerd', [], {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  }).unref();
}

function dockerDown(): UserError {
  const denied = refusedToUser();
  if (denied)
    return new UserError('DOCKER_DOWN', 'this user may not talk to the Docker engine', {
      fix: 'sudo usermod -aG docker "$USER" && newgrp docker (or run the command with sudo)',
    });
  const elsewhere = process.env['DOCKER_HOST'];
  if (elsewhere)
    return new UserError('DOCKER_DOWN', `no Docker engine answers at ${elsewhere} (DOCKER_HOST)`, {
      fix: 'Start that engine, or `unset DOCKER_HOST` to use the one of this machine.',
    });
  return new UserError('DOCKER_DOWN', 'no Docker engine answers on this machine');
}

function refusedToUser(): boolean {
  try {
    execFileSync('docker', ['info'], { stdio: 'pipe', timeout: 10_000 });
    return false;
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr).includes('permission denied');
  }
}
